"""Opens SQLite connections, and holds the lock that makes this process the only one that uses the file."""

import fcntl
import os
from pathlib import Path
from typing import Final

import apsw

from reelhook.errors import Unavailable

_WRITER: Final = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA wal_autocheckpoint = 1000;
PRAGMA cache_size = -65536;
PRAGMA temp_store = MEMORY;
PRAGMA foreign_keys = ON;
"""
_READER: Final = "PRAGMA cache_size = -32768; PRAGMA query_only = ON;"
# No `mmap_size`: an error of the disk would come as a signal and not as a result that we can act on.


def open_writer(path: Path) -> apsw.Connection:
    """Open the one connection that writes, with every commit on disk when it returns (`synchronous=FULL`)."""
    # Made by us first, so that nobody else may read it; the write-ahead log takes over its mode.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = apsw.Connection(str(path), statementcachesize=400)
    connection.set_busy_timeout(10_000)
    connection.execute(_WRITER).fetchall()  # to its end: what follows a statement that returns rows runs only then
    return connection


def open_reader(path: Path) -> apsw.Connection:
    """Open a connection that cannot write; each statement sees the last commit."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE, statementcachesize=400)
    connection.set_busy_timeout(10_000)
    connection.execute(_READER).fetchall()
    return connection


class FileLock:
    """The lock beside the database file. SQLite serves one process only; a second one is refused with a clear word."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(database.name + ".lock")
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(self._descriptor, 20, 0).decode(errors="replace").strip()
            os.close(self._descriptor)
            raise Unavailable(
                f"the database {database} is in use by another Reelhook (process {owner or 'unknown'}): "
                "SQLite serves one process; stop that one, or use another file"
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        """Let the next process in."""
        os.close(self._descriptor)
