"""Opens SQLite connections, and holds the lock that makes this process the only one that uses the file."""

import fcntl
import os
import time
from collections.abc import Collection
from itertools import chain
from pathlib import Path
from typing import ClassVar, Final

import apsw

from reelhook.errors import StorageFull, StoreBusy
from reelhook.store.operation import WriterFailed
from reelhook.store.sql import Bulk, Row
from reelhook.store.statements import SQLITE

_MOST_ROWS: Final = 512
_LONGEST_TEXT: Final = 15_000
"""Characters for the rows of a statement: the driver forgets at once what is longer than 16 KiB, and would prepare it
anew each time, which costs more than running it."""
_PLACE: Final = len("?, ")
_LAST_WORK_SECONDS: Final = 2.0
_NO_SPACE: Final = "the disk that holds the database is full; nothing was stored; free space and try again"
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


class SqliteConnection(apsw.Connection):
    """Implements `Connection` on one file."""

    backend: ClassVar[str] = SQLITE

    def bulk(self, bulk: Bulk, rows: list[Row]) -> int:
        """Run a statement over many rows, in pieces of two dozen sizes, so that their texts stay prepared."""
        changed = 0
        start = 0
        while start < len(rows):
            size = _piece(len(rows) - start, bulk.width)
            self.execute(_text(bulk, size), list(chain.from_iterable(rows[start : start + size])))
            changed += self.changes()
            start += size
        return changed

    def bulk_rows(self, bulk: Bulk, rows: list[Row]) -> list[Row]:
        """Ask a statement of many rows at once."""
        return self.execute(_text(bulk, len(rows)), list(chain.from_iterable(rows))).fetchall()

    def begin(self, *, write: bool = True) -> None:
        """Begin a transaction; one that writes takes the write lock at once."""
        self.execute("BEGIN IMMEDIATE" if write else "BEGIN")

    def commit(self) -> None:
        """Commit; it is on disk when this returns."""
        self.execute("COMMIT")

    def rollback(self) -> None:
        """Undo the transaction, where there is one."""
        if self.in_transaction:
            self.execute("ROLLBACK")

    def lock(self, keys: Collection[int], *, wait: bool = False) -> None:
        """Nothing: a transaction that writes is the only one."""

    def run_script(self, text: str) -> None:
        """Run plain statements."""
        self.execute(text)

    def named(self, error: Exception) -> Exception:
        """Name what went wrong with the disk in our words."""
        if isinstance(error, apsw.FullError):
            return StorageFull(_NO_SPACE)
        if isinstance(error, apsw.BusyError | apsw.LockedError):
            return StoreBusy("another program holds the lock of the database file; nothing was stored; try again")
        if isinstance(error, apsw.IOError | apsw.CorruptError | apsw.NotADBError):
            return WriterFailed(f"the database file cannot be written ({error}); check the disk, then start again")
        return error


def _text(bulk: Bulk, size: int) -> str:
    text = bulk.texts.get(size)
    if text is None:
        row = "(" + ", ".join("?" * bulk.width) + ")"
        text = bulk.texts[size] = bulk.statement.replace(":rows", ", ".join([row] * size))
    return text


def _piece(rows: int, width: int) -> int:
    """Return how many of so many rows the next statement takes: a multiple of 64, of 8 or of 1."""
    if rows < 8:
        return rows
    if rows < 64:
        return rows & ~7
    return max(64, min(rows, _MOST_ROWS, _LONGEST_TEXT // (_PLACE * width)) & ~63)


def open_writer(path: Path) -> SqliteConnection:
    """Open the one connection that writes, with every commit on disk when it returns (`synchronous=FULL`)."""
    # Made by us first, so that nobody else may read it; the write-ahead log takes over its mode.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = SqliteConnection(str(path), statementcachesize=400)
    connection.set_busy_timeout(10_000)
    connection.execute(_WRITER).fetchall()  # to its end: what follows a statement that returns rows runs only then
    return connection


def open_reader(path: Path) -> SqliteConnection:
    """Open a connection that cannot write; each statement sees the last commit."""
    connection = SqliteConnection(str(path), flags=apsw.SQLITE_OPEN_READWRITE, statementcachesize=400)
    connection.set_busy_timeout(10_000)
    connection.execute(_READER).fetchall()
    return connection


class FileLock:
    """The lock beside the database file. SQLite serves one process only; a second one is refused with a clear word.

    Raises:
        StoreBusy: another process has it.
    """

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(database.name + ".lock")
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not self._lock():
            owner = os.pread(self._descriptor, 20, 0).decode(errors="replace").strip()
            os.close(self._descriptor)
            raise StoreBusy(
                f"the database {database} is in use by another Reelhook (process {owner or 'unknown'}): "
                "SQLite serves one process; stop that one, or use another file"
            )
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, str(os.getpid()).encode(), 0)

    def _lock(self) -> bool:
        """Take the lock; wait a little for the last bit of work of a process that was killed a moment ago."""
        give_up = time.monotonic() + _LAST_WORK_SECONDS
        while True:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= give_up:
                    return False
                time.sleep(0.02)
            else:
                return True

    def fileno(self) -> int:
        """Return the descriptor; who inherits it holds the lock too."""
        return self._descriptor

    def release(self) -> None:
        """Let the next process in."""
        os.close(self._descriptor)
