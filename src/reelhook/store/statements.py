"""Reads the `.sql` files: each statement has a name, written above it as `-- name: something`.

Every backend has the same files with the same names and parameters, so code names a statement and does not know which
backend runs it.
"""

import re
from functools import cache
from importlib import resources
from typing import Final

from reelhook.store.sql import Statement

SQLITE: Final = "sqlite"
_NAME: Final = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_COMMENT: Final = re.compile(r"^--.*$", re.MULTILINE)
_FILTERS: Final = ":filters"
"""Stands for the filters of a table, written once: those of `attempts_failed` are named `attempts_filters`."""
_FRAGMENT: Final = "_filters"


@cache
def texts_of(backend: str, file: str) -> dict[str, str]:
    """Return a backend's texts of one file by name."""
    text = resources.files("reelhook.store").joinpath("sql", backend, f"{file}.sql").read_text()
    parts = _NAME.split(text)[1:]
    texts = {name: body.strip().removesuffix(";") for name, body in zip(parts[::2], parts[1::2], strict=True)}
    return {name: _with_filters(name, text, texts) for name, text in texts.items() if not name.endswith(_FRAGMENT)}


@cache
def statements(file: str) -> dict[str, Statement]:
    """Return the statements of one file by name."""
    return {name: Statement.of(file, name, text) for name, text in texts_of(SQLITE, file).items()}


def _with_filters(name: str, text: str, texts: dict[str, str]) -> str:
    if _FILTERS not in text:
        return text
    filters = _COMMENT.sub("", texts[f"{name.partition('_')[0]}_filters"]).strip().removesuffix(";")
    return text.replace(_FILTERS, filters)
