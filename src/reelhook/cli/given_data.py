"""Data given on the command line: JSON in place, `@file`, `@-` for stdin; `path=value` to set one thing deep inside."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from reelhook.cli.outcome import Exit, Stop
from reelhook.cli.remote import read_text


def text_of(argument: str) -> str:
    """Return the text itself, or the content of the file that `@file` names; `@-` is stdin."""
    if argument == "@-":
        return sys.stdin.read()
    if argument.startswith("@"):
        return read_text(Path(argument[1:]))
    return argument


def json_of(argument: str, what: str) -> Any:
    """Read JSON given in place or in a file; `what` names it in the error."""
    try:
        return msgspec.json.decode(text_of(argument))
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        raise Stop(f"{what} is not JSON: {wrong}", Exit.USAGE) from wrong


def object_of(argument: str, what: str) -> dict[str, Any]:
    """Read a JSON object."""
    value = json_of(argument, what)
    if not isinstance(value, dict):
        raise Stop(f'{what} must be a JSON object, such as {{"asset": {{"id": "ast_1"}}}}', Exit.USAGE)
    return value


def set_deep(document: dict[str, Any], assignments: Iterable[str]) -> dict[str, Any]:
    """Apply `path=value` assignments: dots lead inwards, the value is JSON where it can be read as such, else text."""
    for assignment in assignments:
        dotted, equals, text = assignment.partition("=")
        *way, last = dotted.split(".")
        if not equals or not all((*way, last)):
            raise Stop(f"--set takes path=value, such as data.asset.id=ast_1, not {assignment!r}", Exit.USAGE)
        place = document
        for step in way:
            if not isinstance(place.setdefault(step, {}), dict):
                raise Stop(f"--set {dotted}: {step} holds a value, not an object", Exit.USAGE)
            place = place[step]
        place[last] = _value(text)
    return document


def _value(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
