"""What is remembered of assets: the first context, and which changes were told to whom."""

import asyncio
from contextlib import suppress
from typing import Any

from tests.conformance.conftest import Teller
from tests.conformance.world import DAY, World

from reelhook.errors import Stale
from reelhook.model.event import Event
from reelhook.ports import Acceptance, Telling, Told

LIFE = DAY


def an_acceptance(world: World, app_id: str = "default", **fields: Any) -> Acceptance:
    number, now = world.id(), world.clock.time
    event = Event(number, app_id, "draft.created", b"{}", now, now)
    return Acceptance(app_id, [event], [[]], now, **fields)


async def say(world: World, *contexts: tuple[str, str], app_id: str = "default") -> None:
    await world.store.journal.accept(an_acceptance(world, app_id, contexts=contexts))


async def tell_of(world: World, telling: Telling, event_type: str) -> None:
    """Tell of a change, also again; a store that others write to as well refuses that."""
    told = Told(telling, event_type, world.clock.time + LIFE)
    with suppress(Stale):
        await world.store.journal.accept(an_acceptance(world, tellings=[told]))


async def context_of(world: World, *assets: str, app_id: str = "default") -> str | None:
    found = world.store.contexts.recall(app_id, assets)
    return found if found is None or isinstance(found, str) else await found


async def told_as(world: World, telling: Telling) -> str | None:
    found = world.store.tellings.recall("default", telling)
    return found if found is None or isinstance(found, str) else await found


async def prune_all(world: World) -> None:
    while await world.store.upkeep.prune(world.clock.time - 30 * DAY, 3):
        pass


# Contexts


def test_the_first_context_of_an_asset_stays_whatever_comes_later(tell: Teller) -> None:
    async def first(world: World) -> None:
        assert await context_of(world, "a") is None
        await say(world, ("a", "one"))
        await say(world, ("a", "two"), ("b", "three"))
        assert [await context_of(world, asset) for asset in "abc"] == ["one", "three", None]

    async def after_a_restart(world: World) -> None:
        world.clock.move(400 * DAY)
        await prune_all(world)
        await say(world, ("a", "four"))
        assert await context_of(world, "a") == "one"

    tell(first, crash=True)
    tell(after_a_restart)


def test_of_two_contexts_in_one_publish_the_first_counts(tell: Teller) -> None:
    async def story(world: World) -> None:
        await say(world, ("a", "one"), ("a", "two"))
        assert await context_of(world, "a") == "one"

    tell(story)


def test_an_asset_is_found_by_the_first_of_its_ids_that_has_a_context(tell: Teller) -> None:
    async def story(world: World) -> None:
        await say(world, ("own", "one"), ("foreign", "two"))
        assert await context_of(world, "own", "foreign") == "one"
        assert await context_of(world, "unknown", "foreign") == "two"
        assert await context_of(world) is None

    tell(story)


def test_apps_do_not_share_contexts(tell: Teller) -> None:
    async def story(world: World) -> None:
        await world.app("acme")
        await say(world, ("a", "one"))
        await say(world, ("a", "two"), app_id="acme")
        assert await context_of(world, "a") == "one"
        assert await context_of(world, "a", app_id="acme") == "two"

    tell(story)


def test_a_context_that_is_being_stored_is_waited_for(tell: Teller) -> None:
    async def story(world: World) -> None:
        storing = [world.store.journal.accept(an_acceptance(world, contexts=[("a", text)])) for text in "123"]
        asked = [context_of(world, "a"), context_of(world, "b", "a"), context_of(world, "b")]
        assert await asyncio.gather(*asked) == ["1", "1", None]
        await asyncio.gather(*storing)

    tell(story)


