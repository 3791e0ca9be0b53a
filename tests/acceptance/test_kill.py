"""The program is killed at every kind of moment; nothing is lost and nothing happens unexplained."""

import http.client
import random
import signal
import socket
import time

import pytest
from tests.acceptance.publisher import Publisher
from tests.acceptance.steps import add_endpoint, assert_all_accounts_agree, attempts_of, need, publish
from tests.support.checker import wait_until_closed
from tests.support.fast_receiver import Receiver, Rule
from tests.support.program import free_port, until

CYCLES = 12


@pytest.mark.fault("R1")
@pytest.mark.fault("R2")
@pytest.mark.fault("R3")
def test_killed_again_and_again_under_load_it_loses_nothing_and_explains_every_duplicate(installation, receiver):
    targets = [add_endpoint(installation.api(), receiver, f"/{name}") for name in ("a", "b")]
    receiver.behave(Rule(503, path="/b", containing='-7"', times=50))
    with Publisher(installation) as publisher:
        for _ in range(CYCLES):
            before = publisher.accepted
            until(lambda: publisher.accepted > before + 20, "the program takes events again")  # noqa: B023 - used at once
            time.sleep(random.uniform(0.0, 0.8))  # the moment of the kill is the point
            installation.kill()
            installation.start()
    assert_all_accounts_agree(installation.api(), publisher.ledger, targets, receiver)


@pytest.mark.fault("R1")
def test_killed_before_a_byte_was_sent_it_delivers_after_the_restart_exactly_once(installation):
    port = free_port()
    with socket.socket() as deaf, socket.socket() as visitor:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        deaf.bind(("127.0.0.1", port))
        deaf.listen(0)
        visitor.connect(("127.0.0.1", port))  # takes the only place in the queue: the next connection is not answered
        api = installation.api()
        endpoint = api.post("/v1/endpoints", {"url": f"http://127.0.0.1:{port}/hook"})
        event_id = publish(api)
        until(lambda: api.get("/v1/deliveries?state=sending")["items"], "the delivery is claimed")
        installation.kill()
    with Receiver(port) as receiver:
        installation.start()
        wait_until_closed(installation.api())
        assert [receipt.message_id for receipt in receiver.receipts()] == [event_id]
    attempts = attempts_of(installation.api(), event_id)
    assert [attempt["error_class"] for attempt in attempts] == ["interrupted", None]
    assert attempts[0]["endpoint_id"] == endpoint["id"]


@pytest.mark.fault("R2")
def test_killed_after_the_receivers_200_it_sends_one_duplicate_with_the_same_id_and_a_new_timestamp(
    installation, receiver
):
    add_endpoint(installation.api(), receiver)
    receiver.behave(Rule(hold=True, times=1))
    event_id = publish(installation.api())
    until(lambda: receiver.counts().held == 1, "the request has arrived")
    installation.signal(signal.SIGSTOP)
    receiver.release(200)
    installation.kill()
    first = receiver.receipts()[0]
    until(lambda: time.time() > first.timestamp + 1, "the clock shows another second")
    installation.start()
    api = installation.api()
    wait_until_closed(api)
    receipts = receiver.receipts()
    assert [receipt.message_id for receipt in receipts] == [event_id, event_id]
    assert [receipt.status for receipt in receipts] == [200, 200]
    assert receipts[1].timestamp > first.timestamp
    assert receipts[1].body == first.body
    assert [attempt["error_class"] for attempt in attempts_of(api, event_id)] == ["interrupted", None]


@pytest.mark.fault("R3")
@pytest.mark.parametrize(
    ("calls", "number", "stored"),
    [("pwrite64,write", 251, 0), ("pwrite64,write", 252, 0), ("fsync,fdatasync", 90, 1), ("fsync,fdatasync", 91, 1)],
    ids=["in its insert", "in its insert, later", "in its commit", "in its commit, later"],
)
def test_killed_while_accepting_it_has_all_or_nothing_and_a_retry_with_the_key_gets_the_same_event(
    program, tmp_path, calls, number, stored
):
    program.kill()
    wal = f"{program.database}-wal"
    trace = ["-f", "-qq", "-o", str(tmp_path / "trace"), "-P", wal, "-e", f"trace={calls}"]
    program.wrapper = [need("strace"), "-D", *trace, "-e", f"inject={calls}:signal=SIGKILL:when={number}"]
    program.start()
    nonce = _publish_until_it_dies(program)
    program.kill()
    program.wrapper = []
    program.start()
    api = program.api()
    before = [event["id"] for event in api.pages("/v1/events") if event["data"]["nonce"] == nonce]
    assert len(before) == stored
    again = [api.post("/v1/events", _event(nonce), Idempotency_Key=nonce)["id"] for _ in range(2)]
    after = [event["id"] for event in api.pages("/v1/events") if event["data"]["nonce"] == nonce]
    assert again == after * 2
    assert after[:stored] == before


def _event(nonce):
    return {"type": "asset.updated", "data": {"nonce": nonce}}


def _publish_until_it_dies(program):
    api = program.api()
    for number in range(10_000):
        nonce = f"n-{number}"
        try:
            status = api.ask("POST", "/v1/events", _event(nonce), {"Idempotency-Key": nonce}).status
        except (OSError, http.client.HTTPException):
            return nonce
        if status == 503:  # the writing process died of it, and the program ends because of that
            return nonce
        assert status == 202
    raise AssertionError("the program survived all that it was to die of")
