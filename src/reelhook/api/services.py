"""Everything that the API needs of the rest of the program, put together once by the composition root."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from os import urandom
from typing import Protocol

import msgspec

from reelhook.api.access import Authenticator
from reelhook.model.access import App, Caller
from reelhook.model.attempt import AttemptDetail
from reelhook.model.audit import AuditEntry
from reelhook.model.endpoint import Endpoint
from reelhook.model.event import Event
from reelhook.model.ids import IdSource
from reelhook.model.standing import EndpointStanding
from reelhook.model.task import Task
from reelhook.ports import Answers, Apps, AuditLog, Clock, Committing, Endpoints, EventTypes, Log, Queue, Tasks, Tokens


class PreviewedRequest(msgspec.Struct, frozen=True):
    """The exact request that would be sent: body as text, signature real, credentials masked."""

    method: str
    url: str
    headers: dict[str, str]
    body: str


class Publish(Protocol):
    """Accepts what a body holds."""

    def __call__(self, caller: Caller, body: bytes, batch: bool, idempotency_key: str | None) -> Committing[bytes]:
        """Return what gives the answer's JSON once it is on disk; raises ReelhookError at once or when awaited."""
        ...


class TaskControl(Protocol):
    """Who moves tasks on; changes of a task go through it, so that none is lost between two steps."""

    def take(self, task: Task) -> None:
        """Begin a task that was just added."""
        ...

    async def set_rate(self, app_id: str, task_id: int, rate: float | None, entry: AuditEntry) -> Task:
        """Change how many deliveries a second it moves; NotFound, or Conflict when it is finished."""
        ...

    async def cancel(self, app_id: str, task_id: int, entry: AuditEntry) -> Task:
        """Stop it; NotFound, or Conflict when it is finished."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Changes:
    """Who hears of a change after its commit and before its answer."""

    endpoint: Callable[[Endpoint], None]
    endpoint_removed: Callable[[int], None]
    app: Callable[[App], None]
    app_removed: Callable[[str], None]
    event_types: Callable[[str], None]
    woken: Callable[[Sequence[int]], None]
    """Deliveries of these endpoints became due."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """What the API reads, writes and calls. Sizes are bytes.

    `test(endpoint, saved)` makes one attempt with an example event; `preview(endpoint, type, data, event)` makes the
    request without sending it; `circuit` says how an endpoint's circuit breaker stands, `standing` how it has fared
    with what was sent to it; `ready` says why not, or None; `held_since` since when (ms) nothing is sent because the
    installation is on hold; `watched_only` leaves all away but health and figures.
    """

    apps: Apps
    tokens: Tokens
    endpoints: Endpoints
    event_types: EventTypes
    tasks: Tasks
    audit: AuditLog
    answers: Answers
    log: Log
    queue: Queue
    clock: Clock
    ids: IdSource
    authenticator: Authenticator
    publish: Publish
    test: Callable[[Endpoint, bool], Awaitable[AttemptDetail]]
    preview: Callable[[Endpoint, str, bytes, Event | None], Awaitable[PreviewedRequest]]
    changes: Changes
    task_control: TaskControl
    circuit: Callable[[int], str]
    standing: Callable[[Sequence[int]], Awaitable[dict[int, EndpointStanding]]]
    ready: Callable[[], str | None]
    metrics: Callable[[], bytes]
    max_event_bytes: int = 1 << 20
    max_batch_bytes: int = 16 << 20
    max_body_bytes: int = 1 << 20
    egress_ips: tuple[str, ...] = ()
    public_url: str = ""
    exceptions: Iterable[IPv4Network | IPv6Network] = ()
    https_only: bool = False
    docs: bool = True
    watched_only: bool = False
    held_since: Callable[[], int | None] = lambda: None
    random_bytes: Callable[[int], bytes] = field(default=urandom)
