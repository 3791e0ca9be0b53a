"""Endpoints as `reelhook endpoints pause --all` has written them down: an id and an app a line, or the same as JSON."""

from pathlib import Path
from typing import NamedTuple

import msgspec

from reelhook.cli.outcome import Exit, Stop
from reelhook.cli.remote import read_text


class Saved(msgspec.Struct):
    """One endpoint of a list; without an app it belongs to the one that the command acts on."""

    id: str
    app: str | None = None


class _Line(NamedTuple):
    number: int
    text: str


def read_list(file: Path) -> list[Saved]:
    """Read a list in the form for people or the one for machines; whole JSON documents will do too."""
    text = read_text(file)
    try:
        return msgspec.json.decode(text, type=list[Saved])
    except msgspec.DecodeError:
        lines = [_Line(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    try:
        return [msgspec.json.decode(text, type=Saved)]
    except msgspec.DecodeError:
        return [_read(line, file) for line in lines if line.text]


def _read(line: _Line, file: Path) -> Saved:
    if not line.text.startswith("{"):
        return Saved(*line.text.split()[:2])
    try:
        return msgspec.json.decode(line.text, type=Saved)
    except msgspec.DecodeError as wrong:
        said = f"line {line.number} of {file} is not as `reelhook endpoints pause --all` writes it: {wrong}"
        raise Stop(said, Exit.USAGE) from None
