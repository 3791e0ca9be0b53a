"""What an endpoint leaves behind: kept as long as anything speaks of it, then gone."""

import pytest
from tests.conformance.conftest import Teller
from tests.conformance.test_upkeep import expire_all, prune_all
from tests.conformance.world import DAY, World

from reelhook.errors import NotFound
from reelhook.model.endpoint import Endpoint

KEPT = 30 * DAY


async def history_of(world: World, endpoint: Endpoint) -> Endpoint:
    """Send it something, have something wait, change it, remove it."""
    await world.publish(endpoint, lane="v1")
    await world.publish(endpoint, lane="v1")
    await world.send(endpoint, 1, status=500)
    changed = await world.change(endpoint, name="changed")
    await world.store.endpoints.remove("default", endpoint.id, world.entry(action="endpoint.deleted"))
    await expire_all(world, 0)
    await world.index()
    return changed


async def versions(world: World, endpoint: Endpoint) -> list[bool]:
    return [await world.store.endpoints.version(endpoint.id, number) is not None for number in (1, 2)]


@pytest.mark.fault("R30")
def test_nothing_of_a_deleted_endpoint_is_left_once_its_log_is_past_its_retention(tell: Teller) -> None:
    async def story(world: World) -> None:
        gone, stays = await world.endpoint(), await world.endpoint()
        await world.publish(stays)
        await world.send(stays)
        await history_of(world, gone)
        world.clock.move(KEPT - 2 * DAY)
        await prune_all(world, world.clock.time - KEPT)
        assert await versions(world, gone) == [True, True], "its log is still shown"
        assert (await world.attempts(endpoint_id=gone.id))[0].url == gone.url
        world.clock.move(20 * DAY)
        await prune_all(world, world.clock.time - KEPT)
        assert await versions(world, gone) == [False, False]
        assert gone.id not in await world.store.health()
        with pytest.raises(NotFound):
            await world.store.log.stats("default", gone.id, 0, DAY, DAY)
        assert await versions(world, stays) == [True, False]
        assert stays.id in await world.store.health()

    tell(story)


def test_a_deleted_endpoint_stays_known_while_an_attempt_at_it_is_kept(tell: Teller) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint(name="Studio One")
        event = await world.publish(endpoint)
        [claimed] = await world.claim(endpoint)
        await world.store.endpoints.remove("default", endpoint.id, world.entry())
        world.clock.move(60 * DAY)
        assert await world.store.journal.record(world.completion(claimed, endpoint))
        await world.index()
        await prune_all(world, world.clock.time - KEPT)
        [attempt] = await world.attempts()
        assert (attempt.event_public_id, attempt.endpoint_name) == (event.public_id, "Studio One")

    tell(story)


def test_versions_that_no_kept_attempt_cites_are_dropped_and_the_current_one_stays(tell: Teller) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        for number in range(20):
            endpoint = await world.change(endpoint, name=f"name {number}")
        world.clock.move(60 * DAY)
        endpoint = await world.change(endpoint, name="the last one")
        await prune_all(world, world.clock.time - KEPT)
        kept = [number for number in range(1, 30) if await world.store.endpoints.version(endpoint.id, number)]
        assert kept == [21, 22], "the one that was current until today, and the current one"
        assert world.store.endpoints.get("default", endpoint.id) == endpoint
        await world.change(endpoint, name="and on")

    tell(story)


def test_the_audit_log_is_kept_a_year_longer_than_attempts_and_then_pruned(tell: Teller) -> None:
    async def story(world: World) -> None:
        for number in range(10):
            await world.store.audit.add(world.entry(action=f"old.{number}"))
        world.clock.move(KEPT + 364 * DAY)
        await prune_all(world, world.clock.time - KEPT)
        assert len((await world.store.audit.page("default", None, 100)).items) == 10
        world.clock.move(2 * DAY)
        await world.store.audit.add(world.entry(action="new"))
        assert await world.store.upkeep.prune(world.clock.time - KEPT, 4) == 4
        await prune_all(world, world.clock.time - KEPT)
        assert [one.action for one in (await world.store.audit.page("default", None, 100)).items] == ["new"]

    tell(story)
