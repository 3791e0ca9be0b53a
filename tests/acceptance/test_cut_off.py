"""A node that is cut off from PostgreSQL stops in time and says so; others take over, and it has its share again."""

import contextlib
import itertools
import time

import pytest
from tests.acceptance.publisher import Publisher, united
from tests.acceptance.steps import add_endpoint, assert_all_accounts_agree, publish
from tests.acceptance.town import node
from tests.support.checker import Ledger, wait_until_closed
from tests.support.fast_receiver import Rule
from tests.support.program import until
from tests.support.wall import Wall

PAUSE = 0.05
_numbers = itertools.count()
WAYS = pytest.mark.parametrize("way", [Wall.cut, Wall.freeze], ids=["refused and reset", "swallowed"])


@pytest.fixture
def name(postgres):
    name = f"cut_off_{next(_numbers)}"
    postgres.database(name)
    yield name
    postgres.drop(name)


@pytest.fixture
def wall(postgres):
    with Wall(postgres.port) as wall:
        yield wall


@pytest.fixture
def town(postgres, name, wall, tmp_path):
    """Start nodes by their settings; the first is behind the wall."""
    with contextlib.ExitStack() as stack:
        started = []

        def start(*settings):
            for number, each in enumerate(settings):
                url = postgres.url(name, None if number else wall.port)
                started.append(stack.enter_context(node(tmp_path / str(number), url, each)))
            takers = [each for each in started if each.settings.get("REELHOOK_ROLE") != "api"]
            until(lambda: all("shards.gained" in each.said() for each in takers), "every node has its share")
            return started

        yield start
        for each in started:
            print(each.said()[-5000:])  # noqa: T201 - shown beside a failure only


@pytest.mark.fault("R10")
@WAYS
def test_while_a_node_is_cut_off_others_send_in_its_place_and_then_it_has_its_share_again(town, wall, way, receiver):
    cut_off, *others = nodes = town({}, {}, {})
    targets = [add_endpoint(others[0].api(), receiver, f"/{number}") for number in range(9)]
    publishers = [Publisher(each, threads=1, doubtful=(503,), name=each.directory.name, pause=PAUSE) for each in nodes]
    with contextlib.ExitStack() as load:
        for publisher in publishers:
            load.enter_context(publisher)
        until(lambda: all(publisher.accepted > 20 for publisher in publishers), "all nodes take events")
        way(wall)
        _assert_refused(cut_off.api(), "shut")
        until(lambda: "lease.lapsed" in cut_off.said(), "its lease has ended")
        assert cut_off.readiness() == 503
        elsewhere = _reach(others[0], targets, receiver)
        said = len(cut_off.said())
        wall.heal()
        until(lambda: "shards.gained" in cut_off.said()[said:], "it has its share again")
        until(lambda: cut_off.readiness() == 200, "it is ready again")
        before = publishers[0].accepted
        until(lambda: publishers[0].accepted > before + 20, "it takes events again")
    ledger = united(publishers)
    ledger.accepted.update(elsewhere)
    ledger.uncertain["shut"] = event("shut")["data"]
    assert_all_accounts_agree(others[0].api(), ledger, targets, receiver)
    assert "Traceback" not in "".join(each.said() for each in nodes)


@pytest.mark.fault("R10")
@WAYS
def test_a_node_sends_nothing_after_its_lease_has_ended_however_much_it_has_in_hand(town, wall, way, receiver):
    cut_off, front = town({"REELHOOK_ENDPOINT_CONCURRENCY": "1"}, {"REELHOOK_ROLE": "api"})
    target = add_endpoint(front.api(), receiver)
    api, accepted = cut_off.api(), {}
    _publish_all(api, accepted, range(50))
    wait_until_closed(api)  # an endpoint that has shown that it is quick is given much at once
    receiver.behave(Rule(hold=True))
    _publish_all(api, accepted, range(50, 110))
    until(lambda: receiver.counts().held == 1, "one is under way")
    in_hand = len(api.get("/v1/deliveries?state=sending&limit=500")["items"])
    assert in_hand > 30
    way(wall)
    _answer_one_by_one(receiver, lambda: "lease.lapsed" in cut_off.said())
    time.sleep(0.3)  # what was written before that arrives
    sent = receiver.counts().received
    assert 5 < sent - 50 < in_hand
    rest = iter(range(10))
    _answer_one_by_one(receiver, lambda: next(rest, None) is None)
    assert receiver.counts().received == sent
    receiver.behave()
    receiver.release()
    wall.heal()
    assert_all_accounts_agree(front.api(), Ledger(accepted, {}), [target], receiver)


