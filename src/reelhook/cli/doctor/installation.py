"""What belongs to the installation: database, lock, key to the secrets, disk. Nothing is changed."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import apsw

from reelhook.cli.doctor import shared_database
from reelhook.cli.doctor.finding import Finding, fail, ok, warn
from reelhook.cli.doctor.state import changing, hold
from reelhook.errors import ReelhookError
from reelhook.settings import Settings
from reelhook.store.connection import FileLock, SqliteConnection, open_reader
from reelhook.store.master_key import open_sealer
from reelhook.store.migrate import Standing, latest_version, standing

_MIB: Final = 1 << 20
_LITTLE: Final = 100 * _MIB
_SOME: Final = 1024 * _MIB
_NETWORK_FILE_SYSTEMS: Final = ("nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "glusterfs", "fuse.sshfs")


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at everything that the settings name on this machine."""
    if settings.database.is_postgres:
        yield from shared_database.examine(settings)
        return
    database = settings.database_path.absolute()
    yield _folder(database.parent)
    if database.is_file():
        yield from _database(database, settings)
        yield _lock(database)
    else:
        yield ok("database", f"{database} is not there yet; the first start makes it")
    if database.parent.is_dir():
        yield _space(database.parent)
        yield _file_system(database.parent)


def _folder(folder: Path) -> Finding:
    if not folder.is_dir():
        return fail("database folder", f"{folder} is not a directory", "make it, or change REELHOOK_DATABASE")
    if not os.access(folder, os.W_OK | os.X_OK):
        return fail(
            "database folder",
            f"{folder} cannot be written by this user",
            "SQLite writes files beside the database too: give the user the folder",
        )
    return ok("database folder", f"{folder} can be written")


def _database(database: Path, settings: Settings) -> Iterator[Finding]:
    if not os.access(database, os.R_OK | os.W_OK):
        yield fail("database", f"{database} cannot be read and written by this user", "change its owner or mode")
        return
    try:
        connection = open_reader(database)
        try:
            found = standing(connection)
            yield _schema(database, found)
            if found.version:
                yield hold(connection)
                yield _key(database, connection, settings)
        finally:
            connection.close()
    except ReelhookError as wrong:
        yield fail("database", wrong.detail, "look at the file, or change REELHOOK_DATABASE")
    except apsw.Error as wrong:
        yield fail("database", f"{database} cannot be read: {wrong}", "restore it from a backup")


def _schema(database: Path, found: Standing) -> Finding:
    newest = latest_version()
    if not found.takes(newest):
        return fail("database", f"{database} was written by a newer Reelhook", "install that version or a later one")
    if found.version < newest:
        return warn(
            "database",
            f"{database} is of an older version (schema {found.version}, this one has {newest})",
            "make a copy of it, the only way back; then `reelhook migrate`, or the next start, updates it",
        )
    return ok("database", f"{database} is readable and up to date (schema {found.version})")


def _key(database: Path, connection: SqliteConnection, settings: Settings) -> Finding:
    """Try the key on what was sealed with it. The connection cannot write, so that nothing is made here."""
    key_file = database.with_name(database.name + ".key")
    if settings.secret_key is None and not key_file.is_file():
        return fail(
            "secret key",
            f"the key file {key_file} is missing",
            "put it back, or set REELHOOK_SECRET_KEY; without the key the stored secrets cannot be read",
        )
    try:
        open_sealer(connection, settings.secret_key, key_file, settings.secret_key_other)
    except ReelhookError as wrong:
        return fail("secret key", wrong.detail, "the key that made the database is needed")
    except apsw.ReadOnlyError:
        return ok("secret key", "nothing was sealed with it yet")
    return changing(connection) or _kept_apart(settings, key_file)


def _kept_apart(settings: Settings, key_file: Path) -> Finding:
    if settings.secret_key is not None:
        return ok("secret key", "REELHOOK_SECRET_KEY is the key of this database")
    if key_file.stat().st_mode & 0o077:
        return warn("secret key", f"others may read {key_file}", f"chmod 600 {key_file}")
    return ok("secret key", f"{key_file} is the key of this database; keep a copy of it apart from the backups")


def _lock(database: Path) -> Finding:
    if not database.with_name(database.name + ".lock").exists():
        return ok("lock", "no process uses the database")
    try:
        FileLock(database).release()
    except ReelhookError:
        return ok("lock", "a running Reelhook uses the database")
    except OSError as wrong:
        return fail(
            "lock", f"the lock beside the database cannot be taken: {wrong.strerror}", "change its owner or mode"
        )
    return ok("lock", "no process uses the database")


def _space(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    said = f"{free // _MIB:,} MiB are free on the disk of the database"
    if free < _LITTLE:
        return fail("disk space", said, "free some: when it is full, events are refused and nothing is sent")
    if free < _SOME:
        return warn("disk space", said, "free some, or lower REELHOOK_RETENTION_DAYS")
    return ok("disk space", said)


def _file_system(folder: Path) -> Finding:
    kind = _kind_of(folder.resolve())
    if kind in _NETWORK_FILE_SYSTEMS:
        return fail("file system", f"the database lies on {kind}", "SQLite's locks do not hold there: use a local disk")
    return ok("file system", f"the database lies on {kind or 'a local disk'}")


def _kind_of(folder: Path) -> str | None:
    """Return the type of the file system; of all mount points above the folder the longest counts."""
    mounts = Path("/proc/self/mounts")
    if not mounts.is_file():
        return None
    above = {str(folder), *map(str, folder.parents)}
    found = [words for words in map(str.split, mounts.read_text().splitlines()) if words[1] in above]
    return max(found, key=lambda words: len(words[1]))[2] if found else None
