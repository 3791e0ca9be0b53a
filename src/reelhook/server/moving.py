"""Moving an installation from its SQLite file to PostgreSQL: opens the file as its only user, and tries the key."""

from pathlib import Path

import apsw
import msgspec

from reelhook.errors import Conflict, Invalid, StoreBusy
from reelhook.model.secret import Secret
from reelhook.server.database import naming_server
from reelhook.settings import Database
from reelhook.store.connection import FileLock, SqliteConnection, open_reader
from reelhook.store.master_key import is_changing, open_sealer
from reelhook.store.migrate import latest_version, schema_version
from reelhook.store.postgres.copying import Copied
from reelhook.store.postgres.move import move_into
from reelhook.store.select import select_value
from reelhook.store.statements import statements

_META = statements("meta")


class Moved(msgspec.Struct):
    """What was moved; `key_file` holds the key that seals it, unless the settings gave that."""

    tables: list[Copied]
    key_file: Path | None


def move(source: Path, target: str, secret_key: Secret | None) -> Moved:
    """Copy the installation in the file into the database, which must be empty.

    Raises:
        Invalid: the file is not there, or cannot be read.
        StoreBusy: a server uses the file.
        Conflict: it is of another version, or its key is being changed.
        WrongKey: the key is missing or wrong.
        Unavailable: the target cannot be used, or the copy is not what was copied.
    """
    if not source.is_file():
        raise Invalid(f"there is no database {source}: name the SQLite file that is to be moved")
    lock = _locked(source)
    try:
        connection = open_reader(source)
        try:
            key_file = _usable(connection, source, secret_key)
            with naming_server(Database(target)):
                return Moved(move_into(target, connection), key_file)
        finally:
            connection.close()
    except (apsw.BusyError, apsw.LockedError) as error:
        raise StoreBusy(f"another program holds the database {source}: {error}; try again") from None
    except (apsw.Error, UnicodeDecodeError) as error:
        raise Invalid(f"the database {source} cannot be read: {error}") from None
    finally:
        lock.release()


def _locked(source: Path) -> FileLock:
    try:
        return FileLock(source)
    except OSError as error:
        raise Invalid(f"the lock of the database {source} cannot be taken: {error.strerror or error}") from None


def _usable(connection: SqliteConnection, source: Path, secret_key: Secret | None) -> Path | None:
    """See to it that the file is of this version and its key is at hand; return the file of the key."""
    version, newest = schema_version(connection), latest_version()
    if version != newest:
        known = f"schema {version}, this version has {newest}"
        do = "run `reelhook migrate` on it first" if version < newest else "install the version that wrote it"
        raise Conflict(f"the database {source} is of another version ({known}): {do}")
    key_file = source.with_name(source.name + ".key")
    if select_value(connection, _META["get_bytes"], ("seal_check",)) is None:
        return None  # never served: nothing is sealed
    if is_changing(connection):
        raise Conflict(f"the key of {source} is being changed: finish that with `reelhook rekey` first")
    open_sealer(connection, secret_key, key_file)
    return None if secret_key else key_file
