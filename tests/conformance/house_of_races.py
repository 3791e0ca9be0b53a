"""The real engine over a store of any kind, with an owner who changes everything while it is used, and a wire whose
answers are given by hand. What was asked for, acknowledged and sent is written down.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from msgspec.structs import replace
from tests.conformance.world import World

from reelhook.errors import Conflict, NotFound
from reelhook.model.delivery import State, Trigger
from reelhook.model.endpoint import Endpoint, EndpointState, ScheduleRetry
from reelhook.model.http import Request, Response, header_lines
from reelhook.model.task import Selection, Task, TaskKind, TaskState
from reelhook.ports import AccessToken
from reelhook.server import engine as engines
from reelhook.telemetry import Lines, Metrics
from reelhook.worker.limits import Limits

PATIENT: Final = ScheduleRetry((0.002,) * 500)
"""No delivery is given up while its story lasts."""
HELD: Final = (EndpointState.PAUSED, EndpointState.DISABLED)


@dataclass
class Record:
    """What is known of all lives of one installation."""

    endpoints: dict[int, Endpoint] = field(default_factory=dict)
    removed: set[int] = field(default_factory=set)
    wanted: dict[int, list[Endpoint]] = field(default_factory=dict)
    promised: int = 0
    cancelled: set[int] = field(default_factory=set)
    resent: Counter[int] = field(default_factory=Counter)
    sent: Counter[tuple[str, int]] = field(default_factory=Counter)
    succeeded: Counter[tuple[str, int]] = field(default_factory=Counter)
    forbidden: list[str] = field(default_factory=list)

    def may_be_sent_to(self, endpoint_id: int) -> bool:
        """Tell whether the owner knows it active, or has asked for that and has no answer yet."""
        if endpoint_id in self.removed:
            return False
        known = [self.endpoints[endpoint_id], *self.wanted.get(endpoint_id, [])]
        return any(one.state is EndpointState.ACTIVE for one in known)


class Wire:
    """Implements `Wire`: a request waits until somebody answers it."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self.open: list[tuple[tuple[str, int], asyncio.Future[int]]] = []
        self.kind = False

    async def send(self, request: Request) -> Response:
        endpoint_id = int(request.target.path.rpartition("/")[2])
        headers = {name.lower(): value for name, value in header_lines(request.head)}
        what = (headers["webhook-id"], endpoint_id)
        if not self._record.may_be_sent_to(endpoint_id):
            self._record.forbidden.append(f"{what} was sent after the change was acknowledged")
        self._record.sent[what] += 1
        status = 200
        if not self.kind:
            answered: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            self.open.append((what, answered))
            status = await answered
        if status == 200:
            self._record.succeeded[what] += 1
        return Response(status, b"", b"")

    def answer(self, dice: random.Random, status: int) -> None:
        """Answer one of the requests that wait."""
        if self.open:
            _, answered = self.open.pop(dice.randrange(len(self.open)))
            answered.set_result(status)

    def be_kind(self) -> None:
        """Answer everything well from now on."""
        self.kind = True
        for _, answered in self.open:
            answered.set_result(200)
        self.open.clear()


class NoCredentials:
    async def bearer(self, endpoint: Endpoint) -> AccessToken:
        raise AssertionError("no endpoint asks for a token")

    async def renew(self, endpoint: Endpoint, refused: str) -> AccessToken | None:
        raise AssertionError("no endpoint asks for a token")


