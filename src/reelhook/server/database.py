"""The database that the settings name, for commands that work on it themselves, beside servers or in their place."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

import apsw
import asyncpg

from reelhook.errors import FieldError, Unavailable
from reelhook.settings import Settings, SettingsError
from reelhook.store.connection import FileLock, SqliteConnection, open_writer
from reelhook.store.migrate import latest_version, refuse_newer, standing
from reelhook.store.postgres.connection import PgConnection
from reelhook.store.sql import Connection

T = TypeVar("T")
_PATIENCE: Final = 3600.0
_SQLITE_START: Final = b"SQLite format 3\0"


def on_installation(settings: Settings, job: Callable[[Connection], T], *, alone: bool = False) -> T:
    """Run a job on the database of an installation; `alone`: no server may use the file meanwhile.

    Raises:
        SettingsError: the file is not what the setting should name.
        Unavailable: there is no installation, it is of another version, or the database cannot be used now.
    """

    def on_its_schema(connection: Connection) -> T:
        found, latest = standing(connection), latest_version(connection.backend)
        refuse_newer(found, latest)
        if found.version < latest:
            said = f"schema {found.version}, this one has {latest}" if found.version else "it has no tables yet"
            raise Unavailable(
                f"{settings.database.shown} is not of this version ({said}): run `reelhook migrate` first"
            )
        return job(connection)

    if not settings.database.is_postgres and not settings.database_path.is_file():
        raise Unavailable(f"there is no database {settings.database_path}: name that of the installation")
    return on_database(settings, on_its_schema, alone=alone)


def on_database(settings: Settings, job: Callable[[Connection], T], *, alone: bool = False) -> T:
    """Run a job on the database, whatever is in it."""
    if settings.database.is_postgres:
        return _on_postgres(PgConnection(settings.database, pooled=settings.database_pooler, patience=_PATIENCE), job)
    with naming_faults(settings.database_path):
        lock = FileLock(settings.database_path) if alone else None
        connection: SqliteConnection | None = None
        try:
            connection = open_writer(settings.database_path)
            return job(connection)
        finally:
            if connection is not None:
                connection.close()
            if lock is not None:
                lock.release()


def _on_postgres(connection: PgConnection, job: Callable[[Connection], T]) -> T:
    try:
        return job(connection)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise connection.named(error) from error
    finally:
        connection.close()


@contextmanager
def naming_faults(database: Path) -> Iterator[None]:
    """Say in one sentence why the database cannot be opened, and what to do.

    Raises:
        SettingsError: the file, or its folder, is not what the setting should name.
        Unavailable: SQLite cannot use it now.
    """
    try:
        _look_at(database)
        yield
    except OSError as error:
        # Certificates are read in the same step: only what is about the database's own files is about the setting.
        if not str(error.filename or "").startswith(str(database)):
            raise
        raise _wrong_database(database, f"{error.filename}: {(error.strerror or str(error)).lower()}") from None
    except (
        apsw.CantOpenError,
        apsw.NotADBError,
        apsw.CorruptError,
        apsw.ReadOnlyError,
        apsw.PermissionsError,
    ) as error:
        raise _wrong_database(database, str(error)) from None
    except apsw.Error as error:
        raise Unavailable(f"the database {database} cannot be used now: {error}; start again when it can be") from None


def _look_at(database: Path) -> None:
    """Refuse what can be no database before anything is made beside it."""
    if not database.parent.is_dir():
        raise _wrong_database(database, f"there is no folder {database.parent}")
    try:
        with database.open("rb") as file:
            start = file.read(len(_SQLITE_START))
    except FileNotFoundError:
        return
    if start not in (b"", _SQLITE_START):
        raise _wrong_database(database, "the file is not an SQLite database")


def _wrong_database(database: Path, reason: str) -> SettingsError:
    said = f"REELHOOK_DATABASE: {database} cannot be opened: {reason}; put that right, or name another file"
    return SettingsError(FieldError(said, "/database"))
