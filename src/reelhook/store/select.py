"""Runs a statement that reads, and types what comes back: columns are whatever the statement says."""

from collections.abc import Iterator
from typing import Any

from reelhook.store.sql import Connection

Row = tuple[Any, ...]
Bindings = tuple[Any, ...] | dict[str, Any]


def select(connection: Connection, sql: str, bindings: Bindings = ()) -> list[Row]:
    """Return all rows, so that no cursor stays open and holds an old snapshot."""
    return connection.execute(sql, bindings).fetchall()


def select_one(connection: Connection, sql: str, bindings: Bindings = ()) -> Row | None:
    """Return the first row; None when there is none."""
    rows = select(connection, sql, bindings)
    return rows[0] if rows else None


def select_column(connection: Connection, sql: str, bindings: Bindings = ()) -> list[Any]:
    """Return the first column of all rows."""
    return [row[0] for row in connection.execute(sql, bindings)]


def select_value(connection: Connection, sql: str, bindings: Bindings = ()) -> Any:
    """Return the first column of the first row; None when there is none."""
    row = select_one(connection, sql, bindings)
    return row[0] if row else None


def each(connection: Connection, sql: str, bindings: Bindings = ()) -> Iterator[Row]:
    """Yield rows as they are asked for; for those who stop early. The cursor closes with the iterator."""
    cursor = connection.execute(sql, bindings)
    try:
        for row in cursor:  # noqa: UP028 - `yield from` would close the cursor its own way, which complains
            yield row
    finally:
        cursor.close(True)
