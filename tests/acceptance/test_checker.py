"""The checker itself: an honest run passes, and every lie that is planted in it is found."""

import time
from datetime import UTC, datetime

import msgspec
import pytest
from standardwebhooks.webhooks import Webhook
from tests.support.checker import Ledger, Store, Target, complaints, out_of_order
from tests.support.fast_receiver import Receipt

SECRET = "whsec_" + "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
TARGET = Target("ep_1", "/hook", SECRET)
NOW = int(time.time())


def receipt(event_id, data, at=NOW, status=200):
    body = msgspec.json.encode({"type": "asset.updated", "data": data}).decode()
    moment = datetime.fromtimestamp(at, UTC)
    signature = Webhook(SECRET).sign(event_id, moment, body)
    headers = {"webhook-id": event_id, "webhook-timestamp": str(at), "webhook-signature": signature}
    return Receipt("/hook", headers, body, float(at), status)


def attempt(number, event_id="evt_1", status_code=200, error_class=None):
    status = "succeeded" if status_code == 200 else "failed"
    named = {"delivery_id": f"dlv_{event_id}", "event_id": event_id, "attempt": number}
    return {**named, "status": status, "status_code": status_code, "error_class": error_class}


class Run:
    """An honest run of one event that took a second attempt after a crash; tests spoil it."""

    def __init__(self):
        data = {"nonce": "n-1"}
        self.ledger = Ledger({"evt_1": data}, {"n-2": {"nonce": "n-2"}})
        self.receipts = [receipt("evt_1", data, NOW - 2), receipt("evt_1", data)]
        self.events = {"evt_1": {"id": "evt_1", "data": data}}
        self.deliveries = [self.delivery("evt_1", 2)]
        self.attempts = [attempt(1, status_code=None, error_class="interrupted"), attempt(2)]

    @staticmethod
    def delivery(event_id, attempts, state="delivered"):
        named = {"id": f"dlv_{event_id}", "event_id": event_id, "endpoint_id": "ep_1"}
        return {**named, "state": state, "attempts": attempts}

    def complaints(self):
        return complaints(self.ledger, [TARGET], self.receipts, Store(self.events, self.deliveries, self.attempts))


@pytest.fixture
def run():
    return Run()


def test_an_honest_run_has_no_complaints(run):
    assert run.complaints() == []


def test_an_uncertain_event_may_be_stored_and_delivered(run):
    data = {"nonce": "n-2"}
    run.events["evt_2"] = {"id": "evt_2", "data": data}
    run.receipts.append(receipt("evt_2", data))
    run.deliveries.append(run.delivery("evt_2", 1))
    run.attempts.append(attempt(1, "evt_2"))
    assert run.complaints() == []


def test_a_result_may_be_recorded_late_of_an_attempt_that_another_node_recorded_as_interrupted(run):
    run.attempts.append(attempt(1))
    assert run.complaints() == []


def record_a_late_result_of_what_nobody_interrupted(run):
    run.attempts.append(attempt(2))


def record_a_late_result_twice(run):
    run.attempts += [attempt(1), attempt(1)]


def record_a_late_result_of_what_never_arrived(run):
    run.attempts.append(attempt(1))
    run.receipts.pop()


def lose_the_event(run):
    run.events.clear()


def change_the_stored_data(run):
    run.events["evt_1"]["data"] = {"nonce": "n-1", "changed": True}


def store_it_twice(run):
    run.events["evt_9"] = {"id": "evt_9", "data": {"nonce": "n-1"}}


def store_what_nobody_published(run):
    run.events["evt_9"] = {"id": "evt_9", "data": {"nonce": "n-9"}}


def lose_the_delivery(run):
    run.deliveries.clear()


def leave_the_delivery_open(run):
    run.deliveries[0]["state"] = "retrying"


def claim_a_success_that_never_arrived(run):
    run.receipts.clear()


def send_once_too_often(run):
    run.receipts.append(run.receipts[-1])


def record_no_interruption(run):
    run.attempts.pop(0)
    run.attempts[0]["attempt"] = 1
    run.deliveries[0]["attempts"] = 1


def lose_an_attempt(run):
    run.attempts.pop(0)


def record_another_answer(run):
    run.attempts[1].update(status_code=503, status="failed")


def spoil_the_body(run):
    spoiled = run.receipts[0].body.replace("asset.updated", "asset.deleted")
    run.receipts[0] = msgspec.structs.replace(run.receipts[0], body=spoiled)


def send_to_a_stranger(run):
    run.receipts.append(receipt("evt_7", {"nonce": "n-1"}))


def go_back_in_time(run):
    run.receipts.reverse()


@pytest.mark.parametrize(
    "spoil",
    [
        record_a_late_result_of_what_nobody_interrupted,
        record_a_late_result_twice,
        record_a_late_result_of_what_never_arrived,
        lose_the_event,
        change_the_stored_data,
        store_it_twice,
        store_what_nobody_published,
        lose_the_delivery,
        leave_the_delivery_open,
        claim_a_success_that_never_arrived,
        send_once_too_often,
        record_no_interruption,
        lose_an_attempt,
        record_another_answer,
        spoil_the_body,
        send_to_a_stranger,
        go_back_in_time,
    ],
)
def test_every_planted_lie_is_found(run, spoil):
    spoil(run)
    assert run.complaints() != []


def test_order_is_judged_by_first_arrivals():
    first, second, third = (receipt(f"evt_{n}", {}) for n in range(3))
    expected = ["evt_0", "evt_1", "evt_2"]
    assert out_of_order([first, second, first, third], expected) == []
    assert out_of_order([first, third, second], expected) == ["evt_1"]
