"""Two nodes on one PostgreSQL in one process: the real engine twice, with a wire that notes what is sent."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec
from tests.conformance.conftest import SECRET_KEY
from tests.conformance.house_of_races import NoCredentials

from reelhook.clock import SystemClock
from reelhook.model.audit import AuditEntry
from reelhook.model.delivery import State, Trigger
from reelhook.model.endpoint import Endpoint
from reelhook.model.http import Request, Response, header_lines
from reelhook.model.ids import IdSource
from reelhook.model.page import LogFilter
from reelhook.server.engine import Engine, EngineOptions, World
from reelhook.store.postgres.store import PostgresOptions, PostgresStore
from reelhook.telemetry import Lines, Metrics
from reelhook.worker.keeper import Lease

LEASE: Final = 3.0
NEVER_SECONDS: Final = 3600.0
"""Between two looks, where only a hint shall have done it."""


class Wire:
    """Implements `Wire`: every receiver answers well."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    async def send(self, request: Request) -> Response:
        headers = {name.lower(): value for name, value in header_lines(request.head)}
        self.sent.append(headers["webhook-id"])
        return Response(200, b"", b"")


class Node:
    """One engine with its store; `looks_every` is how often (s) it looks by itself for what others did."""

    def __init__(self, store: PostgresStore, ids: IdSource, looks_every: float) -> None:
        self.store = store
        self.clock = SystemClock()
        self.ids = ids
        self.wire = Wire()
        self.metrics = Metrics("test")
        world = World(self.clock, ids, self.wire, NoCredentials(), random.random, self.metrics, Lines(every=False))
        options = EngineOptions(lease=Lease(LEASE), survey_seconds=looks_every)
        self.engine = Engine(store, world, options)

    def owns(self, endpoint_id: int) -> bool:
        return self.engine._nodes.ownership.owns(endpoint_id)

    async def add_endpoint(self, owner: "Node", **fields: Any) -> Endpoint:
        """Make an endpoint through this node that `owner` sends for."""
        now = self.clock.wall()
        number = next(number for number in iter(lambda: self.ids.take(now), None) if owner.owns(number))
        endpoint = Endpoint(number, "default", 1, "https://receiver.example/in", now, now, **fields)
        await self.store.endpoints.add(endpoint, AuditEntry(self.ids.take(now), "default", now, "system", "test", "it"))
        self.engine.changes.endpoint(endpoint)
        return endpoint

    async def publish(self, asset: str = "a") -> str:
        body = b'{"type": "asset.created", "data": {"asset": {"id": "%s"}}}' % asset.encode()
        answer = msgspec.json.decode(await self.engine.flow.publish("default", body))
        return str(answer["id"])

    async def publish_change(self, asset: str, event_type: str, occurred_at: str) -> int:
        """Publish a change of an asset; return to how many endpoints it goes."""
        event = {"type": event_type, "data": {"asset": {"id": asset}}, "occurred_at": occurred_at}
        answer = msgspec.json.decode(await self.engine.flow.publish("default", msgspec.json.encode(event)))
        return int(answer["deliveries"])

    async def resend_what_was_delivered(self) -> None:
        """Resend, as the API does, the one delivery that there is, when its first attempt is recorded."""
        while True:
            [delivery] = (await self.store.log.deliveries(LogFilter("default"), None, 10)).items
            if delivery.state is State.DELIVERED:
                break
            await asyncio.sleep(0.005)
        now = self.clock.now()
        await self.store.queue.resend("default", delivery.id, Trigger.RESEND, now)
        self.engine.dispatcher.waits([delivery.endpoint_id], now)


async def until(holds: Callable[[], Any], patience: float = 20.0) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(patience):
        while not holds():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def two_nodes(url: str, looks_every: float, *, pooled: bool = False) -> AsyncIterator[tuple[Node, Node]]:
    """Start two nodes, each of which owns half of the shards, and hears the other."""
    nodes = [await _open(url, number, looks_every, pooled=pooled) for number in range(2)]
    try:
        for node in nodes:
            await node.store.members.join(takes=True)
        for node in nodes:
            await node.engine.start()
        await until(lambda: all(len(node.engine._nodes.ownership.served) == 128 for node in nodes))
        if not pooled:
            await asyncio.gather(*(node.store.hints.listening.wait() for node in nodes))
        yield nodes[0], nodes[1]
    finally:
        for node in nodes:
            await node.engine.stop()


async def _open(url: str, number: int, looks_every: float, *, pooled: bool) -> Node:
    ids = IdSource(number)
    options = PostgresOptions(url, SECRET_KEY, lease=LEASE, refresh=looks_every, pooled=pooled)
    return Node(await PostgresStore.open(options, SystemClock(), ids), ids, looks_every)
