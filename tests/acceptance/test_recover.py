"""Recover: many failed deliveries are sent again, once, even when the program dies in the middle of it."""

from collections import Counter

import pytest
from tests.acceptance.steps import add_endpoint
from tests.support.checker import wait_until_closed
from tests.support.fast_receiver import Rule
from tests.support.program import Program, until

FAILURES = 3000
# So many failures on purpose would open the circuit, and a lease would be waited for: neither is the subject here.
SETTINGS = {"REELHOOK_CIRCUIT_FAILURES": "1000000", "REELHOOK_LEASE": "3"}
SINCE = "2020-01-01T00:00:00Z"


@pytest.fixture
def program(directory, settings):
    with Program(directory, settings={**settings, **SETTINGS}) as program:
        yield program


@pytest.mark.fault("R23")
def test_a_recovery_killed_half_way_goes_on_and_sends_nothing_twice(program, receiver):
    api = program.api()
    target = add_endpoint(api, receiver, retry={"kind": "fixed", "retries": 0, "delay": 1})
    receiver.behave(Rule(503))
    for _ in range(FAILURES // 500):
        api.post("/v1/events/batch", [{"type": "asset.updated", "data": {}}] * 500)
    wait_until_closed(api)
    receiver.behave()
    asked = {"since": SINCE, "dry_run": True}
    assert api.post(f"/v1/endpoints/{target.id}/recover", asked) == {"count": FAILURES}
    task = api.post(f"/v1/endpoints/{target.id}/recover", {"since": SINCE, "rate": 1500})
    until(lambda: receiver.counts().received > FAILURES + FAILURES // 4, "a quarter is recovered")
    program.kill()
    unfinished = receiver.counts().received - FAILURES
    assert unfinished < FAILURES, "the kill came too late to prove anything"
    api = program.start().api()
    done = until(lambda: _finished(api, task["id"]), "the task is done")
    wait_until_closed(api)
    assert (done["state"], done["count"], done["done"]) == ("done", FAILURES, FAILURES)
    _assert_each_was_recovered_once(api, receiver)


def _finished(api, task_id):
    task = api.get(f"/v1/tasks/{task_id}")
    return task if task["state"] in ("done", "failed", "cancelled") else None


def _assert_each_was_recovered_once(api, receiver):
    results = {}
    for attempt in api.pages("/v1/logs"):
        results.setdefault(attempt["event_id"], Counter())[attempt["error_class"]] += 1
    assert len(results) == FAILURES
    received = Counter(receipt.message_id for receipt in receiver.receipts())
    for event_id, attempts in results.items():
        assert attempts[None] == 1
        assert attempts["http_status"] == 1
        assert 2 <= received[event_id] <= 2 + attempts["interrupted"]