def test_who_asks_does_not_wait_for_an_asset_that_is_published_all_the_time(tell: Teller) -> None:
    async def story(world: World) -> None:
        await world.publish()  # a writing process may still be starting
        storing = [world.store.journal.accept(an_acceptance(world, contexts=[("a", "one")]))]
        waiting = asyncio.ensure_future(context_of(world, "a"))
        late = 0
        while not waiting.done():
            storing.append(world.store.journal.accept(an_acceptance(world, contexts=[("a", "more")])))
            late += storing[0].done()
            assert late < 1000, "it is never told"
            await asyncio.sleep(0.001)
        found = world.store.contexts.recall("default", ("a",))
        assert (await waiting, found if isinstance(found, str) else await found) == ("one", "one")
        await asyncio.gather(*storing)

    tell(story)


def test_a_context_that_could_not_be_stored_was_never_there(tell: Teller) -> None:
    async def story(world: World) -> None:
        good = an_acceptance(world, contexts=[("b", "two")])
        await world.store.journal.accept(an_acceptance(world, contexts=[("c", "three")]))
        bad = an_acceptance(world, contexts=[("a", "one")])
        bad.events = [*bad.events, *bad.events]
        bad.deliveries = [[], []]
        storing = [world.store.journal.accept(one) for one in (bad, good)]
        assert [await context_of(world, asset) for asset in "abc"] == [None, "two", "three"]
        outcomes = await asyncio.gather(*storing, return_exceptions=True)
        assert isinstance(outcomes[0], Exception)

    tell(story)


def test_contexts_go_with_their_app(tell: Teller) -> None:
    async def story(world: World) -> None:
        await world.app("acme")
        for number in range(10):
            await say(world, (f"a{number}", "one"), app_id="acme")
        await say(world, ("a1", "one"))
        await prune_all(world)
        assert await context_of(world, "a1", app_id="acme") == "one"
        await world.store.apps.remove("acme", world.entry())
        await prune_all(world)
        found = [await context_of(world, f"a{number}", app_id="acme") for number in range(10)]
        assert found == [None] * 10
        assert await context_of(world, "a1") == "one"

    tell(story)


# Tellings


def test_the_first_type_that_told_a_change_stays_until_it_expires(tell: Teller) -> None:
    telling = Telling(7, "video.ready", "a", 1000)

    async def story(world: World) -> None:
        assert await told_as(world, telling) is None
        await tell_of(world, telling, "asset.processed")
        await tell_of(world, telling, "asset.transcoded")
        assert await told_as(world, telling) == "asset.processed"
        for other in (
            Telling(8, "video.ready", "a", 1000),
            Telling(7, "video.delete", "a", 1000),
            Telling(7, "video.ready", "b", 1000),
            Telling(7, "video.ready", "a", 1001),
        ):
            assert await told_as(world, other) is None

    async def after_a_restart(world: World) -> None:
        assert await told_as(world, telling) == "asset.processed"
        world.clock.move(LIFE)
        assert await told_as(world, telling) is None

    tell(story, crash=True)
    tell(after_a_restart)


def test_a_telling_that_is_being_stored_is_waited_for(tell: Teller) -> None:
    telling = Telling(7, "video.ready", "a", 1000)

    async def story(world: World) -> None:
        told = Told(telling, "asset.processed", world.clock.time + LIFE)
        storing = world.store.journal.accept(an_acceptance(world, tellings=[told]))
        assert await told_as(world, telling) == "asset.processed"
        await storing

    tell(story)


def test_tellings_are_pruned_when_they_have_expired(tell: Teller) -> None:
    def telling(number: int) -> Telling:
        return Telling(7, "video.ready", f"a{number}", 1000)

    async def story(world: World) -> None:
        for number in range(10):
            await tell_of(world, telling(number), "asset.processed")
        world.clock.move(LIFE + 1)
        await tell_of(world, telling(10), "asset.processed")
        await prune_all(world)
        for number in range(11):
            await tell_of(world, telling(number), "asset.transcoded")
        found = [await told_as(world, telling(number)) for number in range(11)]
        assert found == ["asset.transcoded"] * 10 + ["asset.processed"]

    tell(story)
