"""PostgreSQL crashes and comes back while the program works on it: nothing is lost, every duplicate is explained."""

import random
import signal
import tempfile
import time
from pathlib import Path

import pytest
from tests.acceptance.publisher import Publisher
from tests.acceptance.steps import add_endpoint, assert_all_accounts_agree
from tests.support.fast_receiver import Rule
from tests.support.postgres import Cluster, servers
from tests.support.program import Program, until

CYCLES = 4


@pytest.fixture
def own_postgres():
    """A server that this test alone disturbs."""
    folder = Path(tempfile.mkdtemp(prefix="reelhook-postgres-"))
    with Cluster(folder, servers()[max(servers(), key=int)], durable=True) as cluster:
        yield cluster


@pytest.mark.fault("R8")
def test_a_program_that_nobody_asks_anything_is_not_ready_while_postgresql_is_gone(own_postgres, directory):
    settings = {
        "REELHOOK_DATABASE": own_postgres.database("installation"),
        "REELHOOK_SECRET_KEY": "a passphrase for the tests",
        "REELHOOK_LEASE": "300",  # which does not end meanwhile
    }
    with Program(directory, settings=settings) as program:
        owns_all = b"reelhook_shards_owned 256"
        until(lambda: owns_all in program.api().ask("GET", "/metrics").body, "it has its lease")
        own_postgres.stop()
        until(lambda: program.readiness() == 503, "it is not ready")
        assert b"no event is accepted" in program.api().ask("GET", "/readyz").body
        assert program.api().ask("GET", "/healthz").status == 200
        own_postgres.start()
        until(lambda: program.readiness() == 200, "it is ready again")
        assert program.stop() == 0


@pytest.mark.fault("R8")
def test_postgresql_that_crashes_under_load_costs_no_event(own_postgres, directory, receiver):
    settings = {
        "REELHOOK_DATABASE": own_postgres.database("installation"),
        "REELHOOK_SECRET_KEY": "a passphrase for the tests",
    }
    with Program(directory, settings=settings) as program:
        targets = [add_endpoint(program.api(), receiver, f"/{name}") for name in ("a", "b")]
        receiver.behave(Rule(503, path="/b", containing='-7"', times=50))
        # A 503 may stand for a commit of which nobody could tell whether it happened.
        with Publisher(program, doubtful=(503,)) as publisher:
            for _ in range(CYCLES):
                before = publisher.accepted
                until(lambda: publisher.accepted > before + 20, "events are taken again")  # noqa: B023 - used at once
                time.sleep(random.uniform(0.0, 0.8))  # the moment of the crash is the point
                own_postgres.stop(signal.SIGQUIT)
                time.sleep(random.uniform(0.0, 1.5))
                own_postgres.start()
        assert_all_accounts_agree(program.api(), publisher.ledger, targets, receiver)
        assert program.running()
        print(program.said()[-6000:])  # noqa: T201 - shown beside a failure only
