"""Reelhook behind a pooler that gives every transaction another connection, and every connection to many."""

import pytest
from tests.acceptance.publisher import Publisher
from tests.acceptance.steps import add_endpoint, assert_all_accounts_agree, need
from tests.acceptance.town import node
from tests.support.fast_receiver import Rule
from tests.support.pgbouncer import Pooler, pgbouncer
from tests.support.program import until

DATABASE = "pooled"


@pytest.fixture
def pooler(postgres):
    if pgbouncer() is None:
        need("pgbouncer")
    postgres.database(DATABASE)
    with Pooler(postgres) as pooler:
        yield pooler
    postgres.drop(DATABASE)


def test_two_nodes_share_the_few_connections_of_a_pooler_and_deliver_everything_once(pooler, tmp_path, receiver):
    settings = {"REELHOOK_DATABASE_POOLER": "true"}
    url = pooler.url(DATABASE)
    with node(tmp_path / "a", url, settings) as first, node(tmp_path / "b", url, settings) as second:
        targets = [add_endpoint(first.api(), receiver, f"/{number}") for number in range(6)]
        receiver.behave(Rule(503, path="/1", containing='-7"', times=20))
        with Publisher(first, threads=4) as publisher:
            until(lambda: publisher.accepted > 300, "events are taken")
        assert_all_accounts_agree(second.api(), publisher.ledger, targets, receiver)
        assert first.stop() == second.stop() == 0
        for said in (first.said(), second.said()):
            assert "Traceback" not in said
            assert "not_renewed" not in said
