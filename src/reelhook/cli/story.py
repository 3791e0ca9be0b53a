"""The life of one delivery in sentences, from what the API says of it. Pure: `now` comes in (ms since 1970)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from reelhook.cli.screen import moment
from reelhook.dialects.table import DIALECTS
from reelhook.model.access import App
from reelhook.model.instant import read_time

Thing = Mapping[str, Any]
_ANY_APP: Final = App("", "", 0, 0)
"""Whether a dialect has a quota does not depend on the app; how much it is does."""

OPEN: Final = ("pending", "retrying")
"""States in which a delivery waits, so that a hold of the installation concerns it."""
_HELD: Final = ("paused", "disabled")
_TRIGGERS: Final = {
    "schedule": "",
    "resend": " (somebody asked to resend it)",
    "recover": " (a recover sent it again)",
    "replay": " (a replay sent it again)",
    "test": " (a test)",
}


def tell(
    delivery: Thing,
    event: Thing | None,
    endpoint: Thing | None,
    attempts: Sequence[Thing],
    now: int,
    *,
    held_since: str | None = None,
) -> list[str]:
    """Tell it: how it began, each attempt, how it stands and what can be done. `attempts` are oldest first;
    `held_since` is there while the installation is on hold.
    """
    waits = held_since is not None and delivery["state"] in OPEN
    return [
        _beginning(delivery, event, endpoint),
        *_attempts(delivery, attempts),
        _on_hold(str(held_since), endpoint) if waits else _standing(delivery, endpoint, attempts, now),
    ]


def _beginning(delivery: Thing, event: Thing | None, endpoint: Thing | None) -> str:
    began = (event or {}).get("accepted_at") or delivery["created_at"]
    where = f"endpoint {delivery['endpoint_id']}, which is deleted"
    if endpoint is not None:
        name = f"“{endpoint['name']}” " if endpoint.get("name") else ""
        where = f"endpoint {name}({endpoint['id']}) at {endpoint['url']}"
    return (
        f"Event {delivery['event_id']} ({delivery['event_type']}) was accepted at {moment(began)}, "
        f"and one delivery of it is for {where}."
    )


def _attempts(delivery: Thing, attempts: Sequence[Thing]) -> Iterator[str]:
    before = read_time(delivery["created_at"])
    for attempt in attempts:
        at = read_time(attempt["at"])
        first = attempt is attempts[0]
        waited = f"{lasted(at - before)} {'after that' if first else 'later'}"
        why = _TRIGGERS.get(attempt["trigger"], f" ({attempt['trigger']})")
        if attempt["error_class"] == "interrupted":
            # Nobody noted when it began: what it carries is the time at which it was found.
            waited = f"found {waited}"
        yield f"Attempt {attempt['attempt']}, {waited}{why}, {_result(attempt)}."
        before = at + int(attempt["duration_ms"] or 0)


def _result(attempt: Thing) -> str:
    took = lasted(attempt["duration_ms"] or 0)
    status = attempt["status_code"]
    if attempt["status"] == "succeeded":
        return f"succeeded: the receiver answered {status} within {took}"
    if attempt["error_class"] == "interrupted":
        return (
            "was interrupted: the process that sent it ended or lost its place, so nobody knows whether the receiver "
            "got it; its time is when that was found, at a start or when another node took over"
        )
    plain = f"the receiver answered {status}" if status else f"{attempt['error_class']}".replace("_", " ")
    said = attempt.get("error") or plain
    return f"failed after {took}: {said[:1].lower()}{said[1:].rstrip('.')}"


def _standing(delivery: Thing, endpoint: Thing | None, attempts: Sequence[Thing], now: int) -> str:
    state, updated, delivered = delivery["state"], moment(delivery["updated_at"]), delivery.get("delivered_at")
    again = f"`reelhook resend {delivery['id']}` sends it again."
    if delivered and state != "delivered":
        # A delivery that was resent keeps the time of its success.
        again += f" It had been delivered before, at {moment(delivered)}."
    if state == "delivered":
        at = delivered or delivery["updated_at"]
        took = lasted(read_time(at) - read_time(delivery["created_at"]))
        return f"It was delivered at {moment(at)}, {took} after it was accepted, with {_counted(delivery['attempts'])}."
    if state == "failed":
        return f"It was given up at {updated} after {_counted(delivery['attempts'])}; {again}"
    if state == "cancelled":
        return f"It was cancelled at {updated}; {again}"
    if state == "sending":
        return "It is being sent at this moment."
    return _waiting(delivery, endpoint, attempts, now)


def _on_hold(since: str, endpoint: Thing | None) -> str:
    state = (endpoint or {}).get("state")
    besides = f" Its endpoint is {state} besides." if state in _HELD else ""
    return (
        f"It waits because the installation is on hold since {moment(since)}: "
        f"nothing is sent until `reelhook release`.{besides}"
    )


def _waiting(delivery: Thing, endpoint: Thing | None, attempts: Sequence[Thing], now: int) -> str:
    held = (endpoint or {}).get("state")
    if endpoint is not None and held in _HELD:
        reason = f" ({endpoint['disabled_reason']})" if endpoint.get("disabled_reason") else ""
        return (
            f"It waits because the endpoint is {held}{reason}; `reelhook endpoints resume {endpoint['id']}` lets it go."
        )
    due = delivery["next_attempt_at"]
    when = "soon" if due is None else f"at {moment(due)}{_from_now(read_time(due) - now)}"
    if (endpoint or {}).get("circuit") in ("open", "probing"):
        return f"It is due {when}, and waits until a probe of the endpoint succeeds, because too much failed before."
    if due is None:
        return "It waits for its turn: the deliveries before it come first."
    limits = _limits(endpoint) if now > read_time(due) else []
    if limits:
        return f"It is due since {moment(due)} and waits for its turn, which {' or '.join(limits)} decides."
    return f"The {'next' if attempts else 'first'} attempt is due {when}."


def _limits(endpoint: Thing | None) -> list[str]:
    """Name what may keep a delivery back that is due, where the endpoint is active and answers."""
    if endpoint is None:
        return []
    room = DIALECTS.get(endpoint.get("dialect", ""))
    if room is not None and room.quota(_ANY_APP) is not None:
        return [f"the app's {room.name} quota", "a limit of the endpoint"]
    return ["a limit of the endpoint"] if endpoint.get("rate_limit") else []


def _from_now(milliseconds: int) -> str:
    return f", in {lasted(milliseconds)}" if milliseconds > 0 else ", that is now"


def _counted(attempts: int) -> str:
    return "1 attempt" if attempts == 1 else f"{attempts} attempts"


def lasted(milliseconds: float) -> str:
    """Write a span as a person says it: `12 ms`, `4.2 s`, `5 min`, `2.5 h`, `3 days`."""
    seconds = max(0.0, milliseconds) / 1000
    if seconds < 1:
        return f"{max(0.0, milliseconds):.0f} ms"
    for size, unit, limit in ((1, "s", 120), (60, "min", 7200), (3600, "h", 172_800)):
        if seconds < limit:
            return f"{round(seconds / size, 1):g} {unit}"
    return f"{round(seconds / 86_400, 1):g} days"
