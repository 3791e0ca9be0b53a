"""Nodes that share one PostgreSQL die, freeze and come back: nothing is lost, nothing happens unexplained."""

import contextlib
import itertools
import signal
import time

import pytest
from tests.acceptance.publisher import Publisher, united
from tests.acceptance.steps import add_endpoint, assert_all_accounts_agree, publish
from tests.acceptance.town import LEASE_SECONDS, node
from tests.support.checker import Target, out_of_order, wait_until_closed
from tests.support.fast_receiver import Rule
from tests.support.program import until

PAUSE = 0.02
_numbers = itertools.count()


@pytest.fixture
def url(postgres):
    name = f"nodes_{next(_numbers)}"
    yield postgres.database(name)
    postgres.drop(name)


@pytest.fixture
def nodes(url, tmp_path):
    """Three nodes, all of which send."""
    with contextlib.ExitStack() as stack:
        town = [stack.enter_context(node(tmp_path / name, url)) for name in "abc"]
        until(lambda: all("shards.gained" in each.said() for each in town), "every node has its share")
        yield town
        for each in town:
            print(each.said()[-3000:])  # noqa: T201 - shown beside a failure only


@pytest.mark.fault("R4")
def test_one_node_is_killed_and_one_freezes_under_load_and_nothing_is_lost(nodes, receiver):
    stays, dies, freezes = nodes
    targets = [add_endpoint(stays.api(), receiver, f"/{number}") for number in range(9)]
    receiver.behave(Rule(503, path="/3", containing='-7"', times=30))
    publishers = [
        Publisher(each, threads=2, doubtful=(503,), name=name, pause=PAUSE)
        for name, each in zip(("stays", "dies", "freezes"), nodes, strict=True)
    ]
    with contextlib.ExitStack() as load:
        for publisher in publishers:
            load.enter_context(publisher)
        until(lambda: all(publisher.accepted > 30 for publisher in publishers), "all nodes take events")
        dies.kill()
        freezes.signal(signal.SIGSTOP)
        time.sleep(LEASE_SECONDS + 1)  # past its lease: another node has taken over when it comes back
        freezes.signal(signal.SIGCONT)
        _takes_more(publishers[2])
        dies.start()
        _takes_more(publishers[1])
    assert_all_accounts_agree(stays.api(), united(publishers), targets, receiver)
    assert "lease.lapsed" in freezes.said()
    assert "Traceback" not in "".join(each.said() for each in nodes)


@pytest.mark.fault("R27")
def test_a_node_that_is_asked_to_stop_under_load_hands_everything_over_and_nothing_is_sent_twice(nodes, receiver):
    stays, *_, leaves = nodes
    targets = [add_endpoint(stays.api(), receiver, f"/{number}") for number in range(9)]
    publishers = [Publisher(each, threads=2, name=name, pause=PAUSE) for each, name in ((stays, "s"), (leaves, "l"))]
    with publishers[0], publishers[1]:
        for _ in range(2):
            _takes_more(publishers[1])
            assert leaves.stop() == 0
            _takes_more(publishers[0])
            leaves.start()
    assert_all_accounts_agree(stays.api(), united(publishers), targets, receiver)
    assert [attempt for attempt in stays.api().pages("/v1/logs") if attempt["status"] == "failed"] == []
    assert len(receiver.receipts()) == len({(each.path, each.message_id) for each in receiver.receipts()})


def test_what_is_published_on_one_node_right_after_an_endpoint_was_made_on_another_reaches_it(nodes, receiver):
    first, second, _ = nodes
    one, other = first.api(), second.api()
    expected = {}
    for number in range(40):
        maker, publisher = (one, other) if number % 2 else (other, one)
        target = add_endpoint(maker, receiver, f"/{number}", events=[f"own.n{number}"])
        expected[target.path] = publish(publisher, number, type=f"own.n{number}")
    wait_until_closed(one)
    assert {receipt.path: receipt.message_id for receipt in receiver.receipts()} == expected
    assert len(receiver.receipts()) == len(expected)


def test_what_is_changed_on_one_node_counts_at_once_on_another(nodes, receiver):
    first, second, _ = nodes
    one, other = first.api(), second.api()
    target = add_endpoint(one, receiver, "/before")
    for number in range(20):
        one.ask("PATCH", f"/v1/endpoints/{target.id}", {"url": receiver.url(f"/{number}")}).ok()
        one.ask("PATCH", f"/v1/endpoints/{target.id}", {"events": [f"own.n{number}"]}).ok()
        publish(other, number, type=f"own.n{number}")
        publish(other, number, type=f"own.n{number - 1}")
    wait_until_closed(one)
    assert len(receiver.receipts()) == 20


def test_what_joins_a_lane_on_one_node_while_another_closes_the_one_before_is_not_left_behind(nodes, receiver):
    targets = [add_endpoint(nodes[0].api(), receiver, f"/{number}", ordering="endpoint") for number in range(6)]
    ways = [each.api() for each in nodes[:2]]
    events = [publish(ways[number % 2], number) for number in range(60)]
    wait_until_closed(ways[0])
    for target in targets:
        assert [receipt.message_id for receipt in receiver.receipts(target.path)] == events


def test_an_ordered_endpoint_keeps_its_order_when_its_owner_dies(nodes, receiver):
    targets = [add_endpoint(nodes[0].api(), receiver, f"/{number}", ordering="endpoint") for number in range(6)]
    ways = [each.api() for each in nodes[:2]]
    events = [publish(ways[number % 2], number) for number in range(60)]
    receiver.behave(Rule(503, containing='n-7"', times=6), Rule(hold=True, containing='n-70"', times=6))
    held = publish(ways[0], 70)
    until(lambda: receiver.counts().held == len(targets), "every endpoint has one under way")
    events += [held, *(publish(ways[number % 2], number) for number in range(71, 100))]
    nodes[2].kill()
    nodes[1].kill()
    receiver.release(200)
    wait_until_closed(ways[0])
    for target in targets:
        assert _firsts(receiver, target) == events
        assert out_of_order(receiver.receipts(target.path), events) == []


def _takes_more(publisher):
    before = publisher.accepted
    until(lambda: publisher.accepted > before + 20, "events are taken again")


def _firsts(receiver, target: Target):
    return list(dict.fromkeys(receipt.message_id for receipt in receiver.receipts(target.path)))
