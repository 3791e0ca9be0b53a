"""The history of an endpoint: what a rate limit and a circuit must know of what others sent."""

from typing import Any

import pytest
from tests.conformance.world import MINUTE, World

from reelhook.model.attempt import Failure


async def _attempts(world: World, endpoint: Any, count: int, **outcome: Any) -> list[int]:
    ended = []
    for _ in range(count):
        await world.publish(endpoint)
        ended.append(world.clock.time)
        await world.send(endpoint, **outcome)
        world.clock.move(100)
    return ended


@pytest.mark.parametrize("indexed", [False, True], ids=["not indexed yet", "indexed"])
def test_the_last_attempts_are_read_oldest_first(tell, indexed) -> None:
    async def story(world: World) -> None:
        endpoint, other = await world.endpoint(), await world.endpoint()
        before = await _attempts(world, endpoint, 3)
        if indexed:
            await world.index()
        await _attempts(world, other, 2)
        after = await _attempts(world, endpoint, 2)
        found = await world.store.history.recent(endpoint.id, before[1], 10)
        assert [one.at for one in found] == [*before[1:], *after]
        assert [one.at for one in await world.store.history.recent(endpoint.id, 0, 3)] == [before[2], *after]
        assert not await world.store.history.recent(endpoint.id, world.clock.time, 10)

    tell(story)


def test_an_attempt_is_read_with_its_outcome(tell) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        await _attempts(world, endpoint, 1)
        await _attempts(world, endpoint, 1, failure=Failure.TIMEOUT, status_code=None)
        good, bad = await world.store.history.recent(endpoint.id, 0, 10)
        assert (good.status_code, good.failure) == (200, None)
        assert (bad.status_code, bad.failure) == (None, Failure.TIMEOUT)
        assert good.duration_ms >= 0

    tell(story)


def test_what_was_interrupted_counts_as_sent_when_it_was_rescued(tell) -> None:
    async def claimed(world: World) -> Any:
        endpoint = await world.endpoint()
        await world.publish(endpoint)
        await world.claim(endpoint)
        return endpoint

    endpoint = tell(claimed, crash=True)

    async def rescued(world: World) -> None:
        world.clock.move(MINUTE)
        await world.store.queue.rescue(world.clock.time, lambda *_: 0.0)
        (one,) = await world.store.history.recent(endpoint.id, 0, 10)
        assert (one.at, one.failure) == (world.clock.time, Failure.INTERRUPTED)

    tell(rescued)
