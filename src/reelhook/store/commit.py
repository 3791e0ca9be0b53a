"""Group commit: one writer; a commit carries everything that arrived while the last one ran.

The loop collects operations; when the writer is free it gets them all, runs them in one transaction, and the loop
resolves their futures. A batch that fails is split until the one bad operation stands alone, so that it fails nobody
else. Where the batch runs (a thread, or inline under the simulator) is the `Runner`'s business.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Collection
from queue import SimpleQueue
from typing import Any, Final, Protocol

import msgspec

from reelhook.errors import ReelhookError, StorageFull, StoreBusy, Unavailable
from reelhook.store.commitment import Commitment

_PASSING: Final = (StorageFull, StoreBusy)
"""What no operation of the batch is to blame for, and what may pass: space is freed, a lock is let go."""
_LARGEST_BATCH: Final = 1024
"""Operations a commit: large enough to amortise the flush to disk, small enough to keep the answer near."""
_RETRY_SECONDS: Final = 1.0
_HOLD_SECONDS: Final = 0.25
"""How long accepting waits at most for sending to catch up."""
_LOOK_AGAIN_SECONDS: Final = 0.002


ACCEPT: Final = "accept"
PROBE: Final = "probe"
"""An operation that writes next to nothing, to find out whether the disk has space again."""


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
        """Run the job; call `done` in the loop with what it returned."""
        ...

    def stop(self) -> None:
        """Finish what was given and stop."""
        ...


class ThreadRunner:
    """The writer thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._jobs: SimpleQueue[Any] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    def run(self, job: Callable[[], list[Outcome]], done: Callable[[list[Outcome]], None]) -> None:
        """Hand the job to the thread."""
        self._jobs.put((job, done))

    def stop(self) -> None:
        """Let the thread finish its work and end."""
        self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (item := self._jobs.get()) is not None:
            job, done = item
            outcome = job()
            self._loop.call_soon_threadsafe(done, outcome)


class WriterFailed(Exception):
    """The disk gave an I/O error: what is on it is uncertain, so the process must stop (fsync is never retried)."""


