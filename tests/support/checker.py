"""Compares three accounts of one run: what was accepted, what the receiver got, and what the store says.

Nothing may be lost, nothing may be unexplained: every accepted event arrived at each of its endpoints, signed and
unchanged; what arrived more than once is explained by an attempt recorded as interrupted or failed; every attempt
that is recorded with an answer was seen by the receiver, and nothing was sent that was never published.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from tests.support.fast_receiver import Receipt
from tests.support.program import Api, until

OPERATIONAL = ("endpoint.", "delivery.")
OPEN = ("pending", "sending", "retrying")
UNKNOWN = "interrupted"
"""The error class of an attempt whose outcome is not known because the program died."""


class Ledger(NamedTuple):
    """What the publisher knows. Data carries a `nonce` of its own; `uncertain` are those that got no answer."""

    accepted: dict[str, Any]
    """Event id → data, for every 202."""
    uncertain: dict[str, Any]
    """Nonce → data; such an event may be stored or not."""

    @classmethod
    def empty(cls) -> "Ledger":
        return cls({}, {})


class Target(NamedTuple):
    """An endpoint, where the receiver sees it, and the types that it gets; all, where there are none."""

    id: str
    path: str
    secret: str
    types: tuple[str, ...] = ()

    def gets(self, event: Any) -> bool:
        """Tell whether an event is for it."""
        return not self.types or event["type"] in self.types


class Store(NamedTuple):
    """What the API says: events, deliveries and attempts as they are listed."""

    events: Mapping[str, Any]
    deliveries: Sequence[Any]
    attempts: Sequence[Any]


def read_store(api: Api) -> Store:
    """Read everything that an app has, page by page, but what the program publishes about itself."""
    events = (event for event in api.pages("/v1/events") if not event["type"].startswith(OPERATIONAL))
    return Store(
        {event["id"]: event for event in events},
        list(api.pages("/v1/deliveries")),
        list(api.pages("/v1/logs")),
    )


def wait_until_closed(api: Api) -> None:
    """Wait until no delivery is open any more.

    Asking for one state after the other is quick, but a delivery can slip through between two questions; a closed one
    stays closed, so looking at each of them once is certain.
    """
    until(lambda: _seems_closed(api) and _is_closed(api), "all deliveries are closed", pause=0.1)


def _seems_closed(api: Api) -> bool:
    return not any(api.get(f"/v1/deliveries?state={state}&limit=1")["items"] for state in OPEN)


def _is_closed(api: Api) -> bool:
    return all(delivery["state"] not in OPEN for delivery in api.pages("/v1/deliveries"))


def verify(receipt: Receipt, secret: str) -> str | None:
    """Check a signature with the public Standard Webhooks package; return what is wrong."""
    try:
        Webhook(secret).verify(receipt.body, receipt.headers)
    except WebhookVerificationError as error:
        return f"{receipt.message_id}: the signature does not verify ({error})"
    return None


def complaints(ledger: Ledger, targets: Sequence[Target], receipts: Sequence[Receipt], store: Store) -> list[str]:
    """Return every contradiction between the three accounts, in words; none is what we want."""
    by_delivery: dict[tuple[str, str], list[Receipt]] = defaultdict(list)
    paths = {target.path: target for target in targets}
    for receipt in receipts:
        by_delivery[paths[receipt.path].id, receipt.message_id].append(receipt)
    return [
        *_events(ledger, store),
        *_deliveries(ledger, targets, store),
        *_receipts(targets, receipts, store),
        *_attempts(by_delivery, store),
        *_strangers(by_delivery, store),
    ]


def _events(ledger: Ledger, store: Store) -> Iterable[str]:
    for event_id, data in ledger.accepted.items():
        if event_id not in store.events:
            yield f"{event_id}: accepted, but not in the store"
        elif store.events[event_id]["data"] != data:
            yield f"{event_id}: stored with other data than was accepted"
    nonces = Counter(event["data"].get("nonce") for event in store.events.values())
    for event_id, event in store.events.items():
        nonce = event["data"].get("nonce")
        if event_id not in ledger.accepted and nonce not in ledger.uncertain:
            yield f"{event_id}: in the store, but never published"
        if nonces[nonce] != 1:
            yield f"{event_id}: published once, stored {nonces[nonce]} times"


def _deliveries(ledger: Ledger, targets: Sequence[Target], store: Store) -> Iterable[str]:
    seen = Counter((delivery["event_id"], delivery["endpoint_id"]) for delivery in store.deliveries)
    for event_id, event in store.events.items():
        for target in targets:
            if seen[event_id, target.id] != int(target.gets(event)):
                yield f"{event_id}: {seen[event_id, target.id]} deliveries to {target.path}"
    for delivery in store.deliveries:
        if delivery["event_id"] not in store.events:
            yield f"{delivery['id']}: a delivery of an event that is not there"
        if delivery["state"] in OPEN:
            yield f"{delivery['id']}: still {delivery['state']}"


def _receipts(targets: Sequence[Target], receipts: Sequence[Receipt], store: Store) -> Iterable[str]:
    secrets = {target.path: target.secret for target in targets}
    for receipt in receipts:
        wrong = verify(receipt, secrets[receipt.path])
        if wrong:
            yield wrong
        event = store.events.get(receipt.message_id)
        if event is None:
            yield f"{receipt.message_id}: received, but not in the store"
        elif json.loads(receipt.body)["data"] != event["data"]:
            yield f"{receipt.message_id}: received with other data than was accepted"


def _attempts(by_delivery: Mapping[tuple[str, str], Sequence[Receipt]], store: Store) -> Iterable[str]:
    recorded: dict[str, list[Any]] = defaultdict(list)
    for attempt in store.attempts:
        if attempt["delivery_id"] is not None:
            recorded[attempt["delivery_id"]].append(attempt)
    for delivery in store.deliveries:
        arrived = by_delivery.get((delivery["endpoint_id"], delivery["event_id"]), [])
        attempts = sorted(recorded[delivery["id"]], key=lambda attempt: attempt["attempt"])
        for wrong in _life(delivery, attempts, arrived):
            yield f"{delivery['id']} of {delivery['event_id']}: {wrong}"


def _life(delivery: Any, attempts: Sequence[Any], arrived: Sequence[Receipt]) -> Iterable[str]:
    attempts, late = _without_late(attempts)
    numbers = [attempt["attempt"] for attempt in attempts]
    if numbers != list(range(1, delivery["attempts"] + 1)):
        yield f"counts {delivery['attempts']} attempts, and the log has {numbers}"
    codes = [attempt["status_code"] for attempt in (*attempts, *late)]
    answered = Counter(code for code in codes if code is not None)
    unknown = codes.count(None) - len(late)
    if not answered.total() <= len(arrived) <= answered.total() + unknown:
        yield f"{len(arrived)} requests arrived; recorded are {answered.total()} answered and {unknown} without answer"
    given = Counter(receipt.status for receipt in arrived)
    if answered - given:
        yield f"recorded answers {dict(answered)}, the receiver gave {dict(given)}"
    successes = sum(attempt["status"] == "succeeded" for attempt in attempts)
    if delivery["state"] == "delivered" and (successes != 1 or 200 not in given):
        yield f"delivered, with {successes} successes recorded and answers {dict(given)} given"
    stamps = [receipt.timestamp for receipt in arrived]
    if stamps != sorted(stamps):
        yield f"attempts carry timestamps that go back: {stamps}"


def _without_late(attempts: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """Set results aside that were stored after another node had recorded the same attempt as interrupted: they tell
    what became of it, and change nothing.
    """
    by_number: dict[int, list[Any]] = defaultdict(list)
    for attempt in attempts:
        by_number[attempt["attempt"]].append(attempt)
    late = []
    for alike in by_number.values():
        if len(alike) == 2 and sum(attempt["error_class"] == UNKNOWN for attempt in alike) == 1:
            late += [attempt for attempt in alike if attempt["error_class"] != UNKNOWN]
    return [attempt for attempt in attempts if attempt not in late], late


def _strangers(by_delivery: Mapping[tuple[str, str], Sequence[Receipt]], store: Store) -> Iterable[str]:
    known = {(delivery["endpoint_id"], delivery["event_id"]) for delivery in store.deliveries}
    for endpoint_id, message_id in by_delivery.keys() - known:
        yield f"{message_id}: received at {endpoint_id}, which has no such delivery"


def out_of_order(receipts: Iterable[Receipt], expected: Sequence[str]) -> list[str]:
    """Return the ids whose first arrival came before that of one which should have been earlier."""
    place = {event_id: number for number, event_id in enumerate(expected)}
    furthest, late, seen = -1, [], set()
    for receipt in receipts:
        if receipt.message_id in seen:
            continue
        seen.add(receipt.message_id)
        if place[receipt.message_id] < furthest:
            late.append(receipt.message_id)
        furthest = max(furthest, place[receipt.message_id])
    return late


def begun_at(target: Target, receipts: Iterable[Receipt], store: Store) -> list[float]:
    """Return when each request to an endpoint began, in order: as its sender recorded it, or else when it arrived."""
    began = []
    left: dict[str, list[float]] = defaultdict(list)
    for receipt in receipts:
        left[receipt.message_id].append(receipt.at)
    for attempt in store.attempts:
        if attempt["endpoint_id"] == target.id and attempt["status_code"] is not None:
            ended = datetime.fromisoformat(attempt["at"]).timestamp()
            began.append(ended - attempt["duration_ms"] / 1000)
            arrivals = left[attempt["event_id"]]
            arrivals.remove(min(arrivals, key=lambda at: abs(at - ended)))
    return sorted([*began, *(at for arrivals in left.values() for at in arrivals)])


def too_many(began: Sequence[float], count: int, seconds: float, slack: float = 0.1) -> list[float]:
    """Return the beginnings that were one too many within so many seconds; what is measured is exact to the slack."""
    return [at for earlier, at in zip(began, began[count:], strict=False) if at - earlier < seconds - slack]
