"""The endpoints of a step: all at the bench's receiver, told apart by the events that they hear."""

from typing import Final

from bench.scale import shape
from reelhook.model.access import DEFAULT_APP
from reelhook.model.audit import AuditEntry
from reelhook.model.endpoint import Endpoint
from reelhook.model.secret import Secret

HEARS: Final = "bench.now"
"""The type that the last endpoint hears, for what is published while everything else waits."""
TAKEN_OVER: Final = "bench.taken_over"
"""The type that many endpoints hear."""
MOST_TAKEN_OVER: Final = 256
_SIGNED_WITH: Final = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
WAITING: Final = shape.CLAIMED + shape.DRAINED
"""The endpoints from this one on have only what is due later; a tenth of them has failed for hours."""


def entry_of(endpoint: Endpoint) -> AuditEntry:
    """Return what the audit log says of one that was made."""
    return AuditEntry(endpoint.id, endpoint.app_id, endpoint.created_at, "system", "endpoint.create", endpoint.name)


def endpoint(number: int, place: int, count: int, port: int, now: int) -> Endpoint:
    """Return an endpoint at the receiver; the last one hears what is published now, many what shows a take-over."""
    events = ["bench.never"]
    if place == count - 1:
        events = [HEARS]
    elif place >= max(WAITING, count - 1 - MOST_TAKEN_OVER):
        events = [TAKEN_OVER]
    return Endpoint(
        number, DEFAULT_APP, 1, f"http://127.0.0.1:{port}/h/{place}", now, now, f"Endpoint {place}",
        events=tuple(events), secret=_SIGNED_WITH, enabled_at=now,
    )  # fmt: skip
