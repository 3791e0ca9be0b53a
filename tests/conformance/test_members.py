"""The nodes of one PostgreSQL: who has which shards, and what happens when one is silent, leaves or comes back."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.support.postgres import Cluster

from reelhook.errors import StoreBusy, WrongKey
from reelhook.model.ids import IdSource
from reelhook.model.shard import EVERY_SHARD, SHARDS, shard_of
from reelhook.store.postgres.connection import PgConnection
from reelhook.store.postgres.members import PgMembers

LEASE = 15.0
LAPSE = "UPDATE shards SET lease_until = now() - interval '1 second' WHERE node = "
SILENCE = "UPDATE nodes SET seen_until = now() - interval '1 second' WHERE id = "
FORGET = "DELETE FROM nodes WHERE id = "
CROWD = (
    "INSERT INTO nodes (id, number, works, seen_until) "
    "SELECT 'node ' || number, number, false, now() FROM generate_series(0, 127) number"
)


class Nodes:
    """Members of one database; `run` does to it what time, or an operator, would do."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._all: list[PgMembers] = []

    async def join(self, *, takes: bool = True, seals: bytes | None = None) -> tuple[PgMembers, int]:
        members = PgMembers(self._url, LEASE, seals=seals)
        self._all.append(members)
        return members, await members.join(takes=takes)

    async def run(self, sql: str, members: PgMembers) -> None:
        await self.do(f"{sql}'{members._membership._node}'")

    async def do(self, sql: str) -> None:
        await asyncio.to_thread(self._run, sql)

    async def stop(self) -> None:
        for members in self._all:
            await asyncio.to_thread(members.stop)

    def _run(self, sql: str) -> None:
        connection = PgConnection(self._url)
        connection.execute(sql)
        connection.close()


@pytest.fixture
def nodes(postgres_database: str) -> Callable[[Callable[[Nodes], Awaitable[Any]]], Any]:
    async def run(story: Callable[[Nodes], Awaitable[Any]]) -> Any:
        nodes = Nodes(postgres_database)
        try:
            return await story(nodes)
        finally:
            await nodes.stop()

    return lambda story: asyncio.run(run(story))


async def settle(*members: PgMembers) -> list[frozenset[int]]:
    """Let all renew and give away at once what is too much, until nothing changes; return who has what."""
    before: list[frozenset[int]] = []
    while True:
        held = []
        for one in members:
            holding = await one.renew(takes=True)
            if holding.surplus:
                await one.give(holding.surplus)
            held.append(frozenset(holding.epochs) - holding.surplus)
        if held == before:
            return held
        before = held


def test_every_node_has_a_number_of_its_own_which_is_free_again_when_it_leaves(nodes) -> None:
    async def story(nodes: Nodes) -> None:
        (first, zero), (_, one), (_, two) = [await nodes.join() for _ in range(3)]
        assert (zero, one, two) == (0, 1, 2)
        await first.leave()
        assert (await nodes.join())[1] == 0

    nodes(story)


