"""Receivers that are gone, that redirect, hang, fail all at once or get things in order: each in its own way."""

import bisect
import statistics
import time
from datetime import datetime

import pytest
from tests.acceptance.steps import add_endpoint, attempts_of, publish
from tests.support.checker import out_of_order, wait_until_closed
from tests.support.fast_receiver import Rule
from tests.support.program import free_port, until

ONE_ATTEMPT = {"kind": "fixed", "retries": 0, "delay": 1}


@pytest.mark.fault("R16")
def test_a_410_disables_the_endpoint_at_once_and_parks_what_is_pending(api, receiver):
    gone = add_endpoint(api, receiver, "/gone")
    listener = add_endpoint(api, receiver, "/operator", events=["endpoint.disabled"])
    receiver.behave(Rule(410, path="/gone"))
    first = publish(api, 1)
    until(lambda: api.get(f"/v1/endpoints/{gone.id}")["state"] == "disabled", "the endpoint is disabled")
    assert api.get(f"/v1/endpoints/{gone.id}")["disabled_reason"] == "gone"
    second = publish(api, 2)
    [notice] = receiver.wait_for(1, listener.path)
    assert gone.id in notice.body
    assert {d["state"] for d in api.get(f"/v1/deliveries?event_id={second}")["items"]} == {"pending"}
    assert [receipt.message_id for receipt in receiver.receipts(gone.path)] == [first]
    receiver.behave()
    api.ask("PATCH", f"/v1/endpoints/{gone.id}", {"state": "active"}).ok()
    until(lambda: second in {r.message_id for r in receiver.receipts(gone.path)}, "what was parked is delivered")


@pytest.mark.fault("R17")
def test_a_redirect_is_a_failure_and_its_target_is_never_fetched(api, receiver):
    for status in (301, 302, 307, 308):
        add_endpoint(api, receiver, f"/{status}", retry=ONE_ATTEMPT)
    redirects = [Rule(s, path=f"/{s}", headers={"location": receiver.url("/inside")}) for s in (301, 302, 307, 308)]
    receiver.behave(*redirects)
    event_id = publish(api)
    wait_until_closed(api)
    attempts = attempts_of(api, event_id)
    assert sorted(attempt["status_code"] for attempt in attempts) == [301, 302, 307, 308]
    assert {attempt["error_class"] for attempt in attempts} == {"redirect"}
    assert receiver.receipts("/inside") == []
    assert receiver.counts().received == 4


@pytest.mark.fault("R19")
def test_endpoints_that_hang_or_refuse_with_a_backlog_keep_nobody_else_waiting(api, receiver):
    hanging = add_endpoint(api, receiver, "/hang", events=["piled.up"], timeout=60)
    refused = api.post("/v1/endpoints", {"url": f"http://127.0.0.1:{free_port()}/", "events": ["piled.up"]})
    healthy = [add_endpoint(api, receiver, f"/{n}", events=["asset.updated"]) for n in range(10)]
    receiver.behave(Rule(path="/hang", hold=True))
    usual, before = _publish_timed(api, range(50))
    for _ in range(5):
        api.post("/v1/events/batch", [{"type": "piled.up", "data": {}}] * 1000)
    until(lambda: receiver.counts().held > 0, "the hanging receiver holds what it got")
    meanwhile, during = _publish_timed(api, range(50, 100))
    for target in healthy:
        assert {receipt.message_id for receipt in receiver.wait_for(100, target.path)} == {*before, *during}
    assert len(receiver.receipts(hanging.path)) == receiver.counts().held
    for endpoint_id in (hanging.id, refused["id"]):
        assert api.get(f"/v1/endpoints/{endpoint_id}/stats")["pending"] > 3000
    # Measured in one run, so the speed of the machine is out of it; to wait for the hanging one takes 100 times this.
    assert meanwhile < usual * 20


def _publish_timed(api, numbers):
    """Publish one after the other; return the median time of an answer, and the ids."""
    times, ids = [], []
    for number in numbers:
        start = time.perf_counter()
        ids.append(publish(api, number))
        times.append(time.perf_counter() - start)
    return statistics.median(times), ids


@pytest.mark.fault("R20")
def test_many_endpoints_that_recover_at_once_are_not_stampeded(api, receiver):
    limit = {"count": 5, "per": 1}
    retry = {"kind": "fixed", "retries": 20, "delay": 0.5}
    targets = [add_endpoint(api, receiver, f"/{n}", rate_limit=limit, retry=retry) for n in range(40)]
    receiver.behave(Rule(503))
    for number in range(8):
        publish(api, number)
    until(lambda: receiver.counts().received > 40 * 5, "everybody has failed")
    receiver.behave()
    wait_until_closed(api)
    began = {target.id: [] for target in targets}
    for attempt in api.pages("/v1/logs"):
        began[attempt["endpoint_id"]].append(datetime.fromisoformat(attempt["at"]).timestamp())
    for target in targets:
        moments = sorted(began[target.id])
        assert len(moments) <= limit["count"] * (moments[-1] - moments[0] + 2), target.path
        assert _most_within(moments, 1.0) <= 2 * limit["count"], target.path
        assert {receipt.status for receipt in receiver.receipts(target.path)} == {200, 503}


def _most_within(moments, span):
    """Return how many moments lie in any span at most; a stall of a busy machine can push two spans together."""
    return max(n - bisect.bisect_left(moments, at - span) + 1 for n, at in enumerate(moments))


@pytest.mark.fault("R24")
def test_in_an_ordered_endpoint_the_rest_waits_for_a_failing_message_and_cancelling_skips_it(api, receiver):
    never = {"kind": "fixed", "retries": 5, "delay": 3600}
    ordered = add_endpoint(api, receiver, "/ordered", ordering="endpoint", retry=never)
    other = add_endpoint(api, receiver, "/other")
    receiver.behave(Rule(500, path="/ordered", containing='"n-2"'))
    ids = [publish(api, number) for number in range(1, 8)]
    receiver.wait_for(7, other.path)
    [stuck] = api.get(f"/v1/deliveries?event_id={ids[1]}&endpoint_id={ordered.id}")["items"]
    until(lambda: api.get(f"/v1/deliveries/{stuck['id']}")["state"] == "retrying", "the second message has failed")
    assert [receipt.message_id for receipt in receiver.receipts(ordered.path)] == ids[:2]
    assert api.ask("POST", f"/v1/deliveries/{stuck['id']}/cancel").status == 202
    receipts = receiver.wait_for(7, ordered.path)
    assert [receipt.message_id for receipt in receipts] == ids
    assert api.get(f"/v1/deliveries/{stuck['id']}")["state"] == "cancelled"


@pytest.mark.fault("R24")
def test_the_order_of_each_asset_survives_failures_in_between(api, receiver):
    target = add_endpoint(api, receiver, ordering="asset")
    receiver.behave(*(Rule(503, containing=f'"n-{number}"', times=2) for number in range(0, 60, 7)))
    events = [{"type": "asset.updated", "data": {"nonce": f"n-{n}", "asset": {"id": f"a{n % 3}"}}} for n in range(60)]
    ids = [item["id"] for item in api.post("/v1/events/batch", events)["items"]]
    wait_until_closed(api)
    for asset in range(3):
        lane = ids[asset::3]
        arrived = [receipt for receipt in receiver.receipts(target.path) if receipt.message_id in lane]
        assert {receipt.message_id for receipt in arrived} == set(lane)
        assert out_of_order(arrived, lane) == []
