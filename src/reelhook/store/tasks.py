"""Tasks: recover and replay, in steps; a step and its cursor are one transaction, so a crash repeats nothing."""

from collections.abc import Awaitable, Sequence
from functools import partial
from typing import Final

import msgspec

from reelhook.errors import Conflict, NotFound
from reelhook.model.audit import AuditEntry
from reelhook.model.delivery import Trigger
from reelhook.model.ids import IdSource
from reelhook.model.page import Page
from reelhook.model.task import Selection, Task, TaskKind, TaskState
from reelhook.ports import Clock, SealedAnswer
from reelhook.store import moving
from reelhook.store.cursor import cut_page, read_cursor, scope_of
from reelhook.store.noting import note
from reelhook.store.reading import Reading
from reelhook.store.select import select_column, select_value
from reelhook.store.sql import Connection
from reelhook.store.statements import statements
from reelhook.store.writing import Writes, write

_SQL: Final = statements("tasks")
_SEARCHES: Final = 10
"""Searches of one step that may find nothing before the step ends with its cursor moved on."""
_UNFINISHED: Final = frozenset({TaskState.QUEUED, TaskState.RUNNING})
_TRIGGERS: Final = {
    TaskKind.RECOVER: Trigger.RECOVER,
    TaskKind.REPLAY: Trigger.REPLAY,
    TaskKind.REPLAY_EVENT: Trigger.REPLAY,
}
_task: Final = msgspec.json.Decoder(Task)


class StoredTasks:
    """Implements `Tasks`."""

    def __init__(self, commit: Writes, reading: Reading, identities: IdSource, clock: Clock) -> None:
        self._commit = commit
        self._reading = reading
        self._ids = identities
        self._clock = clock

    async def get(self, app_id: str, task_id: int) -> Task | None:
        """Return a task of an app."""
        return await self._reading.run(partial(_load, app_id=app_id, task_id=task_id))

    async def page(self, app_id: str, cursor: str | None, limit: int) -> Page[Task]:
        """List an app's tasks, newest first."""
        scope = scope_of("tasks", app_id)
        bounds = (app_id, read_cursor(scope, cursor), limit + 1)
        found = await self._reading.run(partial(select_column, sql=_SQL["page"], bindings=bounds))
        return cut_page([_task.decode(raw) for raw in found], limit, scope, lambda task: task.id)

    async def unfinished(self) -> Sequence[Task]:
        """Return what is queued or running, oldest first."""
        found = await self._reading.run(partial(select_column, sql=_SQL["unfinished"]))
        return [_task.decode(raw) for raw in found]

    def add(self, task: Task, entry: AuditEntry | None, answer: SealedAnswer | None = None) -> Awaitable[None]:
        """Store a new task."""

        def job(connection: Connection) -> None:
            row = (task.id, task.app_id, task.state.value, msgspec.json.encode(task))
            connection.execute(_SQL["add"], row)
            note(connection, entry, answer)

        return write(self._commit, job)

    def change(self, task: Task, entry: AuditEntry | None) -> Awaitable[None]:
        """Change a task's rate, state, count, error or result; how far it is stays what its steps have stored.

        Conflict when it is finished, NotFound when there is none.
        """

        def job(connection: Connection) -> None:
            stored = _require(connection, task)
            if stored.state not in _UNFINISHED:
                raise Conflict(f"the task is {stored.state.value} already; it cannot be changed any more")
            _put(connection, msgspec.structs.replace(task, cursor=stored.cursor, done=stored.done))
            note(connection, entry)

        return write(self._commit, job)

    async def count(self, app_id: str, selection: Selection) -> int:
        """Count the deliveries that a selection names now, some thousands at a time."""
        scope, cursor, total = moving.scope_of(app_id, selection), 0, 0
        while True:
            found = await self._reading.run(partial(moving.find, scope=scope, cursor=cursor, limit=moving.BUDGET))
            total, cursor = total + len(found.deliveries), found.cursor
            if found.exhausted:
                return total

    async def step(self, task: Task, limit: int, due_at: int) -> tuple[Task, Sequence[int]]:
        """Move up to `limit` deliveries on from the task's cursor, due at `due_at` (ms)."""
        found = await self._search(task, limit)
        now = self._clock.wall()
        positions = self._ids.take(now, max(1, len(found.deliveries)))
        restart = moving.Restart(_TRIGGERS[task.kind], due_at, now, positions)

        def job(connection: Connection) -> tuple[Task, Sequence[int]]:
            stored = _require(connection, task)
            if stored.state not in _UNFINISHED or stored.cursor != task.cursor:
                return stored, ()
            moved = moving.move(connection, found, restart)
            stepped = msgspec.structs.replace(
                stored,
                cursor=found.cursor,
                done=stored.done + len(moved),
                state=TaskState.DONE if found.exhausted else TaskState.RUNNING,
                updated_at=now,
            )
            _put(connection, stepped)
            return stepped, sorted({row[1] for row in moved})

        return await write(self._commit, job)

    async def _search(self, task: Task, limit: int) -> moving.Found:
        scope = moving.scope_of(task.app_id, task.selection, task.id)
        found = moving.Found([], task.cursor, False, frozenset())
        for _ in range(_SEARCHES):
            found = await self._reading.run(partial(moving.find, scope=scope, cursor=found.cursor, limit=limit))
            if found.deliveries or found.exhausted:
                break
        return found


def _load(connection: Connection, app_id: str, task_id: int) -> Task | None:
    raw = select_value(connection, _SQL["get"], (task_id, app_id))
    return None if raw is None else _task.decode(raw)


def _require(connection: Connection, task: Task) -> Task:
    """Return a task as it is stored, and keep other nodes from it until this transaction ends."""
    raw = select_value(connection, _SQL["lock"], (task.id, task.app_id))
    if raw is None:
        raise NotFound("there is no such task")
    return _task.decode(raw)


def _put(connection: Connection, task: Task) -> None:
    connection.execute(_SQL["put"], (task.state.value, msgspec.json.encode(task), task.id))
