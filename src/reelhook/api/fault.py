"""Faults of ours: the log tells them whole, the caller gets their number."""

from uuid import uuid4

import structlog

from reelhook.api.problem import Internal

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger("reelhook")


def fault(error: BaseException, method: str, path: str) -> Internal:
    """Log an exception that nobody expected and return what is answered."""
    number = uuid4().hex
    _log.error("api.fault", fault=number, method=method, path=path, exc_info=error)
    return Internal(f"something failed on our side; the server's log tells it as fault {number}")
