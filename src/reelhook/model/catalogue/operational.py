"""Events about Reelhook itself. They reach only endpoints that name them, and never cause others."""

from typing import Any, Final

from reelhook.model.catalogue.entry import of_schema
from reelhook.model.catalogue.shapes import DRAFT, Schema, moment, nullable, text, thing, whole
from reelhook.model.event_type import EventType

_PARTS: Final[dict[str, Schema]] = {
    "app_id": text("Whose it is; a copy of the event goes to the operator"),
    "endpoint": thing(
        {
            "id": text("The endpoint"),
            "app_id": text("Whose it is"),
            "name": text("Its name"),
            "host": text("Host and port of its URL"),
            "dialect": text("Its dialect"),
            "state": {"enum": ["active", "paused", "disabled"]},
            "disabled_reason": nullable(text("Why it is disabled")),
        },
        ("id", "state"),
    ),
    "last_attempt": thing(
        {
            "id": text("The attempt"),
            "at": moment("When it was made"),
            "status_code": nullable(whole("What the receiver answered")),
            "error_class": nullable(text("What kind of failure it was")),
            "error": nullable(text("The failure in plain words")),
        },
        ("id",),
    ),
    "delivery": thing(
        {
            "id": text("The delivery"),
            "event_id": text("The event that it carries"),
            "event_type": text("Its type"),
            "state": text("Where the delivery is"),
            "attempts": whole("How many were made"),
        },
        ("id", "event_id"),
    ),
    "failures": whole("Failed attempts in a row"),
    "failing_since": moment("When the attempts began to fail"),
    "recovered_at": moment("When an attempt succeeded again"),
}

_ENDPOINT: Final = {
    "id": "ep_019a3f6c2b7d0001",
    "app_id": "default",
    "name": "Library sync",
    "host": "dam.example.com",
    "dialect": "standard",
    "state": "active",
    "disabled_reason": None,
}
_ATTEMPT: Final = {
    "id": "att_019a3f6c2b7d0009",
    "at": "2026-11-21T06:30:00.000Z",
    "status_code": 503,
    "error_class": "http_status",
    "error": "503: the receiver is unavailable at the moment",
}
_DELIVERY: Final = {
    "id": "dlv_019a3f6c2b7d0002",
    "event_id": "evt_019a3f6c2b7d0001",
    "event_type": "asset.published",
    "state": "failed",
    "attempts": 8,
}


def _about(name: str, description: str, **more: Any) -> EventType:
    example = {"app_id": "default", "endpoint": _ENDPOINT} | more
    schema = {"$schema": DRAFT, **thing({part: _PARTS[part] for part in example}, tuple(example))}
    return of_schema(name, description, schema, example)


_SINCE: Final = "2026-11-21T05:30:00.000Z"

TYPES: Final[tuple[EventType, ...]] = (
    _about("endpoint.created", "An endpoint was created."),
    _about("endpoint.updated", "An endpoint was changed."),
    _about("endpoint.deleted", "An endpoint was deleted."),
    _about(
        "endpoint.disabled",
        "An endpoint was disabled, by itself or by somebody; its events wait until it is enabled.",
        endpoint=_ENDPOINT | {"state": "disabled", "disabled_reason": "gone"},
    ),
    _about("endpoint.enabled", "An endpoint is active again."),
    _about(
        "endpoint.failing",
        "The attempts at an endpoint have been failing for a while.",
        last_attempt=_ATTEMPT,
        failures=5,
        failing_since=_SINCE,
    ),
    _about(
        "endpoint.recovered",
        "An endpoint that was failing takes deliveries again.",
        failing_since=_SINCE,
        recovered_at="2026-11-21T06:31:00.000Z",
    ),
    _about(
        "delivery.exhausted",
        "A delivery was given up after its last attempt; it can be sent again.",
        last_attempt=_ATTEMPT,
        delivery=_DELIVERY,
    ),
)