def test_a_node_that_is_alone_takes_every_shard_and_keeps_its_epochs(nodes) -> None:
    async def story(nodes: Nodes) -> None:
        members, number = await nodes.join()
        first = await members.renew(takes=True)
        assert (first.number, set(first.epochs), first.surplus) == (number, EVERY_SHARD, frozenset())
        assert (await members.renew(takes=True)).epochs == first.epochs

    nodes(story)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_nodes_share_every_shard_fairly_and_none_twice(nodes, count: int) -> None:
    async def story(nodes: Nodes) -> None:
        held = await settle(*[(await nodes.join())[0] for _ in range(count)])
        assert sum(map(len, held)) == SHARDS
        assert frozenset().union(*held) == EVERY_SHARD
        assert max(map(len, held)) == -(-SHARDS // count)

    nodes(story)


def test_what_is_given_another_takes_with_the_next_epoch(nodes) -> None:
    async def story(nodes: Nodes) -> None:
        (first, _), (second, _) = await nodes.join(), await nodes.join()
        epochs = (await first.renew(takes=True)).epochs
        assert len(epochs) == SHARDS / 2, "from the start no more than its share"
        await first.give(list(epochs))
        taken = (await second.renew(takes=True)).epochs
        assert all(taken[shard] == epochs[shard] + 1 for shard in taken.keys() & epochs.keys())

    nodes(story)


@pytest.mark.fault("R10")
def test_a_lease_that_has_lapsed_is_anybodys_and_not_renewed(nodes) -> None:
    async def story(nodes: Nodes) -> None:
        (silent, _), (other, _) = await nodes.join(), await nodes.join()
        before = await settle(silent, other)
        await nodes.run(SILENCE, silent)
        assert set((await other.renew(takes=True)).epochs) == before[1], "silent, but its lease has not lapsed"
        await nodes.run(LAPSE, silent)
        taken = await other.renew(takes=True)
        assert set(taken.epochs) == EVERY_SHARD
        assert not (await silent.renew(takes=True)).epochs
        assert [len(held) for held in await settle(silent, other)] == [SHARDS / 2, SHARDS / 2]

    nodes(story)


@pytest.mark.fault("R4")
def test_a_node_whose_lease_lapsed_and_that_nobody_replaced_takes_its_shards_anew(nodes) -> None:
    async def story(nodes: Nodes) -> None:
        members, _ = await nodes.join()
        before = (await members.renew(takes=True)).epochs
        await nodes.run(LAPSE, members)
        after = (await members.renew(takes=True)).epochs
        assert after == {shard: epoch + 1 for shard, epoch in before.items()}

    nodes(story)


def test_a_node_that_was_forgotten_joins_again_under_the_number_that_is_free(nodes) -> None:
    async def story(nodes: Nodes) -> None:
        members, number = await nodes.join()
        await nodes.run(FORGET, members)
        assert (await nodes.join())[1] == number
        assert (await members.renew(takes=True)).number == number + 1

    nodes(story)


@pytest.mark.fault("R27")
def test_a_node_that_takes_nothing_keeps_what_it_has_until_it_gives_it_and_counts_no_more(nodes) -> None:
    async def story(nodes: Nodes) -> None:
        (leaving, _), (other, _) = await nodes.join(), await nodes.join()
        held = (await settle(leaving, other))[0]
        holding = await leaving.renew(takes=False)
        assert set(holding.epochs) == holding.surplus == held
        await leaving.give(held)
        assert set((await other.renew(takes=True)).epochs) == EVERY_SHARD

    nodes(story)


def test_a_node_of_the_api_has_no_shards(nodes) -> None:
    async def story(nodes: Nodes) -> None:
        (api, _), (worker, _) = await nodes.join(takes=False), await nodes.join()
        assert not (await api.renew(takes=False)).epochs
        holding = await worker.renew(takes=True)
        assert (len(holding.epochs), holding.nodes) == (SHARDS, 2)

    nodes(story)


def test_many_nodes_that_start_at_once_all_get_in_and_share_everything(nodes) -> None:
    async def story(nodes: Nodes) -> None:
        joined = await asyncio.gather(*(nodes.join() for _ in range(6)), return_exceptions=True)
        members = [one[0] for one in joined if isinstance(one, tuple)]
        assert len(members) == len(joined), joined
        assert len({one[1] for one in joined}) == len(joined)
        holdings = await asyncio.gather(*(one.renew(takes=True) for one in members))
        taken = [shard for holding in holdings for shard in holding.epochs]
        assert len(taken) == len(set(taken))

    nodes(story)


def test_a_node_too_many_may_try_again_and_gets_in_once_a_number_is_free(nodes) -> None:
    async def story(nodes: Nodes) -> None:
        await nodes.do(CROWD)
        with pytest.raises(StoreBusy, match="128 nodes use this database already"):
            await nodes.join()
        await nodes.do(FORGET + "'node 5'")
        assert (await nodes.join())[1] == 5

    nodes(story)


def test_a_database_that_cannot_be_reached_is_said_to_be_so() -> None:
    async def story() -> None:
        members = PgMembers("postgresql://nobody@127.0.0.1:1/nothing", LEASE)
        with pytest.raises(StoreBusy, match="lease"):
            await members.renew(takes=True)
        await asyncio.to_thread(members.stop)

    asyncio.run(story())


def test_the_shard_of_an_endpoint_is_the_same_in_sql(oldest_postgres: Cluster, postgres_database: str) -> None:
    connection = PgConnection(postgres_database)
    ids = IdSource(5)
    numbers = [ids.take(1_795_242_600_000 + 7919 * place) for place in range(500)] + [1, 255, 256, (1 << 63) - 1]
    found = [connection.execute(f"SELECT {number} % 1000003 * 7919 % 256").get for number in numbers]
    connection.close()
    assert found == [shard_of(number) for number in numbers]


def test_a_node_that_was_not_seen_while_its_key_was_replaced_is_told_so_and_gets_no_shards(
    nodes: Callable[[Callable[[Nodes], Awaitable[Any]]], Any],
) -> None:
    """Regression: it went on to seal with a key that nobody else opens any more."""

    async def story(nodes: Nodes) -> None:
        frozen, _ = await nodes.join(seals=b"old")
        await nodes.run(
            "INSERT INTO meta (key, bytes) SELECT 'seal_retired', 'old'::bytea FROM nodes WHERE id = ", frozen
        )
        with pytest.raises(WrongKey, match="was replaced"):
            await frozen.renew(takes=True)
        with pytest.raises(WrongKey, match="was replaced"):
            await nodes.join(seals=b"old")
        fresh, _ = await nodes.join(seals=b"new")
        assert (await fresh.renew(takes=True)).epochs

    nodes(story)