class House:
    """One life of the process: what its owner can ask for, in the order of store, memory, answer, as the API does."""

    def __init__(self, world: World, record: Record, dice: random.Random) -> None:
        self.world, self.record, self.dice = world, record, dice
        self.store = world.store
        self.wire = Wire(record)
        around = engines.World(
            world.clock, world.ids, self.wire, NoCredentials(), dice.random, Metrics("test"), Lines(every=False)
        )
        limits = Limits(in_flight=40, per_app=40, per_endpoint=3, room=8)
        self.engine = engines.Engine(world.store, around, engines.EngineOptions(limits))

    # The owner

    async def add_endpoint(self) -> None:
        number = self.world.id()
        now = self.world.clock.time
        endpoint = Endpoint(number, "default", 1, f"https://receiver.example/in/{number}", now, now, retry=PATIENT)
        self.record.endpoints[number] = endpoint
        await self.store.endpoints.add(endpoint, self.world.entry())
        self.engine.changes.endpoint(endpoint)

    async def change(self, endpoint_id: int, **fields: Any) -> None:
        """Ask for a change; only from its acknowledgement on is it promised."""
        current = self.store.endpoints.get("default", endpoint_id)
        if current is None:
            return
        changed = replace(current, version=current.version + 1, updated_at=self.world.clock.time, **fields)
        wanted = self.record.wanted.setdefault(endpoint_id, [])
        wanted.append(changed)
        try:
            await self.store.endpoints.change(changed, self.world.entry())
        except (Conflict, NotFound):
            wanted.remove(changed)
            return
        self.engine.changes.endpoint(changed)
        wanted.remove(changed)
        if changed.version > self.record.endpoints[endpoint_id].version:
            self.record.endpoints[endpoint_id] = changed

    async def edit(self) -> None:
        await self.change(self._some_endpoint(), name=f"name {self.dice.random()}")

    async def hold(self) -> None:
        await self.change(self._some_endpoint(), state=self.dice.choice(HELD))

    async def enable(self) -> None:
        await self.change(self._some_endpoint(), state=EndpointState.ACTIVE)

    async def remove(self) -> None:
        endpoint_id = self._some_endpoint()
        with suppress(NotFound):
            await self.store.endpoints.remove("default", endpoint_id, self.world.entry())
            self.engine.changes.endpoint_removed(endpoint_id)
            self.record.removed.add(endpoint_id)
            await self.add_endpoint()

    # What is sent

    async def publish(self) -> None:
        body = b'{"type": "asset.created", "data": {"asset": {"id": "a"}}}'
        answer = msgspec.json.decode(await self.engine.flow.publish("default", body))
        self.record.promised += answer["deliveries"]

    async def resend(self) -> None:
        delivery = await self._some_delivery(tuple(State))
        if delivery is not None:
            with suppress(Conflict, NotFound):
                now = self.world.clock.time
                await self.store.queue.resend("default", delivery.id, Trigger.RESEND, now, self.world.entry())
                self.record.resent[delivery.id] += 1
                self.record.cancelled.discard(delivery.id)
                self.engine.dispatcher.waits((delivery.endpoint_id,), now)

    async def cancel(self) -> None:
        delivery = await self._some_delivery((State.PENDING, State.RETRYING))
        if delivery is not None:
            with suppress(Conflict, NotFound):
                await self.store.queue.cancel("default", delivery.id, self.world.clock.time, self.world.entry())
                self.record.cancelled.add(delivery.id)

    async def recover(self) -> None:
        states = (State.FAILED, State.CANCELLED)
        now = self.world.clock.time
        selection = Selection(self._some_endpoint(), None, 0, now + 1, states, held=True)
        task = Task(self.world.id(), "default", TaskKind.RECOVER, TaskState.QUEUED, selection, now, now)
        await self.store.tasks.add(task, self.world.entry())
        self.engine.tasks.take(task)

    async def answer(self) -> None:
        for _ in range(self.dice.randrange(4)):
            self.wire.answer(self.dice, self.dice.choice((200, 200, 500)))

    def _some_endpoint(self) -> int:
        return self.dice.choice([one for one in self.record.endpoints if one not in self.record.removed])

    async def _some_delivery(self, states: tuple[State, ...]) -> Any:
        found = [one for one in await self.world.deliveries() if one.state in states]
        return self.dice.choice(found) if found else None


@asynccontextmanager
async def opened(world: World, record: Record, dice: random.Random) -> AsyncIterator[House]:
    """Start the engine and let time pass; in the end stop at once all that runs, and what is under way with it."""
    house = House(world, record, dice)

    async def tick() -> None:
        while True:
            await asyncio.sleep(0.001)
            world.clock.move(1)

    ticking = asyncio.create_task(tick())
    await house.engine.start()
    try:
        yield house
    finally:
        house.engine.dispatcher.halt()
        for running in (*house.engine._running, ticking):
            running.cancel()
        await asyncio.gather(*house.engine._running, ticking, return_exceptions=True)
        for _ in range(3):  # what a commit leads to may be committed too
            await house.store.commit.drained()
            await asyncio.sleep(0)
