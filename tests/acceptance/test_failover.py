"""The primary dies and its standby takes over: nodes find it, and what was answered is kept."""

import signal
import tempfile
from pathlib import Path

import pytest
from tests.acceptance.publisher import Publisher
from tests.acceptance.steps import add_endpoint, assert_all_accounts_agree
from tests.acceptance.town import node
from tests.support.checker import Ledger, read_store, wait_until_closed
from tests.support.fast_receiver import Rule
from tests.support.postgres import Cluster, servers
from tests.support.program import until
from tests.support.wall import Wall

DATABASE = "installation"
STANDBY = "standby"
HANG_UP = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


def _folder():
    return Path(tempfile.mkdtemp(prefix="reelhook-postgres-"))


@pytest.fixture
def primary():
    with Cluster(_folder(), servers()[min(servers(), key=int)], durable=True) as primary:
        primary.database(DATABASE)
        yield primary


@pytest.fixture
def wall(primary):
    """What is between the primary and its standby."""
    with Wall(primary.port) as wall:
        yield wall


@pytest.fixture
def standby(primary, wall):
    """Another server that follows the primary, without holding it up."""
    with primary.standby(_folder(), STANDBY, wall.port) as standby:
        yield standby


@pytest.fixture
def synchronous(primary, standby):
    """The same, and no commit is answered before it is on the disks of both."""
    primary.sql(f"ALTER SYSTEM SET synchronous_standby_names = '{STANDBY}'")
    primary.sql("SELECT pg_reload_conf()")
    in_step = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
    until(lambda: primary.sql(in_step) == "1\n", "the standby is in step")
    return standby


def url_of(*clusters):
    hosts = ",".join(f"127.0.0.1:{each.port}" for each in clusters)
    return clusters[0].url(DATABASE).replace(f"127.0.0.1:{clusters[0].port}", hosts)


@pytest.mark.fault("R9")
def test_a_failover_to_a_synchronous_standby_loses_nothing_that_was_answered(primary, synchronous, tmp_path, receiver):
    url = url_of(primary, synchronous)
    with node(tmp_path / "a", url) as first, node(tmp_path / "b", url) as second:
        targets = [add_endpoint(first.api(), receiver, f"/{name}") for name in ("a", "b")]
        receiver.behave(Rule(503, path="/b", containing='-7"', times=50))
        with Publisher(first, threads=4, doubtful=(503,)) as publisher:
            until(lambda: publisher.accepted > 100, "events are taken")
            primary.stop(signal.SIGQUIT)
            synchronous.promote()
            before = publisher.accepted
            until(lambda: publisher.accepted > before + 100, "events are taken again")
            # The old primary comes back as a server that only reads, and knows nothing of what happened meanwhile.
            primary.only_read()
            primary.start()
            assert second.stop() == 0
            second.start()
            synchronous.sql(HANG_UP, DATABASE)
            before = publisher.accepted
            until(lambda: publisher.accepted > before + 100, "events are taken by the one that takes writes")
        assert_all_accounts_agree(second.api(), publisher.ledger, targets, receiver)
        for each in (first, second):
            assert each.running()
            assert "Traceback" not in each.said()
            print(each.said()[-5000:])  # noqa: T201 - shown beside a failure only


@pytest.mark.fault("R9")
def test_a_failover_to_an_asynchronous_standby_loses_what_had_not_reached_it_and_nothing_else(
    primary, standby, wall, tmp_path, receiver
):
    url = url_of(primary, standby)
    with node(tmp_path / "a", url) as program:
        api = program.api()
        add_endpoint(api, receiver)
        kept = [_publish(api, f"kept-{number}") for number in range(20)]
        behind = "SELECT count(*) FROM pg_stat_replication WHERE replay_lsn = pg_current_wal_lsn()"
        until(lambda: primary.sql(behind) == "1\n", "the standby has it all")
        wall.cut()
        lost = [_publish(api, f"lost-{number}") for number in range(20)]
        primary.stop(signal.SIGQUIT)
        standby.promote()
        until(lambda: api.ask("GET", "/v1/events").status == 200, "the node has found the new primary")
        assert read_store(api).events.keys() == set(kept)
        until(lambda: api.ask("POST", "/v1/events", _event("lost-0")).status == 202, "it is taken again")
        again = [_publish(api, f"lost-{number}") for number in range(20)]
        assert again == lost  # under the same ids, which its publisher gave them
        wait_until_closed(api)
        assert read_store(api).events.keys() == {*kept, *again} == {each.message_id for each in receiver.receipts()}
        assert "Traceback" not in program.said()
        print(program.said()[-5000:])  # noqa: T201 - shown beside a failure only


@pytest.mark.fault("R9")
def test_while_the_synchronous_standby_is_gone_nothing_is_promised_and_then_it_is_there_once(
    primary, synchronous, wall, tmp_path, receiver
):
    with node(tmp_path / "a", url_of(primary, synchronous)) as program:
        api = program.api()
        target = add_endpoint(api, receiver)
        kept = _publish(api, "kept")
        wall.cut()
        refused = api.ask("POST", "/v1/events", _event("waits"))
        assert (refused.status, refused.headers["content-type"]) == (503, "application/problem+json")
        wall.heal()
        until(lambda: api.ask("POST", "/v1/events", _event("waits")).status == 202, "it is taken again")
        ledger = Ledger({kept: _event("kept")["data"], "waits": _event("waits")["data"]}, {})
        assert_all_accounts_agree(api, ledger, [target], receiver)
        assert "Traceback" not in program.said()
        print(program.said()[-5000:])  # noqa: T201 - shown beside a failure only


def _publish(api, nonce):
    return api.post("/v1/events", _event(nonce))["id"]


def _event(nonce):
    return {"id": nonce, "type": "asset.updated", "data": {"nonce": nonce}}
