"""PostgreSQL that is lost: frozen, moved to another server, or gone in a commit."""

import asyncio
import socket
from collections.abc import Iterator

import asyncpg
import pytest
from tests.conformance.conftest import PostgresTeller
from tests.conformance.world import World
from tests.support.wall import Wall

from reelhook.errors import OutcomeUnknown, StoreBusy
from reelhook.model.delivery import State
from reelhook.store.postgres.connection import LOST, PgConnection
from reelhook.store.postgres.opening import urls_of
from reelhook.store.postgres.reading import PgReading

COMMIT = b"COMMIT\0"


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2].partition("/")[0])


@pytest.fixture
def wall(postgres_database: str) -> Iterator[Wall]:
    with Wall(port_of(postgres_database)) as wall:
        yield wall


@pytest.fixture
def behind(postgres_database: str, wall: Wall) -> str:
    """The database's URL through the wall."""
    return postgres_database.replace(f":{port_of(postgres_database)}/", f":{wall.port}/")


@pytest.mark.fault("R10")
def test_a_server_that_swallows_everything_is_given_up_and_used_again_when_it_answers(wall: Wall, behind: str) -> None:
    connection = PgConnection(behind, patience=1)
    assert connection.execute("SELECT 1").get == 1
    wall.freeze()
    for _ in range(2):  # the connection that there was, and a new one
        with pytest.raises(TimeoutError) as late:
            connection.execute("SELECT 1")
        assert isinstance(connection.named(late.value), StoreBusy)
    assert connection._loop is not None
    assert not asyncio.all_tasks(connection._loop), "the driver is left with something to do"
    wall.heal()
    assert connection.execute("SELECT 1").get == 1
    connection.close()


@pytest.mark.fault("R10")
def test_who_waits_behind_readers_of_a_server_that_swallows_everything_is_refused_with_them(
    wall: Wall, behind: str
) -> None:
    async def story() -> None:
        reading = PgReading(lambda: PgConnection(behind, patience=1), 1, threads=1)
        wall.freeze()
        asked = [reading.run(lambda connection: connection.execute("SELECT 1").get) for _ in range(50)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert {type(answer) for answer in answers} == {StoreBusy}
        await asyncio.to_thread(reading.stop)

    asyncio.run(asyncio.wait_for(story(), 20))


def test_the_system_watches_whether_the_other_side_is_still_there(postgres_database: str) -> None:
    connection = PgConnection(postgres_database)
    connection.execute("SELECT 1")
    link = connection._pg._transport.get_extra_info("socket")
    assert link.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    connection.close()


@pytest.mark.parametrize(
    ("url", "each"),
    [
        ("postgresql://u@h/d", ["postgresql://u@h/d"]),
        ("postgresql://u:p%40@a:1,b:2/d?x=y,z", ["postgresql://u:p%40@a:1/d?x=y,z", "postgresql://u:p%40@b:2/d?x=y,z"]),
        ("postgresql://[::1]:5,b/d", ["postgresql://[::1]:5/d", "postgresql://b/d"]),
        ("postgresql:///d?host=/run", ["postgresql:///d?host=/run"]),
    ],
)
def test_one_url_may_name_several_servers(url: str, each: list[str]) -> None:
    assert urls_of(url) == each


@pytest.mark.fault("R9")
def test_the_server_is_used_that_can_be_and_takes_writes(postgres_database: str, wall: Wall, behind: str) -> None:
    """One is not there, one swallows everything, one only reads, as a standby does; the last one is good."""
    good = PgConnection(postgres_database)
    name = postgres_database.rpartition("/")[2]
    good.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    only_reads = f"127.0.0.1:{port_of(postgres_database)}"
    connection = PgConnection(postgres_database.replace(only_reads, f"127.0.0.1:1,{only_reads}"), patience=2)
    with pytest.raises(LOST) as refused:
        connection.execute("SELECT 1")
    assert "takes no writes" in str(connection.named(refused.value))
    good.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
    wall.freeze()
    several = postgres_database.replace(only_reads, f"127.0.0.1:1,127.0.0.1:{wall.port},{only_reads}")
    connection = PgConnection(several, patience=3)
    assert connection.execute("SELECT 1").get == 1
    connection.drop()
    assert connection.execute("SELECT 1").get == 1
    connection.close()
    good.close()


@pytest.mark.fault("R8")
def test_only_a_loss_in_the_commit_leaves_the_outcome_unknown(wall: Wall, behind: str) -> None:
    connection = PgConnection(behind)
    connection.begin()
    wall.cut()
    with pytest.raises(LOST) as lost:
        connection.execute("SELECT 1")
    assert type(connection.named(lost.value)) is StoreBusy
    wall.heal()
    connection.rollback()
    connection.begin()
    wall.lose_answer_to(COMMIT)
    with pytest.raises(LOST) as lost:
        connection.commit()
    assert isinstance(connection.named(lost.value), OutcomeUnknown)
    connection.begin()
    connection.commit()
    connection.close()


@pytest.mark.fault("R8")
def test_a_claim_of_which_nobody_knows_whether_it_happened_goes_back_at_once(wall: Wall, behind: str) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        await world.publish(endpoint)
        wall.lose_answer_to(COMMIT)
        with pytest.raises(OutcomeUnknown):
            await world.claim(endpoint)
        [again] = await world.claim(endpoint, claim_id=8)
        assert again.attempts == 1
        assert await world.store.journal.record(world.completion(again, endpoint))
        [delivery] = await world.deliveries()
        assert (delivery.state, delivery.attempts) == (State.DELIVERED, 1)

    PostgresTeller(behind)(story)


@pytest.mark.fault("R8")
def test_only_who_was_in_the_commit_is_told_that_nobody_knows(wall: Wall, behind: str) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint()

        wall.lose_answer_to(COMMIT)
        first = asyncio.create_task(world.publish(endpoint))
        while not world.store.commit.pending and not first.done():
            await asyncio.sleep(0)
        await asyncio.sleep(0)  # now it is with the writer
        second = asyncio.create_task(world.publish(endpoint))
        outcomes = await asyncio.gather(first, second, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [OutcomeUnknown, StoreBusy]
        assert len(await world.events()) == 1

    PostgresTeller(behind)(story)


def test_a_server_that_says_good_bye_between_two_statements_is_a_lost_connection(postgres_database: str) -> None:
    """The driver reads the good-bye with whatever it reads next, and is then in a state that it cannot leave."""
    connection = PgConnection(postgres_database)
    connection.begin()

    async def good_bye(pg: asyncpg.Connection) -> None:
        raise asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress")

    with pytest.raises(LOST) as lost:
        connection._wait(good_bye)
    assert isinstance(connection.named(lost.value), StoreBusy)
    connection.rollback()
    assert connection.execute("SELECT 1").get == 1
    connection.close()
