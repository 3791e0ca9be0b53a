"""A task: work on many deliveries that outlives the request that began it, and a restart."""

from enum import StrEnum
from typing import Any

import msgspec

from reelhook.model.delivery import State


class TaskState(StrEnum):
    """Where a task is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


class TaskKind(StrEnum):
    """What a task does."""

    RECOVER = "recover"
    REPLAY = "replay"
    REPLAY_EVENT = "replay_event"


class Selection(msgspec.Struct, frozen=True):
    """Which deliveries a task moves. `since` and `until` (ms) are about the event's acceptance; `held` adds the ones
    that wait because their endpoint is paused or disabled.
    """

    endpoint_id: int | None = None
    event_id: int | None = None
    since: int = 0
    until: int | None = None
    states: tuple[State, ...] = ()
    held: bool = False


class Task(msgspec.Struct, frozen=True):
    """A recover or replay under way. `cursor` is the last delivery that it moved; `rate` is deliveries per second."""

    id: int
    app_id: str
    kind: TaskKind
    state: TaskState
    selection: Selection
    created_at: int
    updated_at: int
    count: int = 0
    done: int = 0
    cursor: int = 0
    rate: float | None = None
    error: str | None = None
    result: dict[str, Any] = {}
