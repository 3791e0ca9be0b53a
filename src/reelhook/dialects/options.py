"""What every dialect asks of `options`: that their names are known and their values of the right kind."""

from collections.abc import Mapping
from typing import Any

from reelhook.errors import FieldError
from reelhook.model.pointer import pointer

_WORDS = {bool: "true or false", str: "text", int: "a whole number"}


def check_options(options: Mapping[str, Any], known: Mapping[str, type]) -> list[FieldError]:
    """Check options against the names and types that a dialect knows."""
    errors = []
    for name, value in options.items():
        if name not in known:
            there_are = ", ".join(sorted(known)) or "none"
            errors.append(
                FieldError(f"{name[:40]!r} is no option of this dialect; known: {there_are}", pointer("options", name))
            )
        elif type(value) is not known[name]:
            errors.append(FieldError(f"{name} is {_WORDS[known[name]]}", pointer("options", name)))
    return errors
