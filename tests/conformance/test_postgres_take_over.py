"""Taking shards over on PostgreSQL: what is rescued is the last owner's, never the next one's."""

import asyncio
from typing import Any

import pytest
from tests.conformance.conftest import SECRET_KEY
from tests.conformance.world import HandClock, World

from reelhook.model.ids import IdSource
from reelhook.model.shard import shard_of
from reelhook.ports import Orphans
from reelhook.store.postgres.store import PostgresOptions, PostgresStore


def patient(_endpoint_id: int, _step: int) -> float:
    return 60.0


async def taken_over(url: str, *, given_away: bool) -> tuple[Any, list[Any]]:
    """Let a node take all shards, and another one claim, before the first comes to rescue what it took."""
    clock, ids = HandClock(), IdSource()
    store = await PostgresStore.open(PostgresOptions(url, SECRET_KEY), clock, ids)
    other = await PostgresStore.open(PostgresOptions(url, SECRET_KEY), clock, ids)
    try:
        for one in (store, other):
            await one.members.join(takes=True)
        world = World(store, clock, ids)
        endpoint = await world.endpoint()
        await world.publish(endpoint)
        epochs = (await store.members.renew(takes=True)).epochs
        if given_away:
            await store.members.leave()
            assert shard_of(endpoint.id) in (await other.members.renew(takes=True)).epochs
        claimed = await world.claim(endpoint)
        rescued = await store.queue.rescue(clock.time, patient, Orphans(epochs, epochs=epochs))
        return rescued, claimed
    finally:
        await store.close()
        await other.close()


@pytest.mark.parametrize("given_away", [False, True], ids=["still ours", "given away"])
def test_a_rescue_leaves_alone_what_the_next_owner_of_a_shard_has_claimed(
    postgres_database: str, given_away: bool
) -> None:
    rescued, claimed = asyncio.run(taken_over(postgres_database, given_away=given_away))
    assert len(claimed) == 1
    assert rescued.count == (0 if given_away else 1)
