"""The statements of this backend, in the form that the driver takes: `$1, $2 …` in the place of `?` and `:name`.

The `.sql` files of both backends have the same names and the same parameters, so the code that runs a statement does
not know which backend it runs on. A statement that has no meaning here has an empty text, and is not run.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

import msgspec

from reelhook.store.sql import Statement
from reelhook.store.statements import texts_of

Bindings = Sequence[Any] | Mapping[str, Any]

POSTGRES: Final = "postgres"
ROWS: Final = "rows"
_NUL: Final = "\0"
# A cast is `::type`; a parameter is a single `?` or `:name` outside of quotes.
_TOKEN: Final = re.compile(r"'[^']*'|::|\?|:([a-z_]+)(\(([^)]*)\))?")
_COMMENT: Final = re.compile(r"^\s*--.*$", re.MULTILINE)
_READS: Final = re.compile(r"\A(SELECT|WITH|VALUES|FETCH)\b", re.IGNORECASE)
_WRITES: Final = re.compile(r"\b(INSERT INTO|(?<!FOR )UPDATE|DELETE FROM)\b", re.IGNORECASE)
_RETURNS: Final = re.compile(r"\bRETURNING\b", re.IGNORECASE)
_WITHIN: Final = re.compile(r"\([^()]*\)")


class Text(msgspec.Struct, frozen=True):
    """One statement: what the driver gets, the names of its parameters in their order (none where they are `?`), and
    whether it answers with rows. `texts` are the places of columns of text among its rows.
    """

    sql: str
    names: tuple[str, ...]
    reads: bool
    texts: tuple[int, ...] = ()

    def arguments(self, bindings: Bindings) -> Sequence[Any]:
        """Put the bindings into the order of the parameters."""
        values = [bindings[name] for name in self.names] if isinstance(bindings, Mapping) else bindings
        return [storable(value) if isinstance(value, str) else value for value in values]

    def columns(self, rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
        """Turn rows into one array for each column."""
        columns = [list(column) for column in zip(*rows, strict=True)]
        for place in self.texts:
            if _NUL in "".join(filter(None, columns[place])):
                columns[place] = [value and storable(value) for value in columns[place]]
        return columns


def storable(text: str) -> str:
    """Write U+FFFD for U+0000, which is a character of JSON but of no text in PostgreSQL."""
    return text.replace(_NUL, "\ufffd") if _NUL in text else text


_texts: Final[dict[tuple[str, str], Text]] = {}


def text_of(statement: Statement) -> Text:
    """Return this backend's text of a statement. (Two statements may have one text in SQLite and two here.)"""
    key = (statement.file, statement.name)
    text = _texts.get(key)
    if text is None:
        text = _texts[key] = translate(texts_of(POSTGRES, statement.file)[statement.name])
    return text


@cache
def own_statements(file: str) -> dict[str, Statement]:
    """Return by name the statements of a file that only this backend has."""
    return {name: Statement.of(file, name, text) for name, text in texts_of(POSTGRES, file).items()}


@cache
def translate(sql: str) -> Text:
    """Number the parameters. `:rows(bigint, text, …)` becomes rows out of one array for each column."""
    names: list[str] = []
    count = 0
    texts: tuple[int, ...] = ()

    def number(match: re.Match[str]) -> str:
        nonlocal count, texts
        found, name, types = match[0], match[1], match[3]
        if found == "?":
            count += 1
            return f"${count}"
        if name is None:
            return found
        if name == ROWS and types is not None:
            kinds = [kind.strip() for kind in types.split(",")]
            texts = tuple(place for place, kind in enumerate(kinds) if kind == "text")
            return _unnest(kinds)
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}" + (match[2] or "")

    bare = _COMMENT.sub("", sql).strip().removesuffix(";")
    text = _TOKEN.sub(number, bare)
    reads = bool(_RETURNS.search(_outermost(bare))) or (bool(_READS.match(bare)) and not _WRITES.search(bare))
    return Text(text, tuple(names), reads, texts)


def _outermost(sql: str) -> str:
    """Leave out what stands in parentheses: what returns rows there returns them to the statement around it."""
    while (shorter := _WITHIN.sub("", sql)) != sql:
        sql = shorter
    return sql


def _unnest(types: Sequence[str]) -> str:
    arrays = ", ".join(f"${place}::{one}[]" for place, one in enumerate(types, 1))
    return f"SELECT * FROM unnest({arrays})"
