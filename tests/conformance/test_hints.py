"""Hints between the nodes of one PostgreSQL: with them a node knows at once, without them a little later."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import msgspec
import pytest
from tests.conformance.town_of_engines import LEASE, NEVER_SECONDS, Node, two_nodes, until

from reelhook.store.postgres import hints
from reelhook.store.postgres.connection import PgConnection
from reelhook.store.postgres.hints import CHANNEL, MOST_NAMED, Hint, PgHints

OFTEN_SECONDS = 0.05
LISTENERS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE '%hints'"


def live(url: str, story: Callable[[Node, Node], Awaitable[Any]], looks_every: float, *, pooled: bool = False) -> None:
    async def run() -> None:
        async with two_nodes(url, looks_every, pooled=pooled) as (first, second):
            await story(first, second)

    asyncio.run(run())


async def run_sql(url: str, sql: str) -> list[Any]:
    def run() -> list[Any]:
        connection = PgConnection(url)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    return await asyncio.to_thread(run)


# Nodes


def test_a_node_hears_at_once_what_another_accepts_for_its_endpoints(postgres_database: str) -> None:
    async def story(first: Node, second: Node) -> None:
        await first.add_endpoint(owner=second)
        published = [await first.publish() for _ in range(3)]
        await until(lambda: sorted(second.wire.sent) == sorted(published))
        assert first.wire.sent == []

    live(postgres_database, story, NEVER_SECONDS)


def test_a_node_hears_at_once_what_another_changes_in_the_registries(postgres_database: str) -> None:
    async def story(first: Node, second: Node) -> None:
        endpoint = await first.add_endpoint(owner=first)
        await until(lambda: second.engine.directory.endpoint(endpoint.id) is not None)
        assert second.store.hints.received > 0
        published = await second.publish()
        await until(lambda: first.wire.sent == [published])

    live(postgres_database, story, NEVER_SECONDS)


def test_what_is_resent_through_one_node_the_owner_sends_at_once(postgres_database: str) -> None:
    async def story(first: Node, second: Node) -> None:
        await first.add_endpoint(owner=second)
        published = await first.publish()
        await first.resend_what_was_delivered()
        await until(lambda: second.wire.sent == [published] * 2)

    live(postgres_database, story, NEVER_SECONDS)


@pytest.mark.fault("R11")
def test_without_anybody_who_listens_a_node_finds_everything_by_itself(
    postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dead(*_: object) -> None:
        raise asyncpg.ConnectionDoesNotExistError("there is nobody to listen")

    async def story(first: Node, second: Node) -> None:
        monkeypatch.setattr(PgHints, "_live", dead)
        await run_sql(postgres_database, LISTENERS.replace("SELECT pid", "SELECT pg_terminate_backend(pid)"))
        await until(lambda: not any(node.store.hints.listening.is_set() for node in (first, second)))
        endpoint = await first.add_endpoint(owner=second)
        await until(lambda: second.engine.directory.endpoint(endpoint.id) is not None)
        published = [await first.publish() for _ in range(3)]
        await until(lambda: sorted(second.wire.sent) == sorted(published))
        assert [node.store.hints.received for node in (first, second)] == [0, 0]

    live(postgres_database, story, OFTEN_SECONDS)


@pytest.mark.fault("R11")
def test_a_listener_that_is_cut_off_listens_again(postgres_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hints, "_FIRST_PAUSE", 0.01)

    async def story(first: Node, second: Node) -> None:
        before = await run_sql(postgres_database, LISTENERS)
        assert len(before) == 2
        await run_sql(postgres_database, LISTENERS.replace("SELECT pid", "SELECT pg_terminate_backend(pid)"))
        await until(lambda: not any(node.store.hints.listening.is_set() for node in (first, second)))
        await until(lambda: all(node.store.hints.listening.is_set() for node in (first, second)))
        await first.add_endpoint(owner=second)
        published = await first.publish()
        await until(lambda: second.wire.sent == [published])

    live(postgres_database, story, NEVER_SECONDS)


def test_behind_a_pooler_nobody_listens_and_everything_is_found(postgres_database: str) -> None:
    async def story(first: Node, second: Node) -> None:
        await first.add_endpoint(owner=second)
        published = await first.publish()
        await until(lambda: second.wire.sent == [published])
        assert await run_sql(postgres_database, LISTENERS) == []

    live(postgres_database, story, OFTEN_SECONDS, pooled=True)


def test_a_node_shows_what_it_owns_and_how_fresh_its_knowledge_is(postgres_database: str) -> None:
    async def story(first: Node, second: Node) -> None:
        endpoint = await first.add_endpoint(owner=first)
        await until(lambda: second.engine.directory.endpoint(endpoint.id) is not None)
        shown = second.metrics.render().decode()
        values = dict(line.split() for line in shown.splitlines() if line.startswith("reelhook_") and "{" not in line)
        assert (values["reelhook_nodes"], values["reelhook_shards_owned"]) == ("2.0", "128.0")
        assert 0 <= float(values["reelhook_lease_age_seconds"]) < LEASE
        assert 0 <= float(values["reelhook_registries_age_seconds"]) < LEASE
        assert float(values["reelhook_hints_received_total"]) == second.store.hints.received > 0

    live(postgres_database, story, NEVER_SECONDS)


# Hints


def talk(url: str, story: Callable[[PgHints, list[Hint], PgHints], Awaitable[Any]]) -> None:
    """Run a story with one who tells, and what another hears of it."""

    async def run() -> None:
        heard: list[Hint] = []
        teller, listener = PgHints(url, heard.append), PgHints(url, heard.append)
        await asyncio.gather(teller.listening.wait(), listener.listening.wait())
        try:
            await story(teller, heard, listener)
        finally:
            await asyncio.gather(teller.close(), listener.close())

    asyncio.run(run())


def test_what_is_told_at_once_is_heard_as_one_and_each_endpoint_once(postgres_database: str) -> None:
    async def story(teller: PgHints, heard: list[Hint], listener: PgHints) -> None:
        for number in (3, 1, 3, 2, 1):
            teller.due([number])
        teller.changed()
        await until(lambda: heard)
        assert [(sorted(one.due), one.changed) for one in heard] == [([1, 2, 3], True)]
        assert (teller.received, listener.received) == (0, 1), "nobody hears himself"

    talk(postgres_database, story)


def test_more_endpoints_than_a_hint_can_name_are_not_named(postgres_database: str) -> None:
    largest = (1 << 63) - 1

    async def story(teller: PgHints, heard: list[Hint], _: PgHints) -> None:
        teller.due(range(largest - MOST_NAMED, largest))
        await until(lambda: len(heard) == 1)
        assert len(heard[0].due) == MOST_NAMED
        teller.due(range(MOST_NAMED + 1))
        await until(lambda: len(heard) == 2)
        assert heard[1] == Hint(named=False)
        teller.due([7])
        await until(lambda: len(heard) == 3)
        assert heard[2] == Hint((7,))

    talk(postgres_database, story)


def test_the_longest_hint_fits_into_a_notification() -> None:
    hint = Hint(tuple(range((1 << 63) - MOST_NAMED, 1 << 63)), changed=True)
    assert len(msgspec.json.encode(hint)) < 8000


@pytest.mark.parametrize("payload", ["", "nonsense", "[]", '{"due":"x"}', '{"due":[1.5]}'])
def test_what_somebody_else_says_on_the_channel_is_passed_over(postgres_database: str, payload: str) -> None:
    async def story(teller: PgHints, heard: list[Hint], _: PgHints) -> None:
        await run_sql(postgres_database, f"SELECT pg_notify('{CHANNEL}', '{payload}')")
        teller.due([7])
        await until(lambda: heard)
        assert heard == [Hint((7,))]

    talk(postgres_database, story)


def test_who_closes_leaves_no_connection_and_no_task(postgres_database: str) -> None:
    async def run() -> None:
        before = asyncio.all_tasks()
        closed, abandoned = (PgHints(postgres_database, lambda _: None) for _ in range(2))
        await asyncio.gather(closed.listening.wait(), abandoned.listening.wait())
        await closed.close()
        abandoned.abandon()
        await until(lambda: asyncio.all_tasks() == before)
        async with asyncio.timeout(20):
            while await run_sql(postgres_database, LISTENERS):
                await asyncio.sleep(0.01)

    asyncio.run(run())
