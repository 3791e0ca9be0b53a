"""The database that the settings name, for commands that work on it themselves, beside servers or in their place."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

import apsw
import asyncpg

from reelhook.errors import Conflict, FieldError, StorageFull, StoreBusy, Unavailable
from reelhook.settings import Database, Settings, SettingsError
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
        SettingsError: the file is not there, or not what the setting should name.
        Conflict: it is of another version.
        Unavailable: the database cannot be used.
    """

    def on_its_schema(connection: Connection) -> T:
        found, latest = standing(connection), latest_version(connection.backend)
        refuse_newer(found, latest)
        if found.version < latest:
            said = f"schema {found.version}, this one has {latest}" if found.version else "it has no tables yet"
            raise Conflict(f"{settings.database.shown} is not of this version ({said}): run `reelhook migrate` first")
        return job(connection)

    if not settings.database.is_postgres and not settings.database_path.is_file():
        said = f"REELHOOK_DATABASE: there is no database {settings.database_path}: name that of the installation"
        raise SettingsError(FieldError(said, "/database"))
    return on_database(settings, on_its_schema, alone=alone)


def on_database(settings: Settings, job: Callable[[Connection], T], *, alone: bool = False) -> T:
    """Run a job on the database, whatever is in it."""
    if settings.database.is_postgres:
        with naming_server(settings.database):
            connection = PgConnection(settings.database, pooled=settings.database_pooler, patience=_PATIENCE)
            return _on_postgres(connection, job)
    with naming_faults(settings.database_path):
        lock = FileLock(settings.database_path) if alone else None
        writer: SqliteConnection | None = None
        try:
            writer = open_writer(settings.database_path)
            return job(writer)
        finally:
            if writer is not None:
                writer.close()
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
def naming_server(database: Database) -> Iterator[None]:
    """Say which database it is that cannot be used now; its password is not shown.

    Raises:
        StoreBusy: what came, with the URL.
    """
    try:
        yield
    except StoreBusy as error:
        raise type(error)(f"{error.detail}; the database is {database.shown}") from error


@contextmanager
def naming_faults(database: Path) -> Iterator[None]:
    """Say in one sentence why the database cannot be opened, and what to do.

    Raises:
        SettingsError: the file, or its folder, is not what the setting should name.
        StoreBusy: another program uses it at this moment.
        StorageFull: the disk is full.
        Unavailable: SQLite cannot use it.
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
        said = f"the database {database} cannot be used: {error}"
        if isinstance(error, apsw.FullError):
            raise StorageFull(f"{said}; free some space, then give the command again") from None
        if isinstance(error, apsw.BusyError | apsw.LockedError):
            raise StoreBusy(f"{said}; another program holds it: give the command again when that has ended") from None
        raise Unavailable(f"{said}; look at the file and its disk") from None


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
