"""The account: what the store says at the end, read row by row."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.simulation.process import Process

from reelhook.model.endpoint import Endpoint
from reelhook.model.task import Task

_EVENTS = "SELECT id, app_id, type, given_id, ordering_key, source, data FROM events ORDER BY id"
_DELIVERIES = """SELECT id, app_id, event_id, endpoint_id, state, attempts, step, rescues, trigger, next_attempt_at,
  lane, position, last_attempt_id FROM deliveries ORDER BY id"""
_ATTEMPTS = """SELECT id, app_id, delivery_id, event_id, endpoint_id, endpoint_version, number, at, succeeded,
  status_code, failure, trigger, previous_id FROM attempts ORDER BY id"""


class EventRow(NamedTuple):
    id: int
    app_id: str
    type: str
    given_id: str | None
    ordering_key: str | None
    source: str | None
    data: bytes


class DeliveryRow(NamedTuple):
    id: int
    app_id: str
    event_id: int
    endpoint_id: int
    state: str
    attempts: int
    step: int
    rescues: int
    trigger: str
    next_attempt_at: int | None
    lane: str | None
    position: int | None
    last_attempt_id: int | None


class AttemptRow(NamedTuple):
    id: int
    app_id: str
    delivery_id: int | None
    event_id: int | None
    endpoint_id: int
    endpoint_version: int
    number: int
    at: int
    succeeded: bool
    status_code: int | None
    failure: str | None
    trigger: str
    previous_id: int | None


@dataclass
class Account:
    """All that the checker compares; `attempts` by delivery, oldest first."""

    events: dict[int, EventRow]
    deliveries: dict[int, DeliveryRow]
    attempts: dict[int, list[AttemptRow]]
    queue: list[tuple[int, int, int]]
    ordered: list[tuple[int, str, int, int]]
    claims: list[int]
    rollups: dict[int, int]
    versions: dict[tuple[int, int], Endpoint]
    tasks: list[Task] = field(default_factory=list)


async def read_account(process: Process) -> Account:
    """Read everything."""
    rows = process.rows
    attempts: dict[int, list[AttemptRow]] = {}
    for row in map(AttemptRow._make, rows(_ATTEMPTS)):
        if row.delivery_id is not None:
            attempts.setdefault(row.delivery_id, []).append(row)
    return Account(
        events={row[0]: EventRow(*row) for row in rows(_EVENTS)},
        deliveries={row[0]: DeliveryRow(*row) for row in rows(_DELIVERIES)},
        attempts=attempts,
        queue=rows("SELECT endpoint_id, due_at, delivery_id FROM queue"),
        ordered=rows("SELECT endpoint_id, lane, position, delivery_id FROM ordered"),
        claims=process.claims(),
        rollups=dict(rows("SELECT measure, sum(count) FROM rollups WHERE measure < 100 GROUP BY measure")),
        versions=await _versions(process),
        tasks=await _tasks(process),
    )


async def _versions(process: Process) -> dict[tuple[int, int], Endpoint]:
    found: dict[tuple[int, int], Any] = {}
    for key in process.rows("SELECT endpoint_id, version FROM endpoint_versions"):
        found[key] = await process.store.endpoints.version(*key)
    return found


async def _tasks(process: Process) -> list[Task]:
    apps = [app.id for app in process.store.apps.all()]
    return [task for app_id in apps for task in (await process.store.tasks.page(app_id, None, 500)).items]