class GroupCommit:
    """Collects operations, commits them together, resolves their futures.

    `apply` runs a batch in one transaction and returns a result for each operation; it raises when the transaction
    failed and was rolled back. `on_fatal` is called once when the disk can no longer be trusted.
    """

    def __init__(self, apply: Apply, runner: Runner, on_fatal: Callable[[str], None]) -> None:
        # Kept, because asking for the running loop costs a system call each time (getpid, on CPython 3.11).
        self._loop = asyncio.get_running_loop()
        self._apply = apply
        self.batches: Batches | None = None
        self.hold_accepts: Callable[[], Collection[str]] = tuple
        self._runner = runner
        self._on_fatal = on_fatal
        self._waiting: deque[Operation] = deque()
        self._accepts: deque[Operation] = deque()
        self._held: deque[Operation] = deque()
        self._held_apps: set[str] = set()
        self._held_since: float | None = None
        self._busy = False
        self._scheduled = False
        self._probing = False
        self._broken: str | None = None
        self._idle: list[asyncio.Future[None]] = []
        self.commits = 0
        self.operations = 0
        self.full = False

    @property
    def pending(self) -> int:
        """How many operations wait or run."""
        return len(self._waiting) + len(self._accepts) + len(self._held)

    @property
    def broken(self) -> str | None:
        """Why nothing can be written any more; None while it can."""
        return self._broken

    def submit(self, kind: str, value: Any, *, must: bool = False, weight: int = 1) -> "asyncio.Future[Any]":
        """Queue an operation for the next commit."""
        future: asyncio.Future[Any] = self._loop.create_future()
        self._queue(Operation(kind, value, future, must, weight))
        return future

    def commit(self, kind: str, value: Any, *, must: bool = False, weight: int = 1) -> Commitment[Any]:
        """Queue an operation as `submit` does, for those who have thousands of them."""
        commitment: Commitment[Any] = Commitment()
        self._queue(Operation(kind, value, commitment, must, weight))
        return commitment

    def _queue(self, operation: Operation) -> None:
        if self._broken:
            operation.future.set_exception(Unavailable(f"nothing can be stored: {self._broken}"))
            return
        queue = self._accepts if operation.kind == ACCEPT else self._waiting
        queue.append(operation)
        if not self._busy and not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._start)

    def settled(self, future: "asyncio.Future[Any]") -> "asyncio.Future[Any]":
        """Return what is done when all that follows from a commit in memory is done: at once."""
        return future

    async def drained(self) -> None:
        """Wait until everything queued so far is committed, or has failed to be because the disk is full."""
        if self._busy or self.pending:
            future: asyncio.Future[None] = self._loop.create_future()
            self._idle.append(future)
            await future

    def stop(self) -> None:
        """Stop the runner; call it after `drained`."""
        self._runner.stop()

    def _start(self) -> None:
        self._scheduled = False
        if self._busy or not self.pending:
            return
        batch = self._take()
        if not batch:
            self._schedule(_LOOK_AGAIN_SECONDS)
            return
        self._busy = True
        opening = self.batches.opened() if self.batches else None
        self._runner.run(lambda: self._run(batch, opening), lambda outcomes: self._done(batch, outcomes))

    def _take(self) -> list[Operation]:
        """Take what comes into the next commit; of apps for which sending does not keep up, no new events."""
        batch: list[Operation] = []
        weight = _move(self._waiting, batch, 0)
        if self._accepts or self._held:
            self._hold()
            _move(self._accepts, batch, weight)
        return batch

    def _hold(self) -> None:
        """Put aside what must wait: without backpressure accepting starves sending. It never waits long, and what other
        apps publish passes by.
        """
        congested = self.hold_accepts()
        now = self._loop.time()
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

    def _run(self, batch: list[Operation], opening: Any) -> list[Outcome]:
        """Run in the writer: commit the batch, or halves of it until the bad operation stands alone."""
        try:
            return [_outcome(result) for result in self._apply(batch, opening)]
        except (WriterFailed, *_PASSING) as error:
            return [(None, error)] * len(batch)
        except Exception as error:  # noqa: BLE001 - any failure belongs to one operation, which is found by halving
            if len(batch) == 1:
                return [(None, error)]
            middle = len(batch) // 2
            return self._run(batch[:middle], opening) + self._run(batch[middle:], opening)

    def _done(self, batch: list[Operation], outcomes: list[Outcome]) -> None:
        self._busy = False
        self.commits += 1
        self.operations += len(batch)
        self.full = any(isinstance(error, _PASSING) for _, error in outcomes)
        if self.batches:
            self.batches.closed(batch, outcomes)
        kept = [self._resolve(operation, *outcome) for operation, outcome in zip(batch, outcomes, strict=True)]
        self._waiting.extendleft(operation for operation in reversed(kept) if operation is not None)
        if self.full:
            self._refuse_rest(next(error for _, error in outcomes if isinstance(error, _PASSING)))
        if self._broken is not None:
            self._refuse_waiting(self._broken)
        self._next()

    def _resolve(self, operation: Operation, result: Any, error: Exception | None) -> Operation | None:
        if error is None:
            if not operation.future.done():
                operation.future.set_result(result)
            return None
        if isinstance(error, _PASSING) and operation.must:
            return operation
        if isinstance(error, WriterFailed):
            self._fail(str(error))
            error = Unavailable(f"nothing can be stored: {error}")
        if not operation.future.done():
            operation.future.set_exception(_for_caller(error))
        return None

    def _next(self) -> None:
        if self.pending and not self._broken:
            self._schedule(_RETRY_SECONDS if self.full else 0)
        elif self.full and not self._broken:
            self._probe_later()
        if self.full or not self.pending:
            for future in self._idle:
                if not future.done():
                    future.set_result(None)
            self._idle.clear()

    def _probe_later(self) -> None:
        """Keep trying while the disk is full, although nobody may come any more: then readiness would never return."""
        if not self._probing:
            self._probing = True
            self._loop.call_later(_RETRY_SECONDS, self._probe)

    def _probe(self) -> None:
        self._probing = False
        if self.full and not self.pending:
            # Whether it fails is what `full` tells; here the error is only taken note of.
            self.submit(PROBE, None).add_done_callback(asyncio.Future.exception)

    def _schedule(self, seconds: float) -> None:
        self._scheduled = True
        if seconds:
            self._loop.call_later(seconds, self._start)
        else:
            self._loop.call_soon(self._start)

    def _fail(self, reason: str) -> None:
        if self._broken is None:
            self._broken = reason
            self._on_fatal(reason)

    def _refuse_rest(self, error: ReelhookError) -> None:
        """Answer at once who may be refused: what must be kept would else fill every batch, and they wait for good."""
        self._let_go()
        rest = [operation for operation in (*self._waiting, *self._accepts) if not operation.must]
        self._waiting = deque(operation for operation in self._waiting if operation.must)
        self._accepts.clear()
        if self.batches:
            self.batches.closed(rest, [(None, error)] * len(rest))
        for operation in rest:
            self._resolve(operation, None, error)

    def _refuse_waiting(self, reason: str) -> None:
        self._let_go()
        for queue in (self._waiting, self._accepts):
            for operation in queue:
                if not operation.future.done():
                    operation.future.set_exception(Unavailable(f"nothing can be stored: {reason}"))
            queue.clear()


def _move(queue: deque[Operation], batch: list[Operation], weight: int) -> int:
    """Move operations into the batch until it is full; return its weight."""
    while queue and weight < _LARGEST_BATCH:
        operation = queue.popleft()
        weight += operation.weight
        batch.append(operation)
    return weight


def _outcome(result: Any) -> Outcome:
    return (None, result.error) if isinstance(result, Refused) else (result, None)


def _for_caller(error: Exception) -> Exception:
    """Keep errors meant for the caller; wrap the rest, which are faults of ours, so that they read as such."""
    if isinstance(error, ReelhookError):
        return error
    wrapped = Unavailable("the store could not take this; nothing was stored")
    wrapped.__cause__ = error
    return wrapped
