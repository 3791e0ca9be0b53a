"""The writer: one transaction for a batch of operations of all kinds."""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final, Protocol

from reelhook.errors import ReelhookError
from reelhook.ports import Acceptance, Claimed, Taken
from reelhook.store.accepting import Accepting
from reelhook.store.claiming import Claim, Claiming
from reelhook.store.indexing import index
from reelhook.store.operation import PROBE, Operation, Refused
from reelhook.store.ordering import EVERY_LANE
from reelhook.store.recording import Recording
from reelhook.store.sql import Connection, Contended
from reelhook.store.statements import statements

_SET_MARK: Final = statements("journal")["set_handed_over_from"]
_TOUCH: Final = statements("journal")["touch"]
_TRIES: Final = 6
_TRIES_FOR_SOME: Final = 3
"""After so many tries that met another transaction in a lane, all lanes are locked for the next one."""

Groups = dict[str, list[Any]]
"""What operations are about, by their kinds."""


class Accepts(Protocol):
    """Writes acceptances; returns for each its answer, or why it alone is refused."""

    def run(self, connection: Connection, acceptances: Sequence[Acceptance]) -> list[Any]: ...  # noqa: D102


class Claims(Protocol):
    """Takes claims from the queue, and gives them back."""

    def claim(self, connection: Connection, claims: Sequence[Claim]) -> list[Taken]: ...  # noqa: D102
    def release(self, connection: Connection, released: Sequence[Sequence[Claimed]], now: int) -> None: ...  # noqa: D102


class Writer:
    """Applies batches on the one connection that writes; `now` is scheduling time (ms), where it is not given. `locks`
    names what a batch will lock, as far as that is known before it runs.
    """

    def __init__(
        self,
        connection: Connection,
        now: Callable[[], int] = lambda: 0,
        accepting: Accepts | None = None,
        claiming: Claims | None = None,
        locks: Callable[[Groups], Collection[int]] = lambda _: (),
    ) -> None:
        self._connection = connection
        self._now = now
        self._mark: int | None = None
        self._accepting = accepting or Accepting()
        self._claiming = claiming or Claiming()
        self._locks = locks
        self.recording = Recording()

    def apply(self, batch: list[Operation], mark: int) -> list[Any]:
        """Commit the batch whole; raise after a rollback when anything in it failed."""
        return in_order(batch, self.write(by_kind(batch), mark, self._now()))

    def write(self, groups: Groups, mark: int, now: int) -> Groups:
        """Commit operations that are grouped by kind, at `now` (ms, scheduling time); return what each gave. What met
        another transaction is run again: only who meets one each time is told.
        """
        locks = set(self._locks(groups))
        for tried in range(1, _TRIES):
            try:
                return self._write_once(groups, mark, now, locks)
            except Contended as met:
                locks.update(met.locks if tried < _TRIES_FOR_SOME else EVERY_LANE)
        return self._write_once(groups, mark, now, locks)

    def _write_once(self, groups: Groups, mark: int, now: int, locks: Collection[int]) -> Groups:
        try:
            self._connection.begin()
            if locks:
                self._connection.lock(locks, wait=True)
            results = {kind: self._run_kind(kind, values, now) for kind, values in groups.items()}
            if mark != self._mark:
                self._connection.execute(_SET_MARK, (mark,))
            self._connection.commit()
        except Exception as error:
            self._connection.rollback()
            raise self._connection.named(error) from error
        self._mark = mark
        return results

    def forget_mark(self) -> None:
        """Hear that another connection may have stored another mark since."""
        self._mark = None

    def _run_kind(self, kind: str, values: list[Any], now: int) -> list[Any]:
        nothing: list[Any] = [None] * len(values)
        if kind == "accept":
            return self._accepting.run(self._connection, values)
        if kind == "record":
            return list(self.recording.run(self._connection, values, now))
        if kind == "claim":
            return list(self._claiming.claim(self._connection, values))
        if kind == "release":
            self._claiming.release(self._connection, values, now)
        elif kind == PROBE:
            self._connection.execute(_TOUCH, (now,))
        elif kind == "index":
            return [index(self._connection, chunks) for chunks in values]
        elif kind == "attempt":
            self.recording.attempts(self._connection, values)
        else:
            return [self._write(write) for write in values]
        return nothing

    def _write(self, write: Callable[[Connection], Any]) -> Any:
        """Run one comfortable write in a savepoint: a refusal meant for its caller undoes it and nothing else."""
        try:
            with self._connection:
                return write(self._connection)
        except Contended:
            raise
        except ReelhookError as error:
            return Refused(error)


def by_kind(batch: list[Operation]) -> Groups:
    """Group what operations are about by their kinds, in the order in which the kinds come first."""
    groups: Groups = defaultdict(list)
    for operation in batch:
        groups[operation.kind].append(operation.value)
    return groups


def in_order(batch: list[Operation], results: Groups) -> list[Any]:
    """Put what the groups gave into the order of the batch."""
    each = {kind: iter(given) for kind, given in results.items()}
    return [next(each[operation.kind]) for operation in batch]
