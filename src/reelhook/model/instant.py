"""Times: integer milliseconds since 1970 inside, RFC 3339 in UTC with `Z` outside."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_ZERO = datetime(1970, 1, 1, tzinfo=UTC)
_SHAPE = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?P<zone>[Zz]|[+-]\d\d:\d\d)?", re.ASCII)
"""RFC 3339 §5.6; what `datetime` reads beyond it (weeks, `20261121`) is refused, for others would not read it."""


@lru_cache(maxsize=1024)
def show_time(millisecond: int) -> str:
    """Write a time as RFC 3339, UTC, with milliseconds: `2026-11-21T06:30:00.123Z`."""
    second, rest = divmod(millisecond, 1000)
    return f"{_show_second(second)}.{rest:03d}Z"


@lru_cache(maxsize=64)
def _show_second(second: int) -> str:
    """Write a second; the ones of now are asked for thousands of times."""
    return (_ZERO + timedelta(seconds=second)).isoformat()[:19]


def read_time(text: str) -> int:
    """Read an RFC 3339 time with its zone.

    Raises:
        ValueError: it is not such a time, has no zone, or lies outside the years 1970 to 9999.
    """
    parts = _SHAPE.fullmatch(text)
    try:
        moment = datetime.fromisoformat(text.upper()) if parts else None
    except ValueError:
        moment = None
    if parts is None or moment is None:
        raise ValueError(f"not an RFC 3339 time such as 2026-11-21T06:30:00Z: {text[:40]!r}")
    if parts["zone"] is None:
        raise ValueError("the time has no zone: end it with Z or an offset such as +02:00")
    try:
        millisecond = (moment.astimezone(UTC) - _ZERO) // timedelta(milliseconds=1)
    except OverflowError:
        millisecond = -1
    if millisecond < 0:
        raise ValueError("the time lies outside the years 1970 to 9999")
    return millisecond
