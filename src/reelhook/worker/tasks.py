"""Runs tasks: recover and replay, some hundreds of deliveries a step, each task at its own rate, all of them in turn.

The store moves deliveries and cursor in one transaction, so that a task goes on after a crash where it stood. Of
several nodes one runs a task: the one that has the shard of its id. It looks every other second for what is unfinished,
for nobody need have told it. Where two overlap, the cursor lets only one of their steps count.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import ClassVar, Final

import structlog
from msgspec.structs import replace

from reelhook.errors import Conflict, NotFound, ReelhookError, StorageFull, Unavailable
from reelhook.model import ids
from reelhook.model.audit import AuditEntry
from reelhook.model.task import Task, TaskState
from reelhook.ports import Clock, Tasks
from reelhook.telemetry import Metrics
from reelhook.worker.loop import Loop
from reelhook.worker.ownership import Ownership

LARGEST_STEP: Final = 300
LOOK_SECONDS: Final = 2.0
"""So often it is looked for tasks that nobody told of: another node's, one that died, or one whose caller hung up."""
_AHEAD_SECONDS: Final = 1.0
"""A step carries what the rate allows in so many seconds: more would be a burst, less a commit for each delivery."""
_MOST_FAILURES: Final = 10
"""So many failures of the store in a row, about five minutes of them, and the task is given up."""
_LONGEST_PAUSE_MS: Final = 60_000
_DISK_FULL_PAUSE_MS: Final = 10_000
_UNFINISHED: Final = frozenset({TaskState.QUEUED, TaskState.RUNNING})
_log: structlog.typing.FilteringBoundLogger = structlog.get_logger("reelhook.tasks")


class _Run:
    """A task that is not finished: when its next step may be made, and who may change it at present."""

    def __init__(self, task: Task, now: int) -> None:
        self.task = task
        self.next_at = now
        self.failures = 0
        self.lock = asyncio.Lock()

    def hasten(self, rate: float | None, now: int) -> None:
        """Have the next step made as soon as a rate that counts from now on allows."""
        self.next_at = min(self.next_at, now if rate is None else now + round(1000 / rate))


