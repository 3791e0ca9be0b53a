"""Brings a database to the schema of this version: numbered `.sql` files, each in one transaction, in order."""

import re
from importlib import resources
from typing import Final

from reelhook.errors import Unavailable
from reelhook.store.select import select_column, select_value
from reelhook.store.sql import Connection
from reelhook.store.statements import SQLITE, statements

_FILE: Final = re.compile(r"(\d{4})_\w+\.sql\Z")
_SQL: Final = statements("meta")
_VERSION: Final = "schema_version"


def migrate(connection: Connection) -> list[int]:
    """Run the migrations that are missing; return their numbers. Two that start at once do not disturb each other.

    Raises:
        Unavailable: the database was written by a newer Reelhook, or is not Reelhook's.
    """
    done = []
    for number, text in _migrations(connection.backend).items():
        connection.begin()
        try:
            connection.execute(_SQL["lock_schema"]).fetchall()
            # Read inside the transaction: whoever else migrates has finished or waits.
            if schema_version(connection) < number:
                connection.run_script(text)
                connection.execute(_SQL["put"], (_VERSION, number))
                done.append(number)
            connection.commit()
        except BaseException:
            connection.rollback()
            raise
    _refuse_newer(schema_version(connection), latest_version(connection.backend))
    return done


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


def _refuse_newer(version: int, latest: int) -> None:
    if version > latest:
        raise Unavailable(
            f"this database was written by a newer Reelhook (schema {version}, this one knows {latest}): "
            "install that version or a later one"
        )


def _migrations(backend: str) -> dict[int, str]:
    folder = resources.files("reelhook.store").joinpath("sql", backend, "migrations")
    found = ((_FILE.match(entry.name), entry) for entry in folder.iterdir())
    return dict(sorted((int(match[1]), entry.read_text()) for match, entry in found if match))
