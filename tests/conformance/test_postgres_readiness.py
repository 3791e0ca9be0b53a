"""A node says that it is not ready when PostgreSQL takes nothing, though nobody publishes, and is ready again later.

No load comes in these stories: what notices is the look at what other nodes changed, which is there anyway.
"""

import asyncio
from collections.abc import Iterator

import pytest
from tests.conformance.conftest import PostgresTeller
from tests.conformance.world import World
from tests.support.wall import Wall

from reelhook.errors import OutcomeUnknown
from reelhook.store.postgres import store as store_module
from reelhook.store.postgres import upkeep

PATIENCE = 30


@pytest.fixture
def wall(postgres_database: str) -> Iterator[Wall]:
    with Wall(int(postgres_database.rpartition(":")[2].partition("/")[0])) as wall:
        yield wall


@pytest.fixture
def tell_behind(postgres_database: str, wall: Wall) -> PostgresTeller:
    """A teller whose store reaches the database through the wall."""
    before, _, name = postgres_database.rpartition("/")
    return PostgresTeller(f"{before.rpartition(':')[0]}:{wall.port}/{name}")


@pytest.fixture
def in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """Doubt and patience are short, so that the stories are."""
    monkeypatch.setattr(upkeep, "_DOUBT_SECONDS", 1.2)
    monkeypatch.setattr(store_module, "_SLOW_SECONDS", 0.1)
    monkeypatch.setattr(store_module, "PROMPT_SECONDS", 1.0)


async def becomes(world: World, *, ready: bool) -> None:
    async with asyncio.timeout(PATIENCE):
        while (world.store.upkeep.healthy() is None) is not ready:
            await asyncio.sleep(0.01)


@pytest.mark.fault("R8")
@pytest.mark.parametrize("gone", ["cut", "freeze"])
@pytest.mark.usefixtures("in_haste")
def test_an_idle_node_is_not_ready_while_postgresql_is_gone_and_is_again_when_it_is_back(
    tell_behind: PostgresTeller, wall: Wall, gone: str
) -> None:
    """Regression: it stayed ready until its lease lapsed."""

    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        await becomes(world, ready=True)
        getattr(wall, gone)()
        await becomes(world, ready=False)
        assert "no event is accepted" in (world.store.upkeep.healthy() or "")
        wall.heal()
        await becomes(world, ready=True)
        await world.publish(endpoint)
        assert len(await world.events()) == 1

    tell_behind(story)


@pytest.mark.fault("R8")
def test_one_connection_that_is_lost_in_a_commit_and_replaced_at_once_leaves_the_node_ready(
    tell_behind: PostgresTeller, wall: Wall
) -> None:
    """Regression: the node was not ready until the next try."""

    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        wall.lose_answer_to(b"COMMIT\0")
        with pytest.raises(OutcomeUnknown):
            await world.publish(endpoint)
        assert world.store.commit.full, "the writer is in trouble"
        async with asyncio.timeout(PATIENCE):
            while world.store.commit.full:
                assert world.store.upkeep.healthy() is None
                await asyncio.sleep(0.01)
        assert world.store.upkeep.healthy() is None

    tell_behind(story)
