"""What was done, for people to read, and its upkeep."""

from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from typing import Protocol

from reelhook.model.attempt import Attempt, AttemptDetail
from reelhook.model.audit import AuditEntry
from reelhook.model.delivery import Delivery
from reelhook.model.event import Event
from reelhook.model.page import LogFilter, Page, Stats
from reelhook.model.task import Selection, Task
from reelhook.ports.accepting import Key, SealedAnswer, StoredKey


class Log(Protocol):
    """Reads what happened; every method is scoped by the app."""

    async def attempts(self, where: LogFilter, cursor: str | None, limit: int) -> Page[Attempt]:
        """List attempts, newest first."""
        ...

    def export(self, where: LogFilter) -> AsyncIterator[Sequence[Attempt]]:
        """Yield all attempts that match, newest first, in parts that never fill the memory."""
        ...

    async def attempt(self, app_id: str, attempt_id: int) -> AttemptDetail | None:
        """Read one attempt with its request and response."""
        ...

    async def attempts_of(self, app_id: str, delivery_id: int) -> Sequence[Attempt]:
        """Read all attempts of one delivery, oldest first."""
        ...

    async def deliveries(self, where: LogFilter, cursor: str | None, limit: int) -> Page[Delivery]:
        """List deliveries, newest first."""
        ...

    async def delivery(self, app_id: str, delivery_id: int) -> Delivery | None:
        """Read one delivery."""
        ...

    async def events(self, where: LogFilter, cursor: str | None, limit: int) -> Page[Event]:
        """List events, newest first."""
        ...

    async def event(self, app_id: str, public_id: str) -> Event | None:
        """Read one event by the id that the world sees."""
        ...

    async def stats(self, app_id: str, endpoint_id: int, since: int, until: int, interval: int) -> Stats:
        """Sum up an endpoint's rollups; times and `interval` in ms, whole minutes."""
        ...


class Tasks(Protocol):
    """Tasks and the deliveries that they move; a step and its cursor are one transaction."""

    async def get(self, app_id: str, task_id: int) -> Task | None: ...  # noqa: D102
    async def page(self, app_id: str, cursor: str | None, limit: int) -> Page[Task]: ...  # noqa: D102
    async def unfinished(self) -> Sequence[Task]: ...  # noqa: D102
    def add(  # noqa: D102
        self, task: Task, entry: AuditEntry | None, answer: SealedAnswer | None = None
    ) -> Awaitable[None]: ...
    def change(self, task: Task, entry: AuditEntry | None) -> Awaitable[None]: ...  # noqa: D102
    async def count(self, app_id: str, selection: Selection) -> int:
        """Count the deliveries that a selection names."""
        ...

    def step(self, task: Task, limit: int, due_at: int) -> Awaitable[tuple[Task, Sequence[int]]]:
        """Move up to `limit` deliveries on from the cursor; return the task as it is now (`done` when no more are
        left) and the endpoints that have work.
        """
        ...


class AuditLog(Protocol):
    """Who changed what."""

    async def page(self, app_id: str, cursor: str | None, limit: int) -> Page[AuditEntry]: ...  # noqa: D102
    def add(self, entry: AuditEntry) -> Awaitable[None]: ...  # noqa: D102


class Answers(Protocol):
    """Answers to POSTs that carried an `Idempotency-Key`, sealed, because they may show a secret once."""

    async def recall(self, app_id: str, kind: str, key: str) -> StoredKey | None: ...  # noqa: D102
    def seal(self, app_id: str, key: Key) -> SealedAnswer:
        """Make an answer ready to be committed together with what it tells of. Where one is kept already, the commit
        is refused with Conflict: somebody else has done what was asked for.
        """
        ...

    def keep(self, app_id: str, key: Key) -> Awaitable[None]:
        """Keep an answer that tells of no change; where one is kept already it stays."""
        ...


class Notices(Protocol):
    """What owners of endpoints were told, so that a new start does not tell it again."""

    def told(self, failing: Mapping[int, int]) -> Awaitable[None]:
        """Note for endpoints when (ms) their owners were told that they fail."""
        ...


class Upkeep(Protocol):
    """What the store wants done in the background, in steps small enough not to stall deliveries."""

    def index(self, limit: int) -> Awaitable[int]:
        """Bring indexes that are filled in arrears up to date; return how many rows were done."""
        ...

    def prune(self, before: int, limit: int) -> Awaitable[int]:
        """Delete up to `limit` rows that are older than `before` (ms); return how many."""
        ...

    def expire(self, before: int, limit: int, now: int) -> Awaitable[int]:
        """Cancel up to `limit` open deliveries made before `before`, or whose endpoint is gone; return how many."""
        ...

    def backlog(self) -> tuple[int, int | None]:
        """Return how many deliveries wait and when the oldest was due (ms), from counters, never a scan."""
        ...

    def held_since(self) -> Awaitable[int | None]:
        """Return since when (ms) the installation is on hold, so that nothing may be sent; None when it is not."""
        ...

    def healthy(self) -> str | None:
        """Return why the store cannot take writes; None when it can."""
        ...
