"""A whole installation carried over from SQLite to an empty PostgreSQL, while nobody serves either.

Deliveries that were being sent when the server was killed stay `sending`: the first node that takes their endpoints
rescues them, as it does after every crash. What is sealed stays sealed, with the same key.
"""

from typing import Final

import asyncpg

from reelhook.errors import Unavailable
from reelhook.model import ids
from reelhook.store.holding import HELD, held_since
from reelhook.store.indexing import indexed_until
from reelhook.store.postgres.connection import PgConnection
from reelhook.store.postgres.copying import TABLES, Copied, carried_columns, copy_table, read_back
from reelhook.store.postgres.migrating import migrate_beside_others
from reelhook.store.postgres.texts import own_statements
from reelhook.store.select import select, select_value
from reelhook.store.sql import Connection
from reelhook.store.statements import statements

_META: Final = statements("meta")
_PARTITIONS: Final = own_statements("partitions")
_SQL: Final = own_statements("move")
_MOVING: Final = "moving"
_SEALS: Final = ("seal_check", "seal_salt", "seal_retired")
_BY_DAY: Final = ("events", "deliveries", "attempts")
_DAY_MS: Final = 24 * 3600 * 1000
_PATIENCE: Final = 24 * 3600.0
_LONG: Final = "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0"


def refuse_half_moved(connection: Connection) -> None:
    """Refuse a database that a move has not finished.

    Raises:
        Unavailable: it is one.
    """
    if select_value(connection, _META["get"], (_MOVING,)) is not None:
        raise Unavailable(
            "a move into this database is under way or was cut off, so what it holds is not whole: "
            "unless one is running, drop the database, make it anew, and run `reelhook move` again"
        )


def move_into(url: str, source: Connection) -> list[Copied]:
    """Copy everything into the database, and compare what arrived with what was there.

    Raises:
        Unavailable: it is not empty, cannot be used, or something arrived otherwise than it was.
    """
    target = PgConnection(url, patience=_PATIENCE)
    try:
        migrate_beside_others(target)
        target.run_script(_LONG)
        _mark(target)
        source.begin(write=False)
        _make_partitions(source, target)
        copied = [copy_table(source, target, table) for table in TABLES]
        for one in copied:
            _verify(source, target, one)
        _finish(source, target)
        target.run_script("ANALYZE")
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise _named(target, error) from error
    finally:
        source.rollback()
        target.close()
    return copied


def _named(target: PgConnection, error: Exception) -> Exception:
    named = target.named(error)
    if named is not error:
        return named
    return Unavailable(f"PostgreSQL does not take what is to be moved: {str(error) or type(error).__name__}")


def _mark(target: PgConnection) -> None:
    """Mark the target as half done, having seen that it is empty; who starts now waits for that."""
    target.begin()
    try:
        select(target, _META["lock_schema"])
        refuse_half_moved(target)
        for table in (*TABLES, "nodes"):
            if target.execute(f"SELECT EXISTS (SELECT 1 FROM {table})").get:
                raise Unavailable(
                    f"the database is in use already (there is something in its table {table}): "
                    "move into one that is empty, or that only `reelhook migrate` has seen"
                )
        target.execute(_META["put"], (_MOVING, 1))
        target.commit()
    finally:
        target.rollback()


def _make_partitions(source: Connection, target: PgConnection) -> None:
    """Make a partition for each day (UTC) of which there is something."""
    for day in sorted({day for table in _BY_DAY for day in _days(source, table)}):
        target.execute(_PARTITIONS["ensure"], {"low": ids.id_at(day * _DAY_MS), "high": ids.id_at((day + 1) * _DAY_MS)})


def _days(source: Connection, table: str) -> list[int]:
    """Return the days of a table's ids, going from each to the first id after it."""
    days: list[int] = []
    bound = 0
    while True:
        first = source.execute(f"SELECT min(id) FROM {table} WHERE id >= ?", (bound,)).get
        if first is None:
            return days
        days.append(ids.time_of(first) // _DAY_MS)
        bound = ids.id_at((days[-1] + 1) * _DAY_MS)


def _verify(source: Connection, target: PgConnection, sent: Copied) -> None:
    table = sent.table
    held = source.execute(f"SELECT count(*) FROM {table}").get
    arrived = read_back(target, table, carried_columns(source, target, table))
    if arrived != sent or held != sent.rows:
        raise Unavailable(
            f"{table} did not arrive as it was: {held} rows there, {sent.rows} sent ({sent.checksum}), {arrived.rows} "
            f"arrived ({arrived.checksum}); drop the database, make it anew, and move again"
        )


def _finish(source: Connection, target: PgConnection) -> None:
    """Hand over the seals and what is to be indexed yet, and take the mark away, in one commit."""
    target.begin()
    try:
        for name in _SEALS:
            value = select_value(source, _META["get_bytes"], (name,))
            if value is not None:
                target.execute(_META["put_bytes"], (name, value))
        if (held := held_since(source)) is not None:
            target.execute(_META["put"], (HELD, held))
        target.execute(_SQL["index_later"], {"until": indexed_until(source, "events")})
        target.execute(_SQL["unmark"], {"name": _MOVING})
        target.commit()
    finally:
        target.rollback()
