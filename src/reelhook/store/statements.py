"""Reads the `.sql` files: each statement has a name, written above it as `-- name: something`."""

import re
from functools import cache
from importlib import resources
from itertools import chain
from typing import Any, Final

import apsw

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_MOST_ROWS: Final = 512


@cache
def statements(backend: str, file: str) -> dict[str, str]:
    """Return the statements of one file by name."""
    text = resources.files("reelhook.store").joinpath("sql", backend, f"{file}.sql").read_text()
    parts = _NAME.split(text)[1:]
    return {name: body.strip().removesuffix(";") for name, body in zip(parts[::2], parts[1::2], strict=True)}


class Bulk:
    """A statement over many rows at once: `:rows` in its text stands for `(?, ?), (?, ?), …`.

    Few, large statements: each one that a writer thread runs gives the interpreter lock away and must win it back from
    a busy loop, which costs more than the statement (measured: `executemany` falls to 1,200 rows/s). Any number of rows
    is at most three statements up to 512, of two dozen sizes, so that their texts stay prepared.
    """

    def __init__(self, sql: str, columns: int) -> None:
        self._sql = sql
        self._row = "(" + ", ".join("?" * columns) + ")"
        self._texts: dict[int, str] = {}

    def run(self, connection: apsw.Connection, rows: list[tuple[Any, ...]]) -> int:
        """Run it over all rows; return how many rows changed."""
        changed = 0
        start = 0
        while start < len(rows):
            size = _piece(len(rows) - start)
            connection.execute(self._text(size), list(chain.from_iterable(rows[start : start + size])))
            changed += connection.changes()
            start += size
        return changed

    def _text(self, size: int) -> str:
        text = self._texts.get(size)
        if text is None:
            text = self._texts[size] = self._sql.replace(":rows", ", ".join([self._row] * size))
        return text


def _piece(rows: int) -> int:
    """Return how many of so many rows the next statement takes: a multiple of 64, of 8 or of 1."""
    if rows < 8:
        return rows
    return rows & ~7 if rows < 64 else min(rows & ~63, _MOST_ROWS)
