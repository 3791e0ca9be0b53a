"""The writer: one transaction for a batch of operations of all kinds."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final

import apsw

from reelhook.errors import ReelhookError, StorageFull, StoreBusy
from reelhook.store.accepting import Accepting
from reelhook.store.commit import PROBE, Operation, Refused, WriterFailed
from reelhook.store.queue import Claiming
from reelhook.store.recording import Recording
from reelhook.store.statements import statements

_SET_MARK: Final = statements("sqlite", "journal")["set_handed_over_from"]
_TOUCH: Final = statements("sqlite", "journal")["touch"]
_NO_SPACE: Final = "the disk that holds the database is full; nothing was stored; free space and try again"


class Writer:
    """Applies batches on the one connection that writes."""

    def __init__(self, connection: apsw.Connection, now: Callable[[], int]) -> None:
        self._connection = connection
        self._now = now
        self._mark: int | None = None
        self._accepting = Accepting()
        self._claiming = Claiming()
        self.recording = Recording()

    def apply(self, batch: list[Operation], mark: int) -> list[Any]:
        """Commit the batch whole; raise after a rollback when anything in it failed."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            results = self._run(batch)
            if mark != self._mark:
                self._connection.execute(_SET_MARK, (mark,))
            self._connection.execute("COMMIT")
        except Exception as error:
            self._roll_back()
            raise _named(error) from error
        self._mark = mark
        return results

    def _run(self, batch: list[Operation]) -> list[Any]:
        groups: dict[str, list[tuple[int, Any]]] = defaultdict(list)
        for index, operation in enumerate(batch):
            groups[operation.kind].append((index, operation.value))
        results: list[Any] = [None] * len(batch)
        for kind, items in groups.items():
            values = [value for _, value in items]
            for (index, _), result in zip(items, self._run_kind(kind, values), strict=True):
                results[index] = result
        return results

    def _run_kind(self, kind: str, values: list[Any]) -> list[Any]:
        nothing: list[Any] = [None] * len(values)
        if kind == "accept":
            self._accepting.run(self._connection, values)
            return [acceptance.answer for acceptance in values]
        if kind == "record":
            return list(self.recording.run(self._connection, values, self._now()))
        if kind == "claim":
            return list(self._claiming.claim(self._connection, values))
        if kind == "release":
            self._claiming.release(self._connection, values, self._now())
        elif kind == PROBE:
            self._connection.execute(_TOUCH, (self._now(),))
        elif kind == "attempt":
            self.recording.attempts(self._connection, values)
        else:
            return [self._write(write) for write in values]
        return nothing

    def _write(self, write: Callable[[apsw.Connection], Any]) -> Any:
        """Run one comfortable write in a savepoint: a refusal meant for its caller undoes it and nothing else."""
        try:
            with self._connection:
                return write(self._connection)
        except ReelhookError as error:
            return Refused(error)

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


def _named(error: Exception) -> Exception:
    """Name what went wrong with the disk in our words; every other error belongs to an operation."""
    if isinstance(error, apsw.FullError):
        return StorageFull(_NO_SPACE)
    if isinstance(error, apsw.BusyError | apsw.LockedError):
        return StoreBusy("another program holds the lock of the database file; nothing was stored; try again")
    if isinstance(error, apsw.IOError | apsw.CorruptError | apsw.NotADBError):
        return WriterFailed(f"the database file cannot be written ({error}); check the disk, then start again")
    return error
