"""PostgreSQL on its own, over a real server: connection, statements, start, commits of unknown outcome, two nodes."""

import asyncio
import threading
from collections.abc import Iterator
from importlib import resources
from typing import Any

import asyncpg
import pytest
from tests.conformance.conftest import SECRET_KEY, PostgresTeller
from tests.conformance.world import HandClock, World
from tests.support.postgres import Cluster

from reelhook.errors import StoreBusy, Unavailable
from reelhook.model.delivery import State
from reelhook.model.ids import IdSource
from reelhook.model.secret import Secret
from reelhook.store.migrate import latest_version, migrate, schema_version
from reelhook.store.postgres.connection import LOST, PgConnection
from reelhook.store.postgres.store import PostgresOptions, PostgresStore
from reelhook.store.postgres.texts import POSTGRES, translate
from reelhook.store.sql import Bulk
from reelhook.store.statements import statements, texts_of

FILES = sorted(
    one.name.removesuffix(".sql")
    for one in resources.files("reelhook.store").joinpath("sql", POSTGRES).iterdir()
    if one.name.endswith(".sql")
)


@pytest.fixture
def connection(postgres_database: str) -> Iterator[PgConnection]:
    connection = PgConnection(postgres_database)
    yield connection
    connection.close()


@pytest.fixture
def empty_database(oldest_postgres: Cluster) -> Iterator[str]:
    yield oldest_postgres.database("empty")
    oldest_postgres.drop("empty")


def other(connection: PgConnection, sql: str) -> None:
    """Run a statement on another connection."""
    another = PgConnection(connection._url)
    another.execute(sql)
    another.close()


def kill(connection: PgConnection) -> None:
    """End the connection at the server's side."""
    number = connection.execute("SELECT pg_backend_pid()").get
    other(connection, f"SELECT pg_terminate_backend({number})")


@pytest.mark.parametrize("file", FILES)
def test_every_statement_can_be_prepared(connection: PgConnection, file: str) -> None:
    for name, sql in texts_of(POSTGRES, file).items():
        text = translate(sql)
        if text.sql:
            try:
                connection._wait(lambda pg, text=text: pg.prepare(text.sql))
            except asyncpg.PostgresError as error:
                pytest.fail(f"{file}.{name}: {error}")


def test_rows_are_written_and_asked_for_at_once(connection: PgConnection) -> None:
    queue = Bulk(statements("journal")["insert_queue"], 3)
    assert queue.run(connection, [(1, number, number) for number in range(1000)]) == 1000
    assert queue.run(connection, [(1, 7, 7), (1, 7, 1007)]) == 1, "one of them is there already"
    assert connection.execute(statements("queue")["next_due"], (1,)).get == 0
    delete = Bulk(statements("queue")["delete_queue"], 3)
    assert delete.run(connection, [(1, number, number) for number in range(999)]) == 999
    assert queue.run(connection, []) == 0


def test_a_statement_without_meaning_here_is_not_run(connection: PgConnection) -> None:
    assert Bulk(statements("queue")["insert_claims"], 1).run(connection, [(1,)]) == 0
    assert connection._pg is None, "the server was not even asked"


def test_a_savepoint_undoes_what_failed_and_nothing_else(connection: PgConnection) -> None:
    put = statements("meta")["put"]
    connection.begin()
    connection.execute(put, ("one", 1))
    with pytest.raises(asyncpg.PostgresError), connection:  # noqa: PT012 - the second statement undoes the first
        connection.execute(put, ("two", 2))
        connection.execute("SELECT nonsense")
    connection.commit()
    assert connection.execute("SELECT key FROM meta WHERE key IN ('one', 'two')").fetchall() == [("one",)]


def test_a_commit_that_the_server_made_a_rollback_of_is_an_error(connection: PgConnection) -> None:
    connection.begin()
    with pytest.raises(asyncpg.PostgresError):
        connection.execute("SELECT nonsense")
    with pytest.raises(asyncpg.InFailedSQLTransactionError):
        connection.commit()
    assert connection.execute("SELECT 1").get == 1


@pytest.mark.fault("R8")
def test_a_connection_lost_within_a_transaction_is_told_and_opened_anew(connection: PgConnection) -> None:
    connection.begin()
    connection.execute(statements("meta")["put"], ("lost", 1))
    kill(connection)
    with pytest.raises(LOST) as lost:
        connection.execute("SELECT 1")
    assert isinstance(connection.named(lost.value), StoreBusy)
    connection.rollback()
    assert connection.execute("SELECT count(*) FROM meta WHERE key = 'lost'").get == 0


