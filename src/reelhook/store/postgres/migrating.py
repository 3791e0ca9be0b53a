"""Migrations beside nodes of the version before: none waits long for a lock, none takes away what they need."""

import time
from typing import Final

import asyncpg

from reelhook.errors import StoreBusy, Unavailable
from reelhook.store.migrate import Migration, Tell, apply_once, migrate
from reelhook.store.postgres.connection import PgConnection
from reelhook.store.postgres.texts import own_statements
from reelhook.store.select import select, select_column
from reelhook.store.sql import Connection

PATIENCE_SECONDS: Final = 120.0
_REST_SECONDS: Final = 0.5
"""So long those who were kept waiting may work before the next try."""
_SQL: Final = own_statements("shards")
_IN_THE_WAY: Final = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)


def migrate_beside_others(connection: PgConnection, tell: Tell = lambda *_: None) -> list[int]:
    """Run the migrations that are missing; return their numbers.

    Raises:
        Unavailable: nodes are at work that would no longer work, or the database is of a newer version or not
            Reelhook's.
        StoreBusy: somebody keeps a table locked.
    """
    return migrate(connection, _apply, tell)


def _apply(connection: Connection, migration: Migration) -> bool:
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return apply_once(connection, migration, _permit)
        except _IN_THE_WAY as error:
            if time.monotonic() > until:
                raise StoreBusy(
                    f"schema {migration.number} cannot be made: somebody has kept a lock for {PATIENCE_SECONDS:.0f} s "
                    f"({error}); pg_stat_activity shows who; nothing was changed by it, so run `reelhook migrate` again"
                ) from None
        time.sleep(_REST_SECONDS)


def _permit(connection: Connection, migration: Migration) -> None:
    """Refuse what a node at work does not work with; nobody joins before the migration is done."""
    if migration.works_with <= 1:
        return
    select(connection, _SQL["lock_numbers"])
    behind = select_column(connection, _SQL["behind"], {"knows": migration.works_with})
    if behind:
        raise Unavailable(
            f"schema {migration.number} takes away what {len(behind)} running nodes of an older version need "
            f"({', '.join(map(str, behind[:3]))}{', …' if len(behind) > 3 else ''}): upgrade or stop them first"
        )
