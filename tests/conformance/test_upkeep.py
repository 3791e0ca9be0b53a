"""What is done in the background: retention, expiry, and that neither takes what is still needed."""

import asyncio
from typing import Any

import pytest
from tests.conformance.conftest import SqliteTeller, Teller
from tests.conformance.world import DAY, MINUTE, START, World

from reelhook.model.delivery import State, Trigger
from reelhook.model.task import Selection, Task, TaskKind, TaskState
from reelhook.ports import Key


async def prune_all(world: World, before: int, limit: int = 7) -> int:
    total = 0
    while done := await world.store.upkeep.prune(before, limit):
        total += done
    return total


async def expire_all(world: World, before: int, limit: int = 3) -> int:
    total = 0
    while done := await world.store.upkeep.expire(before, limit, world.clock.time):
        assert done <= limit
        total += done
    return total


async def everything(world: World) -> tuple[int, int, int]:
    return len(await world.attempts()), len(await world.deliveries()), len(await world.events())


@pytest.mark.parametrize("indexed", [True, False])
def test_what_is_past_its_retention_is_deleted_with_all_that_points_to_it(tell: Teller, indexed: bool) -> None:
    async def story(world: World) -> None:
        endpoint, other = await world.endpoint(name="one"), await world.endpoint(name="two")
        for number in range(10):
            await world.publish(endpoint, other, given_id=f"g{number}")
        await world.send(endpoint)
        await world.send(other, status=500)
        task = Task(
            world.id(), "default", TaskKind.RECOVER, TaskState.DONE, Selection(), world.clock.time, world.clock.time
        )
        await world.store.tasks.add(task, None)
        if indexed:
            await world.index()
        world.clock.move(100 * DAY)
        fresh = await world.publish(endpoint)
        await world.send(endpoint)
        await prune_all(world, world.clock.time - 30 * DAY)
        assert await everything(world) == (1, 1, 1)
        assert (await world.events())[0].id == fresh.id
        for filters in ({"endpoint_id": other.id}, {"status": "failed"}, {"text": "g3"}, {"event": "g3"}):
            assert await world.attempts(**filters) == []
            assert await world.deliveries(**filters) == []
        assert len(await world.attempts(text="v1")) == 1
        assert await world.store.tasks.get("default", task.id) is None
        stats = await world.store.log.stats("default", endpoint.id, START, world.clock.time, DAY)
        assert stats.delivered == 1
        await world.index()
        assert await everything(world) == (1, 1, 1)
        assert await prune_all(world, world.clock.time - 30 * DAY) == 0

    tell(story)


def test_an_event_stays_while_an_attempt_that_shows_it_stays(tell: Teller) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        event = await world.publish(endpoint, data=b'{"kept": true}')
        await world.send(endpoint, status=500)
        world.clock.move(50 * DAY)
        await world.store.queue.resend("default", event.id + 1, Trigger.RESEND, world.clock.time)
        assert await prune_all(world, world.clock.time - 10 * DAY) > 0
        (attempt_id,) = await world.send(endpoint)
        await prune_all(world, world.clock.time - 10 * DAY)
        detail = await world.store.log.attempt("default", attempt_id)
        assert detail.request_body == b'{"data":{"kept": true}}'
        assert [one.id for one in await world.store.log.attempts_of("default", event.id + 1)] == [attempt_id]
        world.clock.move(50 * DAY)
        await prune_all(world, world.clock.time - 10 * DAY)
        assert await everything(world) == (0, 0, 0)

    tell(story)


def test_an_event_with_more_deliveries_than_a_step_deletes_goes_in_several(tell: Teller) -> None:
    async def story(world: World) -> None:
        endpoints = [await world.endpoint() for _ in range(12)]
        await world.publish(*endpoints)
        for endpoint in endpoints:
            await world.send(endpoint)
        await world.index()
        world.clock.move(90 * DAY)
        assert await world.store.upkeep.prune(world.clock.time - DAY, 5) <= 5
        await prune_all(world, world.clock.time - DAY, 5)
        assert await everything(world) == (0, 0, 0)

    tell(story)


