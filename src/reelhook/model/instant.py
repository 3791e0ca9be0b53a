"""Times: integer milliseconds since 1970 inside, RFC 3339 in UTC with `Z` outside."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

_ZERO = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST = _ZERO
_LATEST = datetime(9999, 12, 31, tzinfo=UTC)


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
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"not an RFC 3339 time: {text[:40]!r}") from None
    if moment.tzinfo is None:
        raise ValueError("the time has no zone: end it with Z or an offset such as +02:00")
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("the time lies outside the years 1970 to 9999") from None
    if not _EARLIEST <= moment <= _LATEST:
        raise ValueError("the time lies outside the years 1970 to 9999")
    return (moment - _ZERO) // timedelta(milliseconds=1)