class TaskRunner(Loop):
    """Moves those unfinished tasks on that are this node's; `woken(endpoint_ids, due_at)` tells the dispatcher what
    became due.
    """

    name: ClassVar[str] = "tasks"

    def __init__(
        self,
        tasks: Tasks,
        clock: Clock,
        metrics: Metrics,
        woken: Callable[[Iterable[int], int], None],
        ownership: Ownership,
    ) -> None:
        super().__init__(metrics)
        self._tasks = tasks
        self._clock = clock
        self._woken_endpoints = woken
        self._ownership = ownership
        self._runs: dict[int, _Run] = {}
        self._look_at = 0
        self.look_seconds = LOOK_SECONDS

    def take(self, task: Task) -> None:
        """Begin a task that is in the store, if it is this node's; else its owner finds it there."""
        if task.id not in self._runs and self._ownership.owns(task.id):
            self._runs[task.id] = _Run(task, self._clock.now())
            self._count()
            self.wake()

    async def set_rate(self, app_id: str, task_id: int, rate: float | None, entry: AuditEntry) -> Task:
        """Change how many deliveries a second an unfinished task moves, from its next step on; None: all it can.

        Raises:
            NotFound: there is no such task.
            Conflict: it is finished.
        """
        run = await self._unfinished(app_id, task_id)
        async with run.lock:
            await self._change(run, self._open(run, rate=rate), entry)
        run.hasten(rate, self._clock.now())
        self.wake()
        return run.task

    async def cancel(self, app_id: str, task_id: int, entry: AuditEntry) -> Task:
        """Stop an unfinished task; what it has moved stays moved.

        Raises:
            NotFound: there is no such task.
            Conflict: it is finished.
        """
        run = await self._unfinished(app_id, task_id)
        async with run.lock:
            await self._change(run, self._open(run, state=TaskState.CANCELLED), entry)
        self._forget_finished(run)
        return run.task

    async def turn(self) -> float:
        """Make one step of the task that has waited longest; rest until one may be made, or it is time to look."""
        await self._look()
        now = self._clock.now()
        run = self._next(now)
        if run is None or run.next_at > now:
            wanted = self._look_at if run is None else min(self._look_at, run.next_at)
            return (wanted - now) / 1000
        async with run.lock:
            await self._catch_up(run)
            if run.task.state in _UNFINISHED:
                await self._step(run)
        self._forget_finished(run)
        return 0

    def _next(self, now: int) -> _Run | None:
        if now >= self._ownership.until:
            return None
        ours = [run for run in self._runs.values() if self._ownership.owns(run.task.id)]
        return min(ours, key=lambda run: run.next_at, default=None)

    async def _look(self) -> None:
        """Find what is unfinished and this node's, now and then; let go of what is not this node's any more."""
        if self._clock.now() < self._look_at:
            return
        found = {task.id: task for task in await self._tasks.unfinished()}
        now = self._clock.now()
        self._look_at = now + round(self.look_seconds * 1000)
        self._runs = {number: run for number, run in self._runs.items() if self._ownership.owns(number)}
        for run in self._runs.values():
            task = found.get(run.task.id)
            if task is None:
                run.next_at = min(run.next_at, now)  # it ended elsewhere, and the next turn finds out how
            elif task.rate != run.task.rate:
                run.hasten(task.rate, now)
        for task in found.values():
            self.take(task)
        self._count()

    async def _catch_up(self, run: _Run) -> None:
        """Take over what the store says: a task whose app was deleted is gone, and counts as cancelled."""
        stored = await self._tasks.get(run.task.app_id, run.task.id)
        run.task = stored or replace(run.task, state=TaskState.CANCELLED)

    async def _step(self, run: _Run) -> None:
        try:
            await self._move(run)
        except (StorageFull, Unavailable) as error:
            await self._stumble(run, error)
        except ReelhookError as error:
            await self._give_up(run, error.detail)
        except Exception:  # noqa: BLE001 - a task that meets a fault of ours fails alone, the others go on
            _log.exception("task.fault", task=ids.show("tsk", run.task.id))
            await self._give_up(run, "an internal error; the server's log says more")
        else:
            run.failures = 0

    async def _move(self, run: _Run) -> None:
        began = self._clock.now()
        task, endpoint_ids = await self._tasks.step(run.task, step_size(run.task.rate), began)
        moved, run.task = task.done - run.task.done, task
        if endpoint_ids:
            self._woken_endpoints(endpoint_ids, began)
        run.next_at = next_step_at(began, self._clock.now(), moved, task.rate)

    async def _stumble(self, run: _Run, error: ReelhookError) -> None:
        """Wait for the store; a full disk may take as long as it takes to be cleared, anything else may not."""
        run.failures = 0 if isinstance(error, StorageFull) else run.failures + 1
        if run.failures >= _MOST_FAILURES:
            await self._give_up(run, error.detail)
            return
        pause = min(_LONGEST_PAUSE_MS, 500 << run.failures) if run.failures else _DISK_FULL_PAUSE_MS
        run.next_at = self._clock.now() + pause
        _log.warning("task.waits", task=ids.show("tsk", run.task.id), error=error.detail, pause=pause / 1000)

    async def _give_up(self, run: _Run, reason: str) -> None:
        try:
            await self._change(run, self._open(run, state=TaskState.FAILED, error=reason), None)
        except ReelhookError as error:
            run.next_at = self._clock.now() + _LONGEST_PAUSE_MS
            _log.warning("task.not_recorded", task=ids.show("tsk", run.task.id), reason=reason, error=error.detail)

    async def _change(self, run: _Run, task: Task, entry: AuditEntry | None) -> None:
        await self._tasks.change(task, entry)
        run.task = task

    def _open(self, run: _Run, **changes: object) -> Task:
        """Return the task with these changes, provided that it is still unfinished."""
        _require_unfinished(run.task)
        return replace(run.task, updated_at=self._clock.wall(), **changes)

    async def _unfinished(self, app_id: str, task_id: int) -> _Run:
        run = self._runs.get(task_id)
        if run is not None and run.task.app_id == app_id:
            return run
        task = await self._tasks.get(app_id, task_id)
        if task is None:
            raise NotFound("there is no such task")
        _require_unfinished(task)
        self.take(task)
        return self._runs.get(task_id) or _Run(task, self._clock.now())

    def _forget_finished(self, run: _Run) -> None:
        task = run.task
        if task.state not in _UNFINISHED and self._runs.pop(task.id, None) is not None:
            self._count()
            write = _log.warning if task.state is TaskState.FAILED else _log.info
            shown = ids.show("tsk", task.id)
            write("task.ended", task=shown, app=task.app_id, state=task.state, done=task.done, error=task.error)

    def _count(self) -> None:
        self._metrics.tasks = len(self._runs)


def _require_unfinished(task: Task) -> None:
    if task.state not in _UNFINISHED:
        raise Conflict(f"the task is {task.state} already; only a queued or running one can be changed")


def step_size(rate: float | None) -> int:
    """Return how many deliveries one step moves at this rate (per second)."""
    return LARGEST_STEP if rate is None else max(1, min(LARGEST_STEP, int(rate * _AHEAD_SECONDS)))


def next_step_at(began: int, ended: int, moved: int, rate: float | None) -> int:
    """Return when (ms) the next step may be made, so that the rate holds.

    Without a rate, or when nothing was found to move, a task rests as long as its step took, which leaves the store
    at least half of its time for deliveries.
    """
    if rate is None or not moved:
        return ended + max(1, ended - began)
    return max(ended, began + round(1000 * moved / rate))
