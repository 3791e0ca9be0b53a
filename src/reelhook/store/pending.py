"""Pending: the operations that no commit carries yet, and which of them the next one takes."""

from collections import deque
from collections.abc import Callable, Collection
from typing import Final

from reelhook.store.operation import ACCEPT, Operation

_LARGEST_BATCH: Final = 1024
"""Operations a commit: large enough to amortise the flush to disk, small enough to keep the answer near."""
_HOLD_SECONDS: Final = 0.25
"""How long accepting waits at most for sending to catch up."""


class Pending:
    """Operations in their order; accepts of apps for which sending does not keep up are put aside for a while.

    `now` is a monotonic clock in seconds; `congested` names those apps.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.congested: Callable[[], Collection[str]] = tuple
        self._others: deque[Operation] = deque()
        self._accepts: deque[Operation] = deque()
        self._held: deque[Operation] = deque()
        self._held_apps: set[str] = set()
        self._held_since: float | None = None

    def __len__(self) -> int:
        return len(self._others) + len(self._accepts) + len(self._held)

    def add(self, operation: Operation) -> None:
        """Queue an operation."""
        (self._accepts if operation.kind == ACCEPT else self._others).append(operation)

    def put_back(self, operations: list[Operation]) -> None:
        """Put operations that are to be tried again before all others."""
        self._others.extendleft(reversed(operations))

    def take(self) -> list[Operation]:
        """Take what comes into the next commit; of apps for which sending does not keep up, no new events."""
        batch: list[Operation] = []
        weight = _move(self._others, batch, 0)
        if self._accepts or self._held:
            self._hold()
            _move(self._accepts, batch, weight)
        return batch

    def take_optional(self) -> list[Operation]:
        """Take out all that need not be kept when nothing can be stored for a while."""
        self._let_go()
        rest = [operation for operation in (*self._others, *self._accepts) if not operation.must]
        self._others = deque(operation for operation in self._others if operation.must)
        self._accepts.clear()
        return rest

    def take_all(self) -> list[Operation]:
        """Take out all, for good."""
        self._let_go()
        everything = [*self._others, *self._accepts]
        self._others.clear()
        self._accepts.clear()
        return everything

    def _hold(self) -> None:
        """Put aside what must wait: without backpressure accepting starves sending. It never waits long, and what other
        apps publish passes by.
        """
        congested = self.congested()
        now = self._now()
        if self._held_since is None:
            self._held_since = now
        if not congested or now - self._held_since >= _HOLD_SECONDS:
            self._let_go()
            return
        self._held_apps.update(congested)
        for _ in range(len(self._accepts)):
            operation = self._accepts.popleft()
            aside = operation.value.app_id in self._held_apps
            (self._held if aside else self._accepts).append(operation)

    def _let_go(self) -> None:
        """Let what was put aside go first."""
        self._accepts.extendleft(reversed(self._held))
        self._held.clear()
        self._held_apps.clear()
        self._held_since = None


def _move(queue: deque[Operation], batch: list[Operation], weight: int) -> int:
    """Move operations into the batch until it is full; return its weight."""
    while queue and weight < _LARGEST_BATCH:
        operation = queue.popleft()
        weight += operation.weight
        batch.append(operation)
    return weight