def test_keys_live_until_they_expire(tell: Teller) -> None:
    async def story(world: World) -> None:
        for number in range(5):
            key = Key("tok", f"k{number}", b"f", b"{}", world.clock.time + (number + 1) * DAY)
            await world.store.answers.keep("default", key)
        world.clock.move(3 * DAY)
        assert await prune_all(world, START - DAY, 1) == 2
        kept = [await world.store.answers.recall("default", "tok", f"k{number}") for number in range(5)]
        assert [one is not None for one in kept] == [False, False, False, True, True]

    tell(story)


def test_what_waits_for_a_removed_endpoint_is_cancelled(tell: Teller) -> None:
    async def story(world: World) -> None:
        gone, kept = await world.endpoint(), await world.endpoint()
        for number in range(5):
            await world.publish(gone, kept, lane="v1" if number % 2 else None)
        await world.store.endpoints.remove("default", gone.id, world.entry())
        assert await expire_all(world, START - DAY) == 5
        assert {one.state for one in await world.deliveries(endpoint_id=gone.id)} == {State.CANCELLED}
        assert {one.state for one in await world.deliveries(endpoint_id=kept.id)} == {State.PENDING}
        assert gone.id not in await world.waiting()
        assert await world.claim(gone) == []

    tell(story)


def test_what_waits_too_long_is_cancelled_and_its_lane_goes_on(tell: Teller) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        old = [(await world.publish(endpoint, lane="v1")).id + 1 for _ in range(2)]
        alone = (await world.publish(endpoint)).id + 1
        world.clock.move(40 * DAY)
        young = (await world.publish(endpoint, lane="v1")).id + 1
        assert await expire_all(world, world.clock.time - 30 * DAY, limit=2) == 3
        assert {one.id for one in await world.deliveries(state="cancelled")} == {*old, alone}
        assert [one.id for one in await world.claim(endpoint)] == [young]
        assert await expire_all(world, world.clock.time - 30 * DAY) == 0

    tell(story)


def test_a_delivery_resent_by_hand_is_not_too_old(tell: Teller) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        event = await world.publish(endpoint)
        await world.send(endpoint, status=500)
        world.clock.move(40 * DAY)
        await world.store.queue.resend("default", event.id + 1, Trigger.RESEND, world.clock.time)
        assert await expire_all(world, world.clock.time - 30 * DAY) == 0
        assert [one.id for one in await world.claim(endpoint)] == [event.id + 1]

    tell(story)


@pytest.mark.fault("R30")
def test_tables_do_not_grow_when_as_much_is_pruned_as_is_written(tell_sqlite: SqliteTeller) -> None:
    # The size of SQLite's file; PostgreSQL drops partitions, which gives their space back at once.
    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        events = (world.publish(endpoint, given_id=str(world.id()), data=b'"' + b"x" * 2000 + b'"') for _ in range(40))
        await asyncio.gather(*events)
        await world.send(endpoint)
        await world.index()
        await world.store.endpoints.remove("default", endpoint.id, world.entry())
        world.clock.move(60 * DAY)
        await prune_all(world, world.clock.time - DAY, 500)
        assert await everything(world) == (0, 0, 0)

    sizes = []
    for _ in range(4):
        tell_sqlite(story)
        sizes.append(tell_sqlite.path.stat().st_size)
    assert sizes[-1] <= sizes[0] * 1.1


def test_pruning_indexing_and_sending_at_once_lose_nothing(tell: Teller) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        for _ in range(60):
            await world.publish(endpoint)
        await world.send(endpoint)
        world.clock.move(60 * DAY)
        new = [(await world.publish(endpoint)).id for _ in range(60)]

        async def keep(step: Any, *arguments: Any) -> None:
            while await step(*arguments):
                pass

        upkeep = world.store.upkeep
        await asyncio.gather(
            world.send(endpoint),
            keep(upkeep.prune, world.clock.time - DAY, 10),
            keep(upkeep.index, 10),
            keep(upkeep.expire, world.clock.time - DAY, 10, world.clock.time),
        )
        world.clock.move(MINUTE)
        await keep(upkeep.index, 10)
        assert [one.id for one in await world.events()] == new[::-1]
        assert [one.event_id for one in await world.attempts(endpoint_id=endpoint.id)] == new[::-1]
        assert {one.state for one in await world.deliveries()} == {State.DELIVERED}

    tell(story)
