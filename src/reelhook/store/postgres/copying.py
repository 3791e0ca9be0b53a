"""Copying the tables of an SQLite file into those of PostgreSQL, with a count and a checksum of each on either side."""

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Any, Final

import msgspec

from reelhook.errors import Unavailable
from reelhook.store.postgres.connection import PgConnection
from reelhook.store.postgres.texts import storable
from reelhook.store.select import each, select_column
from reelhook.store.sql import Connection, Row

# The apps come last: what belongs to an app counts up its version, one by one, once the app is there.
TABLES: Final = (
    "removed_apps", "tokens", "endpoints", "endpoint_versions", "event_types", "tasks", "audit", "keys", "contexts",
    "tellings", "events", "deliveries", "later_deliveries", "queue", "ordered", "attempts", "attempt_details",
    "events_by_asset", "rollups", "endpoint_health", "apps",
)  # fmt: skip
"""What is carried over. What an SQLite file has beside it is rebuilt by PostgreSQL itself: indexes, claims."""
_COLUMNS: Final = {
    "sqlite": "SELECT name FROM pragma_table_info(?) ORDER BY cid",
    "postgres": "SELECT column_name::text FROM information_schema.columns "
    "WHERE table_schema = current_schema() AND table_name = ? ORDER BY ordinal_position",
}
_JOINED: Final = {
    # A delivery knows the type of its event here. (Where the event is gone, its last attempt still tells.)
    ("deliveries", "event_type"): "coalesce((SELECT type FROM events e WHERE e.id = event_id), "
    "(SELECT event_type FROM attempts a WHERE a.id = last_attempt_id), '')",
}
_BATCH_ROWS: Final = 5_000
_BATCH_BYTES: Final = 8 << 20
_CHECKSUM_BYTES: Final = 16
_MODULUS: Final = 1 << (8 * _CHECKSUM_BYTES)


class Copied(msgspec.Struct):
    """How many rows a table has, and their checksum: the sum of a hash of each, so that their order does not count."""

    table: str
    rows: int = 0
    checksum: str = "0" * (2 * _CHECKSUM_BYTES)


class Tally:
    """Counts rows and sums up their hashes."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._rows = 0
        self._sum = 0

    def add(self, row: Row) -> int:
        """Take a row in; return about how many bytes it has."""
        packed = msgspec.msgpack.encode(row)
        self._rows += 1
        self._sum += int.from_bytes(blake2b(packed, digest_size=_CHECKSUM_BYTES).digest())
        return len(packed)

    def copied(self) -> Copied:
        """Return what was seen."""
        return Copied(self._table, self._rows, f"{self._sum % _MODULUS:0{2 * _CHECKSUM_BYTES}x}")


def columns_of(connection: Connection, table: str) -> list[str]:
    """Return the columns of a table in their order."""
    return select_column(connection, _COLUMNS[connection.backend], (table,))


def copy_table(source: Connection, target: PgConnection, table: str) -> Copied:
    """Copy all rows, each batch in a commit of its own; return what was sent."""
    names = carried_columns(source, target, table)
    tally = Tally(table)
    for batch in _batches(_read(source, table, names), tally):
        try:
            target.copy(table, names, batch)
        except (TypeError, ValueError, OverflowError) as error:
            raise Unavailable(
                f"{table} holds a value that is none of Reelhook's, written by other hands: {error}"
            ) from None
    return tally.copied()


def carried_columns(source: Connection, target: Connection, table: str) -> list[str]:
    """Return the columns that are filled from the source: the others begin with what the target puts into them."""
    there = set(columns_of(source, table))
    return [name for name in columns_of(target, table) if name in there or (table, name) in _JOINED]


def read_back(target: PgConnection, table: str, names: list[str]) -> Copied:
    """Return what a table holds, every row of it read."""
    tally = Tally(table)
    target.begin(write=False)
    try:
        cursor = f"moved_{table}"
        target.run_script(f"DECLARE {cursor} NO SCROLL CURSOR FOR SELECT {_listed(names)} FROM {table}")
        while rows := target.execute(f"FETCH {_BATCH_ROWS} FROM {cursor}").fetchall():
            for row in rows:
                tally.add(row)
    finally:
        target.rollback()
    return tally.copied()


def _read(source: Connection, table: str, names: list[str]) -> Iterator[Row]:
    chosen = ", ".join(_JOINED.get((table, name), f'"{name}"') for name in names)
    for row in each(source, f"SELECT {chosen} FROM {table}"):
        yield tuple(storable(value) if isinstance(value, str) else value for value in row)


def _batches(rows: Iterable[Row], tally: Tally) -> Iterator[list[Row]]:
    batch: list[Any] = []
    size = 0
    for row in rows:
        size += tally.add(row)
        batch.append(row)
        if len(batch) == _BATCH_ROWS or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _listed(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
