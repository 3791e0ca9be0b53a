"""Reads the `.sql` files: each statement has a name, written above it as `-- name: something`.

Every backend has the same files with the same names and parameters, so code names a statement and does not know which
backend runs it.
"""

import re
from functools import cache
from importlib import resources
from typing import Any, Final, Self

from reelhook.store.sql import Connection, Row

SQLITE: Final = "sqlite"
_NAME: Final = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_COMMENT: Final = re.compile(r"^--.*$", re.MULTILINE)
_FILTERS: Final = ":filters"
"""Stands for the filters of a table, written once: those of `attempts_failed` are named `attempts_filters`."""
_FRAGMENT: Final = "_filters"


class Statement(str):
    """A statement as SQLite knows it, which is also the key to what other backends say in its place."""

    __slots__ = ("file", "name")

    file: str
    name: str

    @classmethod
    def of(cls, file: str, name: str, text: str) -> Self:
        """Make the statement `name` of a file."""
        statement = cls(text)
        statement.file = file
        statement.name = name
        return statement


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


class Bulk:
    """A statement over many rows at once; `:rows` stands for them in its text.

    Few, large statements: each one that a writer thread runs gives the interpreter lock away and must win it back from
    a busy loop, which costs more than the statement (measured: `executemany` falls to 1,200 rows/s). How the rows get
    into the statement is the connection's business.
    """

    __slots__ = ("statement", "texts", "width")

    def __init__(self, statement: Statement, columns: int) -> None:
        self.statement: Final = statement
        self.width: Final = columns
        self.texts: Final[dict[int, str]] = {}
        """What the connection keeps for it: texts by number of rows."""

    def run(self, connection: Connection, rows: list[tuple[Any, ...]]) -> int:
        """Run it over all rows; return how many rows changed."""
        return connection.bulk(self, rows) if rows else 0

    def select(self, connection: Connection, rows: list[tuple[Any, ...]]) -> list[Row]:
        """Ask it of all rows; return what it answers."""
        return connection.bulk_rows(self, rows) if rows else []
