"""Ordered lanes, and whatever else two nodes change at once, on one PostgreSQL: nothing is stuck, lost or overtaken."""

import asyncio
import random
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, Self, TypeVar

import pytest
from tests.conformance.conftest import SECRET_KEY, PostgresTeller
from tests.conformance.world import DAY, PLENTY, World

from reelhook.errors import Conflict
from reelhook.model.delivery import State, Trigger
from reelhook.model.endpoint import Endpoint, Ordering
from reelhook.model.event import Event
from reelhook.model.ids import IdSource
from reelhook.ports import Acceptance, Claimed, NewDelivery
from reelhook.store.claiming import Claim
from reelhook.store.ordering import EVERY_LANE, LOCKS, lock_of
from reelhook.store.postgres.accepting import PgAccepting
from reelhook.store.postgres.claiming import PgClaiming
from reelhook.store.postgres.connection import PgConnection
from reelhook.store.postgres.store import PostgresOptions, PostgresStore
from reelhook.store.sql import Connection, Contended
from reelhook.store.writer import Writer

T = TypeVar("T")
LANE = "a"
CLOSED = (State.DELIVERED, State.FAILED, State.CANCELLED)


def live(url: str, story: Callable[[World, World], Awaitable[Any]]) -> None:
    """Run a story with two nodes; in the end the database must be as it should."""

    async def on_two(first: World) -> None:
        ids = IdSource(1)
        store = await PostgresStore.open(PostgresOptions(url, SECRET_KEY), first.clock, ids)
        try:
            await story(first, World(store, first.clock, ids))
        finally:
            await store.close()

    PostgresTeller(url)(on_two)


@contextmanager
def begun(url: str) -> Iterator[PgConnection]:
    """Begin a transaction of a third node, which goes on until it is told to end."""
    connection = PgConnection(url)
    connection.begin()
    try:
        yield connection
        connection.commit()
    finally:
        connection.rollback()
        connection.close()


# Locks


def test_a_lock_is_waited_for_at_the_beginning_and_only_tried_for_later(postgres_database: str) -> None:
    other = PgConnection(postgres_database)
    with ThreadPoolExecutor(1) as thread:
        with begun(postgres_database) as connection:
            connection.lock([3, 1])
            other.begin()
            other.lock([2])
            with pytest.raises(Contended) as met:
                other.lock([4, 3])
            assert sorted(met.value.locks) == [2, 3, 4], "what it is to begin with the next time"
            other.rollback()
            other.begin()
            waiting = thread.submit(other.lock, met.value.locks, wait=True)
            assert not waiting.done()
        waiting.result()
    other.rollback()
    other.close()


def test_a_lock_that_is_undone_to_a_savepoint_is_taken_again(postgres_database: str) -> None:
    with begun(postgres_database) as connection, begun(postgres_database) as other:
        with suppress(Conflict), connection:
            connection.lock([1])
            raise Conflict("no")
        other.lock([1])
        with pytest.raises(Contended):
            connection.lock([1])


def test_every_lane_has_one_of_all_locks_whatever_it_is_called() -> None:
    lanes = [(number, name) for number in (1, 1 << 62) for name in ("*", "", "ä", "\ud800", "a" * 1000)]
    assert {lock_of(*lane) for lane in lanes} <= set(EVERY_LANE)
    assert len({lock_of(1, str(number)) for number in range(20 * LOCKS)}) == LOCKS


def test_who_meets_another_in_a_lane_later_on_begins_anew(postgres_database: str) -> None:
    met = threading.Event()

    def write(connection: Connection) -> str:
        try:
            connection.lock([7])
        except Contended:
            met.set()
            raise
        return "written"

    writer = PgConnection(postgres_database)
    with ThreadPoolExecutor(1) as thread:
        with begun(postgres_database) as other:
            other.lock([7])
            applying = thread.submit(Writer(writer, lambda: 0).write, {"write": [write]}, 0, 0)
            assert met.wait(20)
            assert not applying.done()
        assert applying.result() == {"write": ["written"]}
    writer.close()


