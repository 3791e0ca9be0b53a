"""A small world around a store: a clock that is moved by hand, and what a publisher and a dispatcher would do."""

from collections.abc import Collection, Sequence
from typing import Any

from msgspec.structs import replace

from reelhook.model.access import App, Role, Token
from reelhook.model.attempt import Attempt, Failure, Timing
from reelhook.model.audit import AuditEntry
from reelhook.model.delivery import Delivery, State
from reelhook.model.endpoint import Endpoint
from reelhook.model.event import Event
from reelhook.model.ids import IdSource
from reelhook.model.page import LogFilter
from reelhook.ports import Acceptance, AttemptRecord, Claimed, Completion, Key, NewDelivery, Taken

START = 1_795_242_600_000
MINUTE = 60_000
DAY = 24 * 60 * MINUTE
PLENTY = 1 << 30
"""More bytes than all events of a story have together."""


class HandClock:
    """Implements `Clock`; it stands still until it is moved."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> int:
        return self.time

    def wall(self) -> int:
        return self.time

    def move(self, milliseconds: int) -> None:
        self.time += milliseconds


class World:
    """What a test does with a store. `store` has the ports as attributes; nothing here knows the database."""

    def __init__(self, store: Any, clock: HandClock, ids: IdSource) -> None:
        self.store = store
        self.clock = clock
        self.ids = ids

    def id(self) -> int:
        return self.ids.take(self.clock.time)

    def entry(self, app_id: str = "default", action: str = "test") -> AuditEntry:
        return AuditEntry(self.id(), app_id, self.clock.time, "system", action, "something")

    async def app(self, app_id: str) -> App:
        app = App(app_id, app_id.title(), self.clock.time, self.clock.time)
        await self.store.apps.add(app, self.entry(app_id))
        return app

    async def token(self, app_id: str = "default", digest: bytes = b"d" * 32) -> Token:
        token = Token(self.id(), app_id, "ci", Role.MEMBER, (), digest, "abcd", self.clock.time)
        await self.store.tokens.add(token, self.entry(app_id))
        return token

    async def endpoint(self, app_id: str = "default", **fields: Any) -> Endpoint:
        fields.setdefault("url", "https://receiver.example/hook")
        endpoint = Endpoint(self.id(), app_id, 1, created_at=self.clock.time, updated_at=self.clock.time, **fields)
        await self.store.endpoints.add(endpoint, self.entry(app_id))
        return endpoint

    async def change(self, endpoint: Endpoint, **fields: Any) -> Endpoint:
        changed = replace(endpoint, version=endpoint.version + 1, updated_at=self.clock.time, **fields)
        await self.store.endpoints.change(changed, self.entry(endpoint.app_id))
        return changed

    async def publish(self, *endpoints: Endpoint, lane: str | None = None, **fields: Any) -> Event:
        """Accept one event for these endpoints; its deliveries have the ids that follow its own."""
        app_id = fields.pop("app_id", endpoints[0].app_id if endpoints else "default")
        first = self.ids.take(self.clock.time, 1 + len(endpoints))
        event = Event(
            id=first,
            app_id=app_id,
            type=fields.pop("type", "asset.uploaded"),
            data=fields.pop("data", b'{"asset": {"id": "v1"}}'),
            occurred_at=self.clock.time,
            accepted_at=self.clock.time,
            **fields,
        )
        deliveries = [NewDelivery(first + 1 + n, one.id, lane=lane) for n, one in enumerate(endpoints)]
        keys = []
        if event.given_id is not None:
            keys.append(Key("event", event.given_id, b"f", b"{}", self.clock.time + 45 * DAY, event.id))
        await self.store.journal.accept(Acceptance(app_id, [event], [deliveries], self.clock.time, keys=keys))
        self.clock.move(1)
        return event

    async def claim(
        self, endpoint: Endpoint, limit: int = 1000, *, claim_id: int = 7, size: int = PLENTY
    ) -> Sequence[Claimed]:
        taken = await self.take(endpoint, limit, claim_id=claim_id, size=size)
        return taken.claimed

    async def take(self, endpoint: Endpoint, limit: int = 1000, *, claim_id: int = 7, size: int = PLENTY) -> Taken:
        """Claim, and learn when the next one is due."""
        taken: Taken = await self.store.queue.claim(endpoint.id, limit, self.clock.time, claim_id, size)
        return taken

    async def next_due(self, endpoint: Endpoint) -> int | None:
        found = self.store.queue.next_due(endpoint.id)
        return found if found is None or isinstance(found, int) else await found

    async def entry_seen(self) -> None:
        """Let what was committed last be known where it is read: a store may need a moment for that."""
        if self.store.refresh is not None:
            await self.store.refresh()

    async def waiting(self, shards: Collection[int] | None = None) -> dict[int, int]:
        found = self.store.queue.waiting(shards)
        return found if isinstance(found, dict) else await found

    async def send(self, endpoint: Endpoint, limit: int = 1000, **outcome: Any) -> list[int]:
        """Make one attempt for everything that is due; return the ids of the attempts."""
        made = []
        for claimed in await self.claim(endpoint, limit):
            completion = self.completion(claimed, endpoint, **outcome)
            assert await self.store.journal.record(completion)
            made.append(completion.attempt.id)
            self.clock.move(1)
        return made

    def completion(self, claimed: Claimed, endpoint: Endpoint, status: int = 200, **changes: Any) -> Completion:
        state = State.DELIVERED if status < 300 else changes.pop("state", State.FAILED)
        due_at = changes.pop("due_at", None)
        return Completion(
            delivery_id=claimed.id,
            claim_id=claimed.claim_id,
            endpoint_id=endpoint.id,
            state=state,
            step=claimed.step + 1,
            rescues=0,
            at=self.clock.time,
            due_at=due_at,
            attempt=self.attempt(claimed, endpoint, status, **changes),
            lane=claimed.lane,
        )

    def attempt(self, claimed: Claimed, endpoint: Endpoint, status: int, **changes: Any) -> AttemptRecord:
        values: dict[str, Any] = {
            "id": self.id(),
            "app_id": endpoint.app_id,
            "delivery_id": claimed.id,
            "event": claimed.event,
            "event_name": claimed.event.type,
            "endpoint_id": endpoint.id,
            "endpoint_version": endpoint.version,
            "number": claimed.attempts,
            "at": self.clock.time,
            "status_code": status,
            "failure": None if status < 300 else Failure.STATUS,
            "error": None if status < 300 else f"the receiver answered {status}",
            "trigger": claimed.trigger,
            "timing": Timing(1.0, 2.0, None, 3.0, 12.5),
            "previous_id": claimed.previous_attempt_id,
            "head": b"POST /hook HTTP/1.1\r\nHost: receiver.example\r\nwebhook-id: evt_1\r\n",
            "frame": (b'{"data":', b"}"),
            "body": None,
            "response_head": b"Content-Type: text/plain\r\n",
            "response_body": b"ok",
            "truncated": False,
            "remote_address": "192.0.2.1",
        }
        return AttemptRecord(**{**values, **changes})

    def where(self, app_id: str = "default", **filters: Any) -> LogFilter:
        return LogFilter(app_id, **filters)

    async def attempts(self, *, limit: int = 500, **filters: Any) -> list[Attempt]:
        return await self._all(self.store.log.attempts, limit, filters)

    async def deliveries(self, *, limit: int = 500, **filters: Any) -> list[Delivery]:
        return await self._all(self.store.log.deliveries, limit, filters)

    async def events(self, *, limit: int = 500, **filters: Any) -> list[Event]:
        return await self._all(self.store.log.events, limit, filters)

    async def index(self) -> None:
        """Let the store catch up with what it does in arrears."""
        self.clock.move(MINUTE)
        while await self.store.upkeep.index(100):
            pass

    async def _all(self, read: Any, limit: int, filters: dict[str, Any]) -> list[Any]:
        """Read all pages, each `limit` long, and check that they follow each other."""
        items: list[Any] = []
        cursor = None
        while True:
            page = await read(self.where(**filters), cursor, limit)
            assert len(page.items) <= limit
            items += page.items
            cursor = page.next
            if cursor is None:
                break
        found = [item.id for item in items]
        assert found == sorted(set(found), reverse=True), "newest first, nothing twice"
        return items
