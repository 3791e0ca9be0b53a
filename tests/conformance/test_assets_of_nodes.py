"""What is remembered of assets, where two nodes of one PostgreSQL publish about the same asset at once."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.conformance.conftest import SECRET_KEY, PostgresTeller
from tests.conformance.test_assets import LIFE, an_acceptance, context_of, say, told_as
from tests.conformance.town_of_engines import NEVER_SECONDS, Node, two_nodes, until
from tests.conformance.world import World

from reelhook.errors import Stale
from reelhook.model.ids import IdSource
from reelhook.ports import Telling, Told
from reelhook.store.postgres.connection import PgConnection
from reelhook.store.postgres.store import PostgresOptions, PostgresStore

TELLING = Telling(7, "video.ready", "a", 1000)


def live(url: str, story: Callable[[World, World], Awaitable[Any]]) -> None:
    async def on_two(first: World) -> None:
        ids = IdSource(1)
        store = await PostgresStore.open(PostgresOptions(url, SECRET_KEY), first.clock, ids)
        try:
            await story(first, World(store, first.clock, ids))
        finally:
            await store.close()

    PostgresTeller(url)(on_two)


def tell_as(world: World, event_type: str, *more: Telling) -> Awaitable[bytes]:
    tellings = [Told(one, event_type, world.clock.time + LIFE) for one in (TELLING, *more)]
    telling: Awaitable[bytes] = world.store.journal.accept(an_acceptance(world, tellings=tellings))
    return telling


def test_what_a_node_has_not_found_another_may_have_stored_since(postgres_database: str) -> None:
    async def story(first: World, second: World) -> None:
        assert await context_of(second, "a") is None
        await say(first, ("a", "one"))
        assert await context_of(second, "a") == "one"

    live(postgres_database, story)


def test_two_nodes_that_store_first_contexts_at_once_agree_on_each(postgres_database: str) -> None:
    async def story(first: World, second: World) -> None:
        assets = [f"a{number}" for number in range(50)]
        saying = [say(first, *((asset, "one") for asset in assets)) for _ in range(5)]
        saying += [say(second, *((asset, "two") for asset in reversed(assets))) for _ in range(5)]
        await asyncio.gather(*saying)
        found = [[await context_of(node, asset) for asset in assets] for node in (first, second)]
        assert found[0] == found[1]
        assert set(found[0]) <= {"one", "two"}

    live(postgres_database, story)


def test_of_two_nodes_that_tell_of_a_change_at_once_one_is_refused_whole(postgres_database: str) -> None:
    other = TELLING._replace(asset="b")

    async def story(first: World, second: World) -> None:
        telling = [tell_as(first, "asset.processed"), tell_as(second, "asset.transcoded", other)]
        outcomes = await asyncio.gather(*telling, return_exceptions=True)
        assert sorted(isinstance(one, Stale) for one in outcomes) == [False, True]
        told = "asset.processed" if isinstance(outcomes[1], Stale) else "asset.transcoded"
        assert await told_as(first, TELLING) == await told_as(second, TELLING) == told
        assert await told_as(first, other) == (None if told == "asset.processed" else told)
        assert len(await first.events()) == 1

    live(postgres_database, story)


def test_a_change_that_was_told_long_ago_may_be_told_again(postgres_database: str) -> None:
    async def story(first: World, second: World) -> None:
        await tell_as(first, "asset.processed")
        first.clock.move(LIFE)
        await tell_as(second, "asset.transcoded")
        assert await told_as(first, TELLING) == "asset.transcoded"

    live(postgres_database, story)


def test_one_change_that_is_published_as_two_on_two_nodes_is_told_once(
    postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = PgConnection.commit

    def commit_slowly(connection: PgConnection) -> None:
        time.sleep(0.005)  # as a disk, or a standby, takes: what is begun meanwhile sees nothing of it
        commit(connection)

    async def story(first: Node, second: Node) -> None:
        endpoint = await first.add_endpoint(owner=first, dialect="vimeo")
        await until(lambda: second.engine.directory.endpoint(endpoint.id) is not None)
        monkeypatch.setattr(PgConnection, "commit", commit_slowly)
        for number in range(10):
            publishing = [
                node.publish_change(f"a{number}", event_type, "2026-01-01T00:00:00Z")
                for node, event_type in ((first, "asset.updated"), (second, "asset.moved"), (first, "asset.updated"))
            ]
            told = await asyncio.gather(*publishing)
            assert told[1] + max(told[0], told[2]) == 1, "as a move or as an update"
        monkeypatch.undo()

    async def run() -> None:
        async with two_nodes(postgres_database, NEVER_SECONDS) as (first, second):
            await story(first, second)

    asyncio.run(run())