@pytest.mark.fault("R22")
def test_of_two_transactions_that_wait_for_each_other_none_is_lost(postgres_database: str) -> None:
    """Rows are locked in any order, so PostgreSQL ends one of the two; that one is run again."""
    put = "INSERT INTO meta (key, value) VALUES ('{}', 1) ON CONFLICT (key) DO UPDATE SET value = meta.value + 1"
    writers = [PgConnection(postgres_database) for _ in range(2)]
    both = threading.Barrier(2)
    waited = set()

    def write(keys: str) -> Callable[[Connection], None]:
        def job(connection: Connection) -> None:
            connection.execute(put.format(keys[0]))
            if keys not in waited:  # the second time it comes alone
                waited.add(keys)
                both.wait(20)
            connection.execute(put.format(keys[1]))

        return job

    with ThreadPoolExecutor(2) as threads:
        done = [
            threads.submit(Writer(writer, lambda: 0).write, {"write": [write(keys)]}, 0, 0)
            for writer, keys in zip(writers, ("xy", "yx"), strict=True)
        ]
        assert [one.result() for one in done] == [{"write": [None]}] * 2
    assert writers[0].execute("SELECT value FROM meta WHERE key IN ('x', 'y')").fetchall() == [(2,), (2,)]
    for writer in writers:
        writer.close()


# What another node has begun and not committed


class Hand:
    """A third node's transaction, made step by step."""

    def __init__(self, url: str) -> None:
        self._thread = ThreadPoolExecutor(1)
        self.connection = PgConnection(url)

    async def __aenter__(self) -> Self:
        await self.do(self.connection.begin)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.do(self.connection.rollback)
        await self.do(self.connection.close)
        self._thread.shutdown()

    async def do(self, step: Callable[..., T], *given: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, step, *given)

    async def claim(self, world: World, endpoint: Endpoint) -> None:
        [taken] = await self.do(
            PgClaiming().claim, self.connection, [Claim(endpoint.id, 9, world.clock.time, 9, PLENTY)]
        )
        assert len(taken.claimed) == 1

    async def accept(self, world: World, endpoint: Endpoint) -> None:
        now = world.clock.time
        first = world.ids.take(now, 2)
        event = Event(first, "default", "asset.created", b"{}", now, now)
        new = NewDelivery(first + 1, endpoint.id, lane=LANE)
        version = world.store._replica.version("default")
        acceptance = Acceptance("default", [event], [[new]], now, version=version)
        [answer] = await self.do(PgAccepting().run, self.connection, [acceptance])
        assert answer == b""

    async def commit_while(self, waiting: "asyncio.Future[T]") -> None:
        """Commit, after making sure that somebody waits for that."""
        await asyncio.sleep(0.1)
        assert not waiting.done(), "it had to wait"
        await self.do(self.connection.commit)


@pytest.mark.fault("R22")
@pytest.mark.parametrize("change", ["cancel", "resend"])
def test_what_another_node_is_just_claiming_can_neither_be_cancelled_nor_resent(
    postgres_database: str, change: str
) -> None:
    async def story(world: World, _: World) -> None:
        endpoint = await world.endpoint()
        event = await world.publish(endpoint)
        async with Hand(postgres_database) as other:
            await other.claim(world, endpoint)
            queue, now = world.store.queue, world.clock.time
            if change == "cancel":
                changing = asyncio.ensure_future(queue.cancel("default", event.id + 1, now))
            else:
                changing = asyncio.ensure_future(queue.resend("default", event.id + 1, Trigger.RESEND, now))
            await other.commit_while(changing)
        with pytest.raises(Conflict):
            await changing
        assert [one.state for one in await world.deliveries()] == [State.SENDING]

    live(postgres_database, story)


@pytest.mark.fault("R22")
def test_what_another_node_is_just_claiming_does_not_expire(postgres_database: str) -> None:
    async def story(world: World, _: World) -> None:
        endpoint = await world.endpoint(ordering=Ordering.ASSET)
        for _ in range(2):
            await world.publish(endpoint, lane=LANE)
        world.clock.move(DAY)
        async with Hand(postgres_database) as other:
            await other.claim(world, endpoint)
            expiring = asyncio.ensure_future(world.store.upkeep.expire(world.clock.time, 1, world.clock.time))
            await other.commit_while(expiring)
        assert await expiring == 0
        assert sorted(one.state for one in await world.deliveries()) == [State.PENDING, State.SENDING]

    live(postgres_database, story)


@pytest.mark.fault("R24")
def test_who_joins_a_lane_while_another_node_closes_its_head_is_not_stuck(postgres_database: str) -> None:
    async def story(world: World, _: World) -> None:
        endpoint = await world.endpoint(ordering=Ordering.ASSET)
        await world.publish(endpoint, lane=LANE)
        [head] = await world.claim(endpoint)
        async with Hand(postgres_database) as other:
            await other.accept(world, endpoint)
            recording = asyncio.ensure_future(record(world, head, endpoint))
            await other.commit_while(recording)
        assert await recording
        assert len(await world.claim(endpoint)) == 1

    live(postgres_database, story)


