"""Hearing: the log is part of what a world shows; an error in it is a fault of ours, unless the world made it so."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import structlog
from tests.simulation.trace import Trace

_FAULTY: Final = frozenset({"error", "critical", "exception"})
EXPECTED: Final = ("disk is full", "I/O error")
"""Errors in the log that the world itself has caused."""


@contextmanager
def heard(trace: Trace, complaints: list[str], expected: tuple[str, ...] = EXPECTED) -> Iterator[None]:
    """Write every log line into the trace, and what must not be among them into the complaints."""

    def hear(_logger: Any, level: str, line: Any) -> Any:
        event = line.pop("event")
        fault = traceback.format_exc(limit=-3) if line.pop("exc_info", None) else ""
        trace.add("log", level=level, event=event, **{name: str(value) for name, value in line.items()})
        if level in _FAULTY and not any(cause in f"{event} {line} {fault}" for cause in expected):
            complaints.append(f"the log says {event}: {line} {fault}")
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[hear], wrapper_class=structlog.make_filtering_bound_logger(20))
    try:
        yield
    finally:
        structlog.configure(**before)
