"""The writer: one transaction for a batch of operations of all kinds."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from reelhook.errors import ReelhookError
from reelhook.ports import Acceptance, Claimed
from reelhook.store.accepting import Accepting
from reelhook.store.commit import PROBE, Operation, Refused
from reelhook.store.queue import Claim, Claiming
from reelhook.store.recording import Recording
from reelhook.store.sql import Connection
from reelhook.store.statements import statements

_SET_MARK: Final = statements("journal")["set_handed_over_from"]
_TOUCH: Final = statements("journal")["touch"]


class Accepts(Protocol):
    """Writes acceptances; returns for each its answer, or why it alone is refused."""

    def run(self, connection: Connection, acceptances: Sequence[Acceptance]) -> list[Any]: ...  # noqa: D102


class Claims(Protocol):
    """Takes claims from the queue, and gives them back."""

    def claim(self, connection: Connection, claims: Sequence[Claim]) -> list[list[Claimed]]: ...  # noqa: D102
    def release(self, connection: Connection, released: Sequence[Sequence[Claimed]], now: int) -> None: ...  # noqa: D102


class Writer:
    """Applies batches on the one connection that writes."""

    def __init__(
        self,
        connection: Connection,
        now: Callable[[], int],
        accepting: Accepts | None = None,
        claiming: Claims | None = None,
    ) -> None:
        self._connection = connection
        self._now = now
        self._mark: int | None = None
        self._accepting = accepting or Accepting()
        self._claiming = claiming or Claiming()
        self.recording = Recording()

    def apply(self, batch: list[Operation], mark: int) -> list[Any]:
        """Commit the batch whole; raise after a rollback when anything in it failed."""
        try:
            self._connection.begin()
            results = self._run(batch)
            if mark != self._mark:
                self._connection.execute(_SET_MARK, (mark,))
            self._connection.commit()
        except Exception as error:
            self._connection.rollback()
            raise self._connection.named(error) from error
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
            return self._accepting.run(self._connection, values)
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

    def _write(self, write: Callable[[Connection], Any]) -> Any:
        """Run one comfortable write in a savepoint: a refusal meant for its caller undoes it and nothing else."""
        try:
            with self._connection:
                return write(self._connection)
        except ReelhookError as error:
            return Refused(error)
