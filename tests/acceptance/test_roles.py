"""What a node does by its role: one accepts and answers, another delivers."""

import json

import pytest
from tests.acceptance.steps import add_endpoint, publish
from tests.acceptance.town import node
from tests.support.checker import wait_until_closed

PATHS = ["/v1/events", "/v1/endpoints", "/docs", "/openapi.json", "/problems/not-found", "/webhooks"]


@pytest.fixture
def url(postgres, request):
    name = f"roles_{abs(hash(request.node.nodeid))}"
    yield postgres.database(name)
    postgres.drop(name)


def test_a_node_of_role_api_sends_nothing_and_one_of_role_worker_delivers_what_it_accepted(url, tmp_path, receiver):
    with node(tmp_path / "api", url, {"REELHOOK_ROLE": "api"}) as front:
        add_endpoint(front.api(), receiver)
        events = [publish(front.api(), number) for number in range(20)]
        stays = front.api().get("/v1/deliveries?state=pending&limit=500")["items"]
        assert {delivery["event_id"] for delivery in stays} == set(events)
        with node(tmp_path / "worker", url, {"REELHOOK_ROLE": "worker"}) as worker:
            wait_until_closed(front.api())
            assert {receipt.message_id for receipt in receiver.receipts()} == set(events)
            assert len(receiver.receipts()) == len(events)
            assert worker.stop() == 0
        later = publish(front.api(), 20)
        assert front.api().get(f"/v1/deliveries?event_id={later}")["items"][0]["state"] == "pending"
        assert front.stop() == 0


def test_a_worker_serves_only_what_watches_over_it(url, tmp_path):
    with node(tmp_path / "worker", url, {"REELHOOK_ROLE": "worker"}) as worker:
        api = worker.api()
        assert api.ask("GET", "/healthz").status == api.ask("GET", "/readyz").status == 200
        assert b"reelhook_" in api.ask("GET", "/metrics").body
        assert [api.ask("GET", path).status for path in PATHS] == [404] * len(PATHS)
        event = {"type": "asset.updated", "data": {}}
        refused = api.ask("POST", "/v1/events", event)
        assert refused.status == api.ask("POST", "/v1/events/batch", {"events": [event]}).status == 404
        assert json.loads(refused.body)["detail"] == "there is nothing at this path"
