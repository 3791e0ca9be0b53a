"""Chaos: nodes are killed, frozen, stopped and cut off, PostgreSQL crashes, all at random, and nothing is lost.

`make chaos` runs it for longer, and over many seeds; CHAOS_SEED replays the plan of one.
"""

import contextlib
import os
import random
import tempfile
from pathlib import Path

import pytest
from tests.acceptance.publisher import PatientPublisher, Publisher, united
from tests.acceptance.steps import add_endpoint, assert_all_accounts_agree
from tests.acceptance.town import node
from tests.acceptance.troubles import Victim, bring, plan
from tests.support.checker import begun_at, out_of_order, read_store, too_many
from tests.support.fast_receiver import Rule
from tests.support.postgres import Cluster, servers
from tests.support.program import until
from tests.support.wall import Wall

SECONDS = float(os.environ.get("CHAOS_SECONDS", "30"))
SEEDS = [int(seed) for seed in os.environ.get("CHAOS_SEED", "").split(",") if seed] or [random.randrange(10**6)]
NAMES = ("a", "b", "c")
RATE = {"count": 6, "per": 3}
# A probe is sent as soon as it would say something; what is proved here is not how patient circuits are.
SETTINGS = {
    "REELHOOK_DRAIN_SECONDS": "3",
    "REELHOOK_CIRCUIT_PAUSE": "0.1",
    "REELHOOK_CIRCUIT_PAUSE_LONGEST": "0.3",
}
BRIEF = {"kind": "fixed", "retries": 2, "delay": 0.1}


@pytest.fixture
def own_postgres():
    folder = Path(tempfile.mkdtemp(prefix="reelhook-postgres-"))
    with Cluster(folder, servers()[max(servers(), key=int)], durable=True) as cluster:
        yield cluster


@pytest.fixture
def victims(own_postgres, tmp_path):
    own_postgres.database("town")
    with contextlib.ExitStack() as stack:
        town = {}
        for name in NAMES:
            wall = stack.enter_context(Wall(own_postgres.port))
            program = stack.enter_context(node(tmp_path / name, own_postgres.url("town", wall.port), SETTINGS))
            town[name] = Victim(program, wall)
        yield town
        for name, victim in town.items():
            print(name, victim.program.said()[-8000:])  # noqa: T201 - shown beside a failure only


def type_of(number):
    return "own.dead" if number % 40 == 20 else "own.limited" if number % 16 == 8 else "asset.updated"


@pytest.mark.fault("R4")
@pytest.mark.fault("R8")
@pytest.mark.fault("R10")
@pytest.mark.parametrize("seed", [pytest.param(seed, id=f"seed-{number}") for number, seed in enumerate(SEEDS)])
def test_whatever_happens_to_nodes_and_database_nothing_is_lost_and_everything_explained(
    seed, victims, own_postgres, receiver
):
    troubles = plan(seed, SECONDS, NAMES)
    print(f"CHAOS_SEED={seed} CHAOS_SECONDS={SECONDS:g}", *troubles, sep="\n")  # noqa: T201 - to replay it
    programs = [victim.program for victim in victims.values()]
    targets = _endpoints(programs[0].api(), receiver)
    publishers = [_publisher(programs, number) for number in range(2 * len(programs))]
    with contextlib.ExitStack() as load:
        for publisher in publishers:
            load.enter_context(publisher)
        until(lambda: all(publisher.accepted > 5 for publisher in publishers), "all nodes take events")
        bring(troubles, victims, own_postgres)
    api = programs[0].api()
    assert_all_accounts_agree(api, united(publishers), list(targets.values()), receiver)
    for path in ("/in-order", "/in-order-of-assets"):
        for publisher in publishers:
            _assert_in_order(publisher, receiver.receipts(path))
    limited = targets["/limited"]
    store = read_store(api)
    began = begun_at(limited, receiver.receipts(limited.path), store)
    assert too_many(began, RATE["count"], RATE["per"]) == []
    print(_told(store, receiver.receipts()))  # noqa: T201 - what it was like
    assert "Traceback" not in "".join(program.said() for program in programs)


def _endpoints(api, receiver):
    receiver.behave(
        Rule(500, path="/dead"),
        Rule(503, path="/failing", containing='7"', times=60),
        Rule(503, path="/in-order", containing='5"', times=25),
    )
    made = [
        add_endpoint(api, receiver, "/plain", events=["asset.updated"]),
        add_endpoint(api, receiver, "/failing", events=["asset.updated"]),
        add_endpoint(api, receiver, "/in-order", events=["asset.updated"], ordering="endpoint"),
        add_endpoint(api, receiver, "/in-order-of-assets", events=["asset.updated"], ordering="asset"),
        add_endpoint(api, receiver, "/limited", events=["own.limited"], rate_limit=RATE),
        add_endpoint(api, receiver, "/dead", events=["own.dead"], retry=BRIEF),
    ]
    return {target.path: target for target in made}


def _publisher(programs, number):
    """Every other one repeats what was not taken; the rest never do."""
    fields = {"threads": 1, "name": f"{number}:", "pause": 0.08, "type_of": type_of}
    turned = programs[number % len(programs) :] + programs[: number % len(programs)]
    if number % 2:
        return PatientPublisher(turned, **fields)
    return Publisher(turned[0], doubtful=(503,), **fields)


def _told(store, receipts):
    interrupted = sum(attempt["error_class"] == "interrupted" for attempt in store.attempts)
    twice = len(receipts) - len({(each.path, each.message_id) for each in receipts})
    return f"{len(store.events)} events, {len(receipts)} requests, {twice} repeated, {interrupted} interrupted"


def _assert_in_order(publisher, receipts):
    """What one publisher was answered one after the other arrives in that order."""
    accepted = list(publisher.ledger.accepted)
    known = set(accepted)
    assert out_of_order([each for each in receipts if each.message_id in known], accepted) == []
