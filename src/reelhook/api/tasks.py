"""Tasks: recover and replay while they run."""

from typing import Annotated

import msgspec
from msgspec import Meta

from reelhook.api.exchange import Call, found
from reelhook.api.lists import Listing, PageQuery, Time, listing
from reelhook.api.reading import Input, Patch
from reelhook.model import ids
from reelhook.model.instant import show_time
from reelhook.model.task import Selection, Task, TaskKind, TaskState

Rate = Annotated[float, Meta(gt=0, le=100_000, description="Deliveries per second.")]


class TaskDocument(msgspec.Struct):
    """A task; `count` is how many deliveries it found at the start, `done` how many it has moved."""

    id: str
    kind: TaskKind
    state: TaskState
    count: int
    done: int
    rate: float | None
    error: str | None
    created_at: Time
    updated_at: Time


class TaskInput(Input):
    """What can be changed of a running task; without a rate it goes as fast as it can."""

    READ_ONLY = ("id", "kind", "state", "count", "done", "error", "created_at", "updated_at")

    rate: Rate | None = None


async def index(call: Call, query: PageQuery) -> Listing[TaskDocument]:
    """List tasks, newest first."""
    return listing(await call.services.tasks.page(call.app_id, query.cursor, query.limit), show)


async def read(call: Call) -> TaskDocument:
    """Read one task."""
    return show(await _task(call))


async def change(call: Call, body: Patch[TaskInput]) -> TaskDocument:
    """Change how fast a task goes."""
    task = await _task(call)
    wanted = body.onto({} if task.rate is None else {"rate": task.rate})
    entry = call.entry("task.changed", ids.show("tsk", task.id), {"rate": wanted.rate})
    return show(await call.services.task_control.set_rate(call.app_id, task.id, wanted.rate, entry))


async def cancel(call: Call) -> TaskDocument:
    """Stop a task; what it has moved stays moved."""
    task = await _task(call)
    entry = call.entry("task.cancelled", ids.show("tsk", task.id))
    return show(await call.services.task_control.cancel(call.app_id, task.id, entry))


async def begin(call: Call, kind: TaskKind, selection: Selection, rate: float | None, target: str) -> TaskDocument:
    """Add a task and let it begin; `target` is what the audit log names."""
    services = call.services
    count = await services.tasks.count(call.app_id, selection)
    now = services.clock.wall()
    task = Task(call.new_id(), call.app_id, kind, TaskState.QUEUED, selection, now, now, count, rate=rate)
    change = {"task": ids.show("tsk", task.id), "count": count, **_window(selection)}
    shown = show(task)
    await services.tasks.add(task, call.entry(f"{kind}.started", target, change), call.kept(shown))
    services.task_control.take(task)
    return shown


def show(task: Task) -> TaskDocument:
    """Write a task."""
    return TaskDocument(
        ids.show("tsk", task.id),
        task.kind,
        task.state,
        task.count,
        task.done,
        task.rate,
        task.error,
        show_time(task.created_at),
        show_time(task.updated_at),
    )


def _window(selection: Selection) -> dict[str, str]:
    """Say in the audit log from when to when; an event's replay has no window."""
    if selection.event_id is not None:
        return {}
    until = {} if selection.until is None else {"until": show_time(selection.until)}
    return {"since": show_time(selection.since), **until}


async def _task(call: Call) -> Task:
    return found(await call.services.tasks.get(call.app_id, call.id("tsk", "task")), "task")
