"""Brings a database to the schema of this version: numbered `.sql` files, each in one transaction, in order.

Programs of two versions may work on one PostgreSQL at the same time, so a change of the schema takes two releases. The
first one *expands*: it only adds what the version before does not mind, and says so in a line `-- works with: 7`, the
oldest schema whose program goes on working. A later one *contracts*: it takes away what no program needs any more that
knows the schema in its own such line. A migration without this line works with its own program only. The database keeps
both numbers, so that a program knows whether it may use a schema that is newer than its own.
"""

import re
from collections.abc import Callable
from importlib import resources
from typing import Final, NamedTuple

from reelhook.errors import Unavailable
from reelhook.store.select import select_column, select_value
from reelhook.store.sql import Connection
from reelhook.store.statements import SQLITE, statements

_FILE: Final = re.compile(r"(\d{4})_\w+\.sql\Z")
_WORKS_WITH: Final = re.compile(r"^-- works with: (\d+)$", re.MULTILINE)
_SQL: Final = statements("meta")
_VERSION: Final = "schema_version"
_OLDEST: Final = "schema_oldest"


class Migration(NamedTuple):
    """One step; programs that know the schema `works_with`, or a newer one, go on working after it."""

    number: int
    text: str
    works_with: int


class Standing(NamedTuple):
    """The schema of a database, and the oldest one that a program must know to work on it; 0 and 0 when it is empty."""

    version: int
    oldest: int

    def takes(self, latest: int) -> bool:
        """Tell whether a program whose newest schema is `latest` works on it, once it has what that program needs."""
        return self.version <= latest or self.oldest <= latest


Apply = Callable[[Connection, Migration], bool]
Tell = Callable[[int, int], None]
"""Hears, before the first change of a database that is in use, from which schema to which it goes."""


def apply_once(
    connection: Connection, migration: Migration, permit: Callable[[Connection, Migration], None] = lambda *_: None
) -> bool:
    """Run a migration, unless somebody else has done so meanwhile; tell whether it was run. `permit` may refuse."""
    connection.begin()
    try:
        connection.execute(_SQL["lock_schema"]).fetchall()
        # Read inside the transaction: whoever else migrates has finished or waits.
        found = standing(connection)
        missing = found.version < migration.number
        if missing:
            permit(connection, migration)
            connection.execute(_SQL["lock_briefly"]).fetchall()
            connection.run_script(migration.text)
            connection.execute(_SQL["put"], (_VERSION, migration.number))
            connection.execute(_SQL["put"], (_OLDEST, max(found.oldest, migration.works_with)))
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    return missing


def migrate(connection: Connection, apply: Apply = apply_once, tell: Tell = lambda *_: None) -> list[int]:
    """Run the migrations that are missing; return their numbers. Two that start at once do not disturb each other.

    Raises:
        Unavailable: the database was written by a newer Reelhook, with which this one does not work, or is not
            Reelhook's.
    """
    migrations = _migrations(connection.backend)
    before = standing(connection)
    refuse_newer(before, max(migrations))
    missing = [Migration(number, text, _works_with(number, text)) for number, text in migrations.items()]
    missing = [each for each in missing if each.number > before.version]
    if missing and before.version:
        tell(before.version, missing[-1].number)
    done = [each.number for each in missing if apply(connection, each)]
    refuse_newer(standing(connection), max(migrations))
    return done


def standing(connection: Connection) -> Standing:
    """Return the schema of a database.

    Raises:
        Unavailable: it holds tables, but not Reelhook's.
    """
    version = schema_version(connection)
    if not version:
        return Standing(0, 0)
    oldest = select_value(connection, _SQL["get"], (_OLDEST,))
    return Standing(version, oldest if isinstance(oldest, int) else version)


def schema_version(connection: Connection) -> int:
    """Return the number of the last migration that the database has seen; 0 when it is empty.

    Raises:
        Unavailable: it holds tables, but not Reelhook's.
    """
    tables = set(select_column(connection, _SQL["tables"]))
    if not tables:
        return 0
    version = None
    if {"meta", "deliveries"} <= tables:
        version = select_value(connection, _SQL["get"], (_VERSION,))
    if not isinstance(version, int):
        what = "file is a database" if connection.backend == SQLITE else "database has tables"
        raise Unavailable(f"this {what}, but not one of Reelhook's; name another one in REELHOOK_DATABASE")
    return version


def latest_version(backend: str = SQLITE) -> int:
    """Return the number of the newest migration of this program."""
    return max(_migrations(backend))


def refuse_newer(found: Standing, latest: int) -> None:
    """Refuse a schema with which a program that knows `latest` does not work.

    Raises:
        Unavailable: it is one.
    """
    if not found.takes(latest):
        raise Unavailable(
            f"this database was written by a newer Reelhook (schema {found.version}, this one knows {latest}): "
            "install that version or a later one"
        )


def _works_with(number: int, text: str) -> int:
    said = _WORKS_WITH.search(text)
    return int(said[1]) if said else number


def _migrations(backend: str) -> dict[int, str]:
    folder = resources.files("reelhook.store").joinpath("sql", backend, "migrations")
    found = ((_FILE.match(entry.name), entry) for entry in folder.iterdir())
    return dict(sorted((int(match[1]), entry.read_text()) for match, entry in found if match))