@pytest.mark.fault("R24")
def test_who_joins_a_lane_while_it_is_dissolved_is_not_stuck(postgres_database: str) -> None:
    async def story(world: World, _: World) -> None:
        endpoint = await world.endpoint(ordering=Ordering.ASSET)
        await world.publish(endpoint, lane=LANE)
        async with Hand(postgres_database) as other:
            await other.accept(world, endpoint)
            changing = asyncio.ensure_future(world.change(endpoint, ordering=Ordering.NONE))
            await other.commit_while(changing)
        await changing
        world.clock.move(1000)
        assert len(await world.claim(endpoint)) == 2

    live(postgres_database, story)


async def record(world: World, claimed: Claimed, endpoint: Endpoint, **outcome: Any) -> bool:
    recorded: bool = await world.store.journal.record(world.completion(claimed, endpoint, **outcome))
    return recorded


# Two nodes under load


class Town:
    """Two nodes that accept for ordered endpoints, of which the second sends; the first changes what waits."""

    def __init__(self, nodes: tuple[World, World], seed: int) -> None:
        self.nodes = nodes
        self.dice = random.Random(seed)
        self.endpoints: list[Endpoint] = []
        self.under_way: dict[tuple[int, str | None], Claimed] = {}
        self._claim_ids = iter(range(1, 100_000))

    async def build(self) -> None:
        for _ in range(2):
            self.endpoints.append(await self.nodes[0].endpoint(ordering=Ordering.ASSET))
        await self.nodes[1].entry_seen()

    async def publish(self) -> None:
        node = self.dice.choice(self.nodes)
        await node.publish(self.dice.choice(self.endpoints), lane=self.dice.choice("abc"))

    async def claim(self) -> None:
        endpoint = self.dice.choice(self.endpoints)
        for one in await self.nodes[1].claim(endpoint, 2, claim_id=next(self._claim_ids)):
            lane = (one.endpoint_id, one.lane)
            assert lane not in self.under_way, "two of one lane at once"
            self.under_way[lane] = one

    async def record(self) -> None:
        if self.under_way:
            lane = self.dice.choice(list(self.under_way))
            claimed = self.under_way[lane]
            endpoint = next(one for one in self.endpoints if one.id == claimed.endpoint_id)
            outcome = self.dice.choice(({}, {}, {"status": 500}))
            recording = record(self.nodes[1], claimed, endpoint, **outcome)
            del self.under_way[lane]
            assert await recording

    async def change(self) -> None:
        node, states = self.nodes[0], self.dice.choice(((State.PENDING,), (State.FAILED, State.CANCELLED)))
        found = [one for one in await node.deliveries() if one.state in states]
        if found:
            chosen, now = self.dice.choice(found), node.clock.time
            with suppress(Conflict):
                if State.PENDING in states:
                    await node.store.queue.cancel("default", chosen.id, now)
                else:
                    await node.store.queue.resend("default", chosen.id, Trigger.RESEND, now)

    async def live(self, turns: int) -> None:
        """Let lanes run empty again and again: then who joins and who leaves last come together."""
        deeds = (self.publish, self.record, self.record, self.claim)
        for turn in range(turns):
            chosen = self.dice.choices(deeds, k=self.dice.randint(3, 9))
            await asyncio.gather(*(deed() for deed in chosen))
            if turn % 10 == 0:
                await self.change()

    async def settle(self) -> None:
        """Send all that is left; it must come to an end."""
        for _ in range(2000):
            self.nodes[0].clock.move(1000)
            await self.claim()
            await self.record()
            if not self.under_way and not await self.nodes[1].waiting():
                break
        stuck = [one for one in await self.nodes[0].deliveries() if one.state not in CLOSED]
        assert stuck == []


@pytest.mark.fault("R24")
@pytest.mark.parametrize("seed", range(3))
def test_two_nodes_that_write_to_the_same_lanes_leave_nothing_stuck_and_send_one_at_a_time(
    postgres_database: str, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    commit = PgConnection.commit

    def commit_slowly(connection: PgConnection) -> None:
        time.sleep(0.005)  # as a disk, or a standby, takes: what is begun meanwhile sees nothing of it
        commit(connection)

    async def story(first: World, second: World) -> None:
        town = Town((first, second), seed)
        await town.build()
        monkeypatch.setattr(PgConnection, "commit", commit_slowly)
        await town.live(60)
        monkeypatch.undo()
        await town.settle()

    live(postgres_database, story)
