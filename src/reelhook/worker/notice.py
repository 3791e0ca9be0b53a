"""What operational events and mails say: the facts about an endpoint or a delivery, without any secret. Pure."""

from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from reelhook.model import ids
from reelhook.model.endpoint import DisabledReason, Endpoint
from reelhook.model.instant import show_time
from reelhook.ports import AttemptRecord, Completion

Data = dict[str, Any]

_BECAUSE: Final = {
    DisabledReason.GONE: "its receiver answered 410 Gone: it wants no more webhooks",
    DisabledReason.NON_TRANSIENT: "an attempt failed with an error that does not pass by itself",
    DisabledReason.FAILURE_RATE: "too many of its attempts failed",
    DisabledReason.CONSECUTIVE: "every attempt failed for too long",
    DisabledReason.MANUAL: "somebody disabled it",
}
_RECOVER: Final = (
    "Nothing is lost: what comes in for it waits. When the receiver is in order, set the endpoint to active again, "
    "and recover what failed meanwhile."
)


class Notice(msgspec.Struct, frozen=True):
    """What a person is told, in plain text."""

    subject: str
    text: str


def endpoint_data(endpoint: Endpoint) -> Data:
    """Describe an endpoint; of its URL only the host, because paths and queries may hold secrets."""
    return {
        "id": ids.show("ep", endpoint.id),
        "app_id": endpoint.app_id,
        "name": endpoint.name,
        "host": host_of(endpoint.url),
        "dialect": endpoint.dialect,
        "state": endpoint.state.value,
        "disabled_reason": endpoint.disabled_reason and endpoint.disabled_reason.value,
    }


def attempt_data(attempt: AttemptRecord) -> Data:
    """Describe the attempt that was the last straw."""
    return {
        "id": ids.show("att", attempt.id),
        "at": show_time(attempt.at),
        "status_code": attempt.status_code,
        "error_class": attempt.failure and attempt.failure.value,
        "error": attempt.error,
    }


def delivery_data(completion: Completion) -> Data:
    """Describe a delivery and the event that it carries, by their ids."""
    event = completion.attempt.event
    return {
        "id": ids.show("dlv", completion.delivery_id),
        "event_id": event.public_id,
        "event_type": event.type,
        "state": completion.state.value,
        "attempts": completion.attempt.number,
    }


def host_of(url: str) -> str:
    """Return host and port of a URL as they stand in it."""
    return urlsplit(url).netloc.rpartition("@")[2]


def disabled(endpoint: Endpoint) -> Notice:
    """Tell that an endpoint was disabled, and what to do."""
    because = _BECAUSE[endpoint.disabled_reason or DisabledReason.MANUAL]
    return Notice(
        f"[Reelhook] Endpoint {_name(endpoint)} was disabled",
        f"{_about(endpoint)}\n\nThe endpoint was disabled, because {because}.\n\n{_RECOVER}\n",
    )


def failing(endpoint: Endpoint, failures: int, since: int, attempt: AttemptRecord) -> Notice:
    """Tell that an endpoint has been failing for a while."""
    return Notice(
        f"[Reelhook] Endpoint {_name(endpoint)} is failing",
        f"{_about(endpoint)}\n\nIts last {failures} attempts failed, the first one at {show_time(since)}.\n"
        f"The last error: {_error(attempt)}\n\nReelhook goes on trying, as the endpoint's retry policy says.\n",
    )


def recovered(endpoint: Endpoint, since: int, at: int) -> Notice:
    """Tell that a failing endpoint takes deliveries again."""
    return Notice(
        f"[Reelhook] Endpoint {_name(endpoint)} works again",
        f"{_about(endpoint)}\n\nAn attempt succeeded at {show_time(at)}; it had been failing since {show_time(since)}."
        "\n\nDeliveries that were given up meanwhile can be sent again: recover the endpoint from that time on.\n",
    )


def exhausted(endpoint: Endpoint, count: int, completion: Completion) -> Notice:
    """Tell that deliveries were given up; `completion` is the last of them."""
    event = completion.attempt.event
    what = "A delivery was" if count == 1 else f"{count} deliveries were"
    return Notice(
        f"[Reelhook] {what} given up: endpoint {_name(endpoint)}",
        f"{_about(endpoint)}\n\n{what} given up after the last attempt of the retry policy.\n"
        f"The last one: {ids.show('dlv', completion.delivery_id)}, {event.type} {event.public_id}, "
        f"after {completion.attempt.number} attempts.\nThe last error: {_error(completion.attempt)}\n\n"
        "It is kept: resend it, or recover the endpoint from that time on.\n",
    )


def _name(endpoint: Endpoint) -> str:
    return endpoint.name or ids.show("ep", endpoint.id)


def _about(endpoint: Endpoint) -> str:
    shown = ids.show("ep", endpoint.id)
    name = f"{endpoint.name} ({shown})" if endpoint.name else shown
    return f"Endpoint: {name}\nHost: {host_of(endpoint.url)}\nApp: {endpoint.app_id}"


def _error(attempt: AttemptRecord) -> str:
    return attempt.error or (f"status {attempt.status_code}" if attempt.status_code else "no answer")