def test_a_node_that_only_accepts_says_too_that_it_is_cut_off(town, wall):
    front, _ = town({"REELHOOK_ROLE": "api"}, {"REELHOOK_ROLE": "worker"})
    assert front.readiness() == 200
    wall.freeze()
    until(lambda: front.readiness() == 503, "it is not ready")
    wall.heal()
    until(lambda: front.readiness() == 200, "it is ready again")


@pytest.mark.parametrize("once", ["Idempotency-Key", "id"])
def test_a_publish_whose_commit_lost_its_answer_may_be_stored_and_sent_again_it_is_one_event(
    town, wall, once, receiver
):
    [alone] = town({})
    api = alone.api()
    target = add_endpoint(api, receiver)
    ledger = Ledger.empty()
    nonce, answer = _publish_until_the_answer_is_lost(api, wall, once, ledger)
    assert answer.json()["type"] == "/problems/unavailable"
    stored = [one["id"] for one in api.pages("/v1/events") if one["data"]["nonce"] == nonce]
    assert len(stored) == 1
    until(lambda: _publish(api, nonce, once).status == 202, "it is taken")
    assert _publish(api, nonce, once).ok(202)["id"] == stored[0]
    ledger.accepted[stored[0]] = event(nonce)["data"]
    assert_all_accounts_agree(api, ledger, [target], receiver)
    assert len(receiver.receipts(target.path)) == len(list(api.pages("/v1/events")))


def _publish_until_the_answer_is_lost(api, wall, once, ledger):
    """Lose the answer to one commit after the other until one of them was that of a publish."""
    for number in range(100):
        nonce = f"n-{number}"
        wall.lose_answer_to(b"COMMIT\0")
        answer = _publish(api, nonce, once)
        if answer.status == 503 and "may have been stored" in answer.json()["detail"]:
            return nonce, answer
        if answer.status == 503:  # it was not the commit of this one
            ledger.uncertain[nonce] = event(nonce)["data"]
            continue
        ledger.accepted[answer.ok(202)["id"]] = event(nonce)["data"]
    raise AssertionError("no answer was lost")


def _publish(api, nonce, once):
    if once == "id":
        return api.ask("POST", "/v1/events", event(nonce) | {"id": nonce})
    return api.ask("POST", "/v1/events", event(nonce), {once: nonce})


def event(nonce):
    return {"type": "asset.updated", "data": {"nonce": nonce}}


def _publish_all(api, accepted, numbers):
    events = [event(f"n-{number}") for number in numbers]
    made = api.post("/v1/events/batch", events)["items"]
    accepted.update({one["id"]: each["data"] for one, each in zip(made, events, strict=True)})


def _answer_one_by_one(receiver, over):
    while not over():
        receiver.release(200)
        time.sleep(0.15)


def _assert_refused(api, nonce):
    refused = api.ask("POST", "/v1/events", event(nonce))
    assert refused.status == 503
    assert refused.headers["content-type"] == "application/problem+json"
    assert int(refused.headers["retry-after"]) > 0
    assert refused.json()["type"] == "/problems/unavailable"


def _reach(program, targets, receiver):
    """Publish something and wait until all endpoints have it."""
    data = event("elsewhere")["data"]
    made = publish(program.api(), data=data)
    paths = {target.path for target in targets}
    until(
        lambda: {each.path for each in receiver.receipts() if each.message_id == made} == paths,
        "what is published elsewhere arrives everywhere",
    )
    return {made: data}
