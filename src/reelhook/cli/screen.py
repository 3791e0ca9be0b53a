"""What a command writes: tables and sentences for people, JSON for machines; nothing in the data can drive a terminal.

JSON goes to stdout as one document, or one object a line where a command goes on; people's text goes there too;
errors and notes go to stderr.
"""

import sys
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

_WIDE: Final = 100_000
_UNSAFE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_GOOD: Final = frozenset({"delivered", "succeeded", "active", "closed", "done", "ok"})
_BAD: Final = frozenset({"failed", "disabled", "open", "fail"})
_OPEN: Final = frozenset({"pending", "sending", "retrying", "paused", "probing", "queued", "running", "warn"})


class Screen:
    """Writes answers in the form that was asked for."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.console = console()

    def answer(self, value: Any, human: Callable[[], RenderableType]) -> None:
        """Write one answer: `value` for machines, what `human` makes for people."""
        if self.as_json:
            write_json(value, indent=2)
        else:
            self.console.print(human())

    def line(self, value: Any, human: Callable[[], RenderableType]) -> None:
        """Write one of many answers, and at once: a JSON line, or a line of text."""
        if self.as_json:
            write_json(value)
        else:
            self.console.print(human(), soft_wrap=True)
        sys.stdout.flush()


class _Stdout(Console):
    """A console that tells when its reader has gone, instead of ending the process."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def console() -> Console:
    """Make the console for stdout; a file or pipe gets lines as wide as they are."""
    width = None if sys.stdout.isatty() else _WIDE
    return _Stdout(highlight=False, markup=False, emoji=False, width=width)


def note(text: str) -> None:
    """Write one line to stderr."""
    sys.stderr.write(safe(text) + "\n")
    sys.stderr.flush()


def write_json(value: Any, indent: int = -1) -> None:
    """Write a value as JSON with a line end; `indent` below 0 keeps it on one line."""
    text = msgspec.json.encode(value)
    if indent >= 0:
        text = msgspec.json.format(text, indent=indent)
    sys.stdout.write(text.decode() + "\n")


def safe(value: object, *, lines: bool = False) -> str:
    """Make text harmless: control and invisible characters are written as escapes; `lines` keeps line ends and tabs."""
    text = str(value)
    if text.isprintable():
        return text
    kept = "\n\t" if lines else ""
    return "".join(
        letter if letter in kept or unicodedata.category(letter) not in _UNSAFE else ascii(letter)[1:-1]
        for letter in text
    )


def cell(value: object) -> Text:
    """Write a value for a table; words of state get their colour."""
    if value is None:
        return Text("-", style="dim")
    if isinstance(value, list | tuple):
        return Text(safe(", ".join(map(str, value))) if value else "-")
    if isinstance(value, dict):
        return Text(safe(msgspec.json.encode(value).decode(), lines=True))
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    if isinstance(value, float):
        return Text(f"{value:g}")
    return Text(safe(value, lines=True), style=_style(value))


def _style(value: object) -> str:
    if value in _GOOD:
        return "green"
    if value in _BAD:
        return "red"
    return "yellow" if value in _OPEN else ""


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], empty: str) -> RenderableType:
    """Make a table; `empty` is said instead of one without rows."""
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in columns:
        made.add_column(name, overflow="fold")
    for row in rows:
        made.add_row(*(cell(value) for value in row))
    return made if made.row_count else Text(empty)


def facts(pairs: Mapping[str, object]) -> RenderableType:
    """Make a list of names and values, without those that are empty."""
    made = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    made.add_column(style="dim", no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in pairs.items():
        if value not in (None, "", [], {}):
            made.add_row(name, cell(value))
    return made


def moment(time: str | None) -> str | None:
    """Shorten an RFC 3339 time to what a person reads: `2026-11-21 06:30:00Z`."""
    return None if time is None else time[:19].replace("T", " ") + "Z"
