"""Brings a database to the schema of this version: numbered `.sql` files, each in one transaction, in order."""

import re
from importlib import resources
from typing import Final

from reelhook.errors import Unavailable
from reelhook.store.select import select_column, select_value
from reelhook.store.sql import Connection
from reelhook.store.statements import statements

_FILE: Final = re.compile(r"(\d{4})_\w+\.sql\Z")
_SQL: Final = statements("meta")
_VERSION: Final = "schema_version"


def migrate(connection: Connection) -> list[int]:
    """Run the migrations that are missing; return their numbers. Two that start at once do not disturb each other.

    Raises:
        Unavailable: the database was written by a newer Reelhook, or is not Reelhook's.
    """
    done = []
    for number, text in _migrations().items():
        connection.begin()
        try:
            # Read inside the transaction: whoever else migrates has finished or waits.
            if schema_version(connection) < number:
                connection.run_script(text)
                connection.execute(_SQL["put"], (_VERSION, number))
                done.append(number)
            connection.commit()
        except BaseException:
            connection.rollback()
            raise
    _refuse_newer(schema_version(connection))
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
        raise Unavailable("this file is a database, but not one of Reelhook's; name another file in REELHOOK_DATABASE")
    return version


def latest_version() -> int:
    """Return the number of the newest migration of this program."""
    return max(_migrations())


def _refuse_newer(version: int) -> None:
    if version > latest_version():
        raise Unavailable(
            f"this database was written by a newer Reelhook (schema {version}, this one knows {latest_version()}): "
            "install that version or a later one"
        )


def _migrations() -> dict[int, str]:
    folder = resources.files("reelhook.store").joinpath("sql", "sqlite", "migrations")
    found = ((_FILE.match(entry.name), entry) for entry in folder.iterdir())
    return dict(sorted((int(match[1]), entry.read_text()) for match, entry in found if match))
