"""Times on the command line: `2h` ago, or an RFC 3339 time."""

from datetime import UTC, datetime, timedelta

from reelhook.cli.outcome import Exit, Stop
from reelhook.model.instant import read_time, show_time
from reelhook.settings.values import read_seconds


def span(text: str) -> float:
    """Read a span such as `90`, `30s`, `5m`, `2h`, `7d`, in seconds."""
    try:
        return read_seconds(text)
    except ValueError as wrong:
        raise Stop(f"{text!r} is not a span of time: {wrong}", Exit.USAGE) from wrong


def since(text: str | None) -> str | None:
    """Read a time in the past, as a span before now or as RFC 3339; write it as RFC 3339."""
    return None if text is None else _moment(text, -1)


def ahead(text: str | None) -> str | None:
    """Read a time in the future, as a span from now or as RFC 3339; write it as RFC 3339."""
    return None if text is None else _moment(text, 1)


def _moment(text: str, direction: int) -> str:
    try:
        return show_time(read_time(text))
    except ValueError:
        try:
            moved = datetime.now(UTC) + direction * timedelta(seconds=read_seconds(text))
            return show_time(int(moved.timestamp() * 1000))
        except (ValueError, OverflowError):
            said = f"{text!r} is neither a span such as 2h nor a time such as 2026-11-21T06:30:00Z"
            raise Stop(said, Exit.USAGE) from None
