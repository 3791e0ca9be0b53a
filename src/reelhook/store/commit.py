"""Group commit: one writer; a commit carries everything that arrived while the last one ran.

The loop collects operations; when the writer is free it gets them all, runs them in one transaction, and the loop
resolves their futures. A batch that fails is split until the one bad operation stands alone, so that it fails nobody
else. Where the batch runs (a thread, or inline under the simulator) is the `Runner`'s business.
"""

import asyncio
from collections.abc import Callable, Collection
from functools import partial
from typing import Any, Final

from reelhook.errors import OutcomeUnknown, ReelhookError, StoreBusy, Unavailable
from reelhook.store.commitment import Commitment
from reelhook.store.operation import (
    PASSING,
    PROBE,
    Apply,
    Batches,
    Elsewhere,
    Operation,
    Outcome,
    Refused,
    Runner,
    WriterFailed,
)
from reelhook.store.pending import Pending

_RETRY_SECONDS: Final = 1.0
_LOOK_AGAIN_SECONDS: Final = 0.002


_MAY_HAVE_BEEN: Final = (
    "what was under way may have been; send the same again, with the same `Idempotency-Key` or `id`: it happens once"
)
_NOT_BEGUN: Final = "the database was lost a moment ago; nothing of this was stored; try again"


class GroupCommit:
    """Collects operations, commits them together, resolves their futures.

    `apply` runs a batch in one transaction and returns a result for each operation; it raises when the transaction
    failed and was rolled back. `on_fatal` is called once when the disk can no longer be trusted.
    """

    def __init__(self, apply: Apply, runner: Runner, on_fatal: Callable[[str], None]) -> None:
        # Kept, because asking for the running loop costs a system call each time (getpid, on CPython 3.11).
        self._loop = asyncio.get_running_loop()
        self._apply = apply
        self.elsewhere: Elsewhere | None = None
        self.batches: Batches | None = None
        self.on_committed: Callable[[int, float], None] = lambda _operations, _seconds: None
        self._began = 0.0
        self._failing_since: float | None = None
        self._runner = runner
        self._on_fatal = on_fatal
        self._waiting = Pending(self._loop.time)
        self._busy = False
        self._scheduled = False
        self._probing = False
        self._broken: str | None = None
        self._idle: list[asyncio.Future[None]] = []
        self.commits = 0
        self.operations = 0
        self.full = False
        self.reads_back = False

    @property
    def pending(self) -> int:
        """How many operations wait for a commit."""
        return len(self._waiting)

    def hold_accepts(self, congested: Callable[[], Collection[str]]) -> None:
        """Hold new events back, for a moment, of the apps that `congested` names whenever it is asked."""
        self._waiting.congested = congested

    @property
    def broken(self) -> str | None:
        """Why nothing can be written any more; None while it can."""
        return self._broken

    def failing_for(self) -> float:
        """Return how long (s) nothing could be stored: since the first of those commits began that failed and were
        followed by none that did not, or the one under way, which may take its time.
        """
        if self._failing_since is not None:
            return self._loop.time() - self._failing_since
        return self._loop.time() - self._began if self._busy else 0.0

    def probe(self) -> None:
        """Find out whether anything can be stored: somebody has reason to doubt it. A commit under way tells anyway."""
        if not self._busy and not self.pending:
            # Whether it fails is what `full` tells; here the error is only taken note of.
            self.submit(PROBE, None).add_done_callback(asyncio.Future.exception)

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
        self._waiting.add(operation)
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

    def give_up(self, reason: str) -> None:
        """Take nothing more: what writes is gone."""
        self._fail(reason)
        self._refuse_waiting(reason)

    def stop(self) -> None:
        """Stop the runner; call it after `drained`."""
        self._runner.stop()

    def _start(self) -> None:
        self._scheduled = False
        if self._busy or not self.pending:
            return
        batch = self._waiting.take()
        if not batch:
            self._schedule(_LOOK_AGAIN_SECONDS)
            return
        self._busy = True
        self._began = self._loop.time()
        opening = self.batches.opened() if self.batches else None
        if self.elsewhere is None or not self.elsewhere.take(batch, opening, partial(self._heard, batch, opening)):
            self._run_here(batch, opening)

    def _run_here(self, batch: list[Operation], opening: Any) -> None:
        self._runner.run(lambda: self._run(batch, opening), lambda outcomes: self._done(batch, outcomes))

    def _heard(self, batch: list[Operation], opening: Any, outcomes: list[Outcome]) -> None:
        """Learn how a batch ended elsewhere; which operation is to blame where it failed is found out here."""
        error = outcomes[0][1]
        if error is None or isinstance(error, (WriterFailed, *PASSING)):
            self._done(batch, outcomes)
        else:
            self._run_here(batch, opening)

    def _run(self, batch: list[Operation], opening: Any) -> list[Outcome]:
        """Run in the writer: commit the batch, or halves of it until the bad operation stands alone."""
        try:
            return [_outcome(result) for result in self._apply(batch, opening)]
        except (WriterFailed, *PASSING) as error:
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
        self.on_committed(len(batch), self._loop.time() - self._began)
        errors = [error for _, error in outcomes if error is not None]
        self.full = any(isinstance(error, PASSING) for error in errors)
        if not self.full:
            self._failing_since = None
        elif self._failing_since is None:
            self._failing_since = self._began
        if self.batches:
            self.batches.closed(batch, outcomes)
        if not errors and self.pending:
            self._start()  # first of all: it is written while those hear who waited for this one
        kept = [self._resolve(operation, *outcome) for operation, outcome in zip(batch, outcomes, strict=True)]
        self._waiting.put_back([operation for operation in kept if operation is not None])
        if self.full:
            self._refuse_rest(next(error for error in errors if isinstance(error, PASSING)))
        if self._broken is not None:
            self._refuse_waiting(self._broken)
        self._next()

    def _resolve(self, operation: Operation, result: Any, error: Exception | None) -> Operation | None:
        if error is None:
            if not operation.future.done():
                operation.future.set_result(result)
            return None
        if isinstance(error, PASSING) and operation.must:
            return operation
        if isinstance(error, WriterFailed):
            self._fail(str(error))
            error = OutcomeUnknown(f"nothing can be stored: {error}; {_MAY_HAVE_BEEN}")
        if not operation.future.done():
            operation.future.set_exception(_for_caller(error))
        return None

    def _next(self) -> None:
        if self._busy:
            return
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
        if self.full:
            self.probe()

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
        if isinstance(error, OutcomeUnknown):
            error = StoreBusy(_NOT_BEGUN)  # which is known of those that were in no commit yet
        rest = self._waiting.take_optional()
        if self.batches:
            self.batches.closed(rest, [(None, error)] * len(rest))
        for operation in rest:
            self._resolve(operation, None, error)

    def _refuse_waiting(self, reason: str) -> None:
        for operation in self._waiting.take_all():
            if not operation.future.done():
                operation.future.set_exception(Unavailable(f"nothing can be stored: {reason}"))


def _outcome(result: Any) -> Outcome:
    return (None, result.error) if isinstance(result, Refused) else (result, None)


def _for_caller(error: Exception) -> Exception:
    """Keep errors meant for the caller; wrap the rest, which are faults of ours, so that they read as such."""
    if isinstance(error, ReelhookError):
        return error
    wrapped = Unavailable("the store could not take this; nothing was stored")
    wrapped.__cause__ = error
    return wrapped