@pytest.mark.fault("R8")
def test_a_connection_lost_while_nobody_used_it_is_opened_anew_before_anything_is_begun(
    connection: PgConnection,
) -> None:
    kill(connection)
    connection.begin()
    connection.execute(statements("meta")["put"], ("kept", 1))
    connection.commit()
    assert connection.execute("SELECT value FROM meta WHERE key = 'kept'").get == 1


@pytest.mark.fault("R8")
def test_a_publish_after_a_restart_of_an_idle_server_is_taken_at_once(postgres_database: str) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        cut = PgConnection(postgres_database)
        others = "datname = current_database() AND pid <> pg_backend_pid()"
        await asyncio.to_thread(cut.execute, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
        await asyncio.to_thread(cut.close)
        await world.publish(endpoint)
        assert len(await world.claim(endpoint)) == 1

    PostgresTeller(postgres_database)(story)


def test_a_value_that_no_column_takes_is_the_operations_fault_and_keeps_the_connection(
    connection: PgConnection,
) -> None:
    connection.execute("SELECT 1")
    before = connection._pg
    with pytest.raises(Exception, match="int") as wrong:
        connection.execute(statements("meta")["put"], ("key", "no number"))
    assert connection.named(wrong.value) is wrong.value
    assert connection._pg is before


def test_a_server_that_is_not_there_is_named(tmp_path: Any) -> None:
    connection = PgConnection("postgresql://nobody@127.0.0.1:1/nothing")
    with pytest.raises(OSError) as refused:  # noqa: PT011 - what the system says differs
        connection.execute("SELECT 1")
    assert "PostgreSQL cannot be used" in str(connection.named(refused.value))
    connection.close()


@pytest.mark.fault("R28")
def test_nodes_that_start_at_once_migrate_once(empty_database: str) -> None:
    done: list[int] = []
    ready = threading.Barrier(4)

    def run() -> None:
        connection = PgConnection(empty_database)
        ready.wait()
        done.extend(migrate(connection))
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == list(range(1, latest_version(POSTGRES) + 1))


@pytest.mark.fault("R28")
def test_nodes_that_start_at_once_on_an_empty_database_agree_on_its_key(empty_database: str) -> None:
    async def start() -> PostgresStore:
        return await PostgresStore.open(PostgresOptions(empty_database, SECRET_KEY), HandClock(), IdSource())

    async def story() -> None:
        for store in await asyncio.gather(*(start() for _ in range(3))):
            assert store.apps.get("default") is not None
            await store.close()

    asyncio.run(story())


def test_a_database_of_another_program_or_of_a_newer_version_is_refused(connection: PgConnection) -> None:
    connection.execute("UPDATE meta SET value = 99 WHERE key IN ('schema_version', 'schema_oldest')")
    with pytest.raises(Unavailable, match="schema 99"):
        migrate(connection)
    assert schema_version(connection) == 99
    connection.run_script("DROP TABLE meta")
    with pytest.raises(Unavailable, match="not one of Reelhook's"):
        migrate(connection)


def test_a_key_is_needed_and_must_be_the_one(postgres_database: str) -> None:
    async def start(key: Secret | None) -> None:
        await PostgresStore.open(PostgresOptions(postgres_database, key), HandClock(), IdSource())

    with pytest.raises(Unavailable, match="must be given with PostgreSQL"):
        asyncio.run(start(None))
    with pytest.raises(Unavailable, match="not the key"):
        asyncio.run(start(Secret("another passphrase")))


# A commit of which nobody can tell whether it happened is tried again.


@pytest.mark.fault("R8")
def test_a_completion_that_is_tried_again_counts_once(postgres_database: str) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        await world.publish(endpoint)
        [claimed] = await world.claim(endpoint)
        completion = world.completion(claimed, endpoint)
        assert await world.store.journal.record(completion)
        assert await world.store.journal.record(completion), "it is still ours"
        stats = await world.store.log.stats(
            "default", endpoint.id, world.clock.time - 60_000, world.clock.time + 60_000, 60_000
        )
        assert (stats.delivered, len(await world.attempts())) == (1, 1)

    PostgresTeller(postgres_database)(story)


@pytest.mark.fault("R8")
def test_a_retry_that_is_tried_again_waits_once(postgres_database: str) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        await world.publish(endpoint)
        [claimed] = await world.claim(endpoint)
        due = world.clock.time + 5
        completion = world.completion(claimed, endpoint, status=500, state=State.RETRYING, due_at=due)
        for _ in range(2):
            assert await world.store.journal.record(completion)
        world.clock.move(10)
        assert len(await world.claim(endpoint)) == 1
        assert await world.store.journal.record(completion)
        [delivery] = await world.deliveries()
        assert (delivery.state, delivery.attempts) == (State.SENDING, 2), "by now it is another claim's"

    PostgresTeller(postgres_database)(story)


@pytest.mark.fault("R8")
def test_a_release_that_is_tried_again_waits_once(postgres_database: str) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        for _ in range(3):
            await world.publish(endpoint)
        claimed = await world.claim(endpoint)
        for _ in range(2):
            await world.store.queue.release(claimed)
            world.clock.move(5)
        again = await world.claim(endpoint, 10, claim_id=8)
        assert [one.attempts for one in again] == [1, 1, 1]

    PostgresTeller(postgres_database)(story)


@pytest.mark.fault("R8")
def test_a_server_that_restarts_costs_nobody_anything_but_time(postgres_database: str) -> None:
    """Connections are cut while the store works: reads try again, writes say busy, what must be kept is kept."""

    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        await world.publish(endpoint)
        [claimed] = await world.claim(endpoint)
        cut = PgConnection(postgres_database)
        others = "datname = current_database() AND pid <> pg_backend_pid()"
        every = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"
        await asyncio.to_thread(cut.execute, every)
        recorded = world.store.journal.record(world.completion(claimed, endpoint))
        assert len(await world.deliveries()) == 1
        assert await recorded
        await asyncio.to_thread(cut.close)
        assert [one.state for one in await world.deliveries()] == [State.DELIVERED]

    PostgresTeller(postgres_database)(story)


@pytest.mark.parametrize("crash", [False, True], ids=["closed", "abandoned"])
def test_a_store_that_is_gone_leaves_no_thread_no_task_and_no_connection(postgres_database: str, crash: bool) -> None:
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"

    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        await world.publish(endpoint)
        assert len(await world.deliveries()) == 1
        await world.store.members.join(takes=True)
        await world.store.hints.listening.wait()

    async def live() -> None:
        threads, tasks = set(threading.enumerate()), asyncio.all_tasks()
        await PostgresTeller(postgres_database)._run(story, crash)
        async with asyncio.timeout(20):
            while asyncio.all_tasks() != tasks:
                await asyncio.sleep(0.01)
        left = {one.name for one in set(threading.enumerate()) - threads if not one.name.startswith("asyncio")}
        assert left == set()

    asyncio.run(live())
    connection = PgConnection(postgres_database)
    for _ in range(500):
        if connection.execute(others).get == 0:
            break
        connection.execute("SELECT pg_sleep(0.02)")
    assert connection.execute(others).get == 0
    connection.close()


def test_what_is_published_through_two_nodes_at_once_with_one_key_happens_once(postgres_database: str) -> None:
    async def story(world: World) -> None:
        options = PostgresOptions(postgres_database, SECRET_KEY)
        second = World(await PostgresStore.open(options, world.clock, IdSource(1)), world.clock, IdSource(1))
        endpoint = await world.endpoint()
        await second.entry_seen()
        outcomes = await asyncio.gather(
            *(each.publish(endpoint, given_id="one") for each in (world, second)), return_exceptions=True
        )
        assert sorted(isinstance(one, Unavailable) for one in outcomes) == [False, True]
        assert len(await world.events()) == 1
        await second.store.close()

    PostgresTeller(postgres_database)(story)


def test_an_endpoint_made_on_one_node_misses_no_event_published_on_another(postgres_database: str) -> None:
    async def story(world: World) -> None:
        # It looks for itself once an hour, and hears no hint: so it cannot know of the endpoint when it publishes.
        options = PostgresOptions(postgres_database, SECRET_KEY, pooled=True, refresh=3600)
        second = World(await PostgresStore.open(options, world.clock, IdSource(1)), world.clock, IdSource(1))
        await world.endpoint()
        with pytest.raises(Unavailable, match="changed on another node"):
            await second.publish(app_id="default")
        await second.entry_seen()
        assert len(list(second.store.endpoints.all())) == 1
        await second.publish(app_id="default")
        await second.store.close()

    PostgresTeller(postgres_database)(story)
