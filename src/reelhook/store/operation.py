"""Operations: what is to be committed, how it ended, and what stands around a commit."""

import asyncio
from collections.abc import Callable
from typing import Any, Final, Protocol

import msgspec

from reelhook.errors import ReelhookError, StorageFull, StoreBusy
from reelhook.store.commitment import Commitment

PASSING: Final = (StorageFull, StoreBusy)
"""What no operation of the batch is to blame for, and what may pass: space is freed, a lock is let go."""
ACCEPT: Final = "accept"
PROBE: Final = "probe"
"""An operation that writes next to nothing, to find out whether the disk has space again."""


class WriterFailed(Exception):
    """The disk gave an I/O error: what is on it is uncertain, so the process must stop (fsync is never retried)."""


class Operation(msgspec.Struct, eq=False):
    """One thing to be committed. `must` operations are kept and tried again while the disk is full.

    The garbage collector sees it: an error's traceback holds the batch, which holds the future, which holds the error.
    """

    kind: str
    value: Any
    future: "asyncio.Future[Any] | Commitment[Any]"
    must: bool = False
    weight: int = 1


class Refused(msgspec.Struct):
    """The result of an operation that was undone alone, with the error for its caller."""

    error: ReelhookError


Outcome = tuple[Any, Exception | None]
Apply = Callable[[list[Operation], Any], list[Any]]
"""Commits a batch; the second argument is what `Batches.opened` returned for it."""


Done = Callable[[list[Outcome]], None]


class Elsewhere(Protocol):
    """Writes batches in another process."""

    def take(self, batch: list[Operation], opening: Any, done: Done) -> bool:
        """Have a batch committed whole or not at all, and call `done` in the loop; False when it must be run here."""
        ...


class Batches(Protocol):
    """Is told in the loop of every batch: what it opens with goes into the same transaction."""

    def opened(self) -> Any:
        """Return what the batch that begins now shall write beside its operations."""
        ...

    def closed(self, batch: list[Operation], outcomes: list[Outcome]) -> None:
        """Learn how each operation ended, before its caller does."""
        ...


class Runner(Protocol):
    """Runs a job beside the loop and calls back in it."""

    def run(self, job: Callable[[], list[Outcome]], done: Callable[[list[Outcome]], None]) -> None:
        """Run the job; call `done` in the loop with what it returned, in a turn of its own."""
        ...

    def stop(self) -> None:
        """Finish what was given and stop."""
        ...
