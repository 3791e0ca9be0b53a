"""The two wide log lines that tell the life of the product: `event.received` and `delivery.attempted`.

What went well is written at level debug, so that a busy installation pays for nothing but one comparison: ask
`Lines.every` before gathering the fields of a success.
"""

from typing import Final, Literal

import msgspec
import structlog

_GAVE_UP: Final = "failed"


class EventLine(msgspec.Struct, gc=False):
    """An event that was accepted, committed and answered. `size` is the bytes of its data."""

    event_id: str
    event_type: str
    app_id: str
    deliveries: int
    handed_over: int
    size: int
    source: str | None = None
    ordering_key: str | None = None


class AttemptLine(msgspec.Struct, gc=False):
    """An attempt that was recorded, and what it made of its delivery.

    `state` is the delivery's new state (None for a test), `next_attempt_at` an RFC 3339 time, durations are
    milliseconds. `host` is all that is written of the URL: paths and queries may hold secrets.
    """

    attempt_id: str
    delivery_id: str | None
    event_id: str
    event_type: str
    event_name: str
    app_id: str
    endpoint_id: str
    endpoint_version: int
    host: str
    number: int
    trigger: str
    result: Literal["succeeded", "failed"]
    state: str | None
    status_code: int | None
    error_class: str | None
    error: str | None
    dns_ms: float | None
    connect_ms: float | None
    tls_ms: float | None
    first_byte_ms: float | None
    total_ms: float
    next_attempt_at: str | None
    remote_address: str | None
    replayed: bool
    renewed: bool


class Lines:
    """Writes the wide lines. `every` tells whether successes are written too."""

    def __init__(self, *, every: bool) -> None:
        self.every = every
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger("reelhook")

    def received(self, line: EventLine) -> None:
        """Write `event.received`, at level debug."""
        if self.every:
            self._log.debug("event.received", **msgspec.structs.asdict(line))

    def attempted(self, line: AttemptLine) -> None:
        """Write `delivery.attempted`: debug for a success, warning when the delivery is given up, else info."""
        if line.result == "succeeded":
            if self.every:
                self._log.debug("delivery.attempted", **msgspec.structs.asdict(line))
        elif line.state == _GAVE_UP:
            self._log.warning("delivery.attempted", **msgspec.structs.asdict(line))
        else:
            self._log.info("delivery.attempted", **msgspec.structs.asdict(line))

    def circuit_opened(self, endpoint_id: str) -> None:
        """Write that an endpoint's circuit opened: nothing is sent to it but a probe now and then."""
        self._log.warning("circuit.opened", endpoint_id=endpoint_id)
