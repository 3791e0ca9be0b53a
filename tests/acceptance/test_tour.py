"""A tour of the product as a newcomer takes it, over HTTP, with nothing but the documentation."""

import base64
import json

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from cloudevents.core.formats.json import JSONFormat
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from tests.acceptance.steps import add_endpoint, attempts_of, publish
from tests.support.checker import verify, wait_until_closed
from tests.support.fast_receiver import Rule
from tests.support.program import until

VIDEO = {"asset": {"id": "ast_1", "kind": "video", "title": "Eröffnung, first light", "tags": ["hd"]}}


@pytest.mark.fault("S14")
def test_deliveries_verify_with_the_public_package_and_one_changed_bit_does_not(api, receiver):
    target = add_endpoint(api, receiver)
    event_id = publish(api, type="asset.created", data=VIDEO)
    [receipt] = receiver.wait_for(1)
    body = Webhook(target.secret).verify(receipt.body, receipt.headers)
    assert (body["type"], body["data"], receipt.message_id) == ("asset.created", VIDEO, event_id)
    with pytest.raises(WebhookVerificationError):
        Webhook(target.secret).verify(receipt.body.replace("hd", "he"), receipt.headers)


def test_a_cloudevent_parses_with_the_official_package(api, receiver):
    target = add_endpoint(api, receiver, dialect="cloudevents")
    event_id = publish(api, type="asset.created", data=VIDEO)
    [receipt] = receiver.wait_for(1)
    event = from_structured_event(HTTPMessage(receipt.headers, receipt.body.encode()), JSONFormat())
    assert (event.get_id(), event.get_data()) == (event_id, VIDEO)
    assert verify(receipt, target.secret) is None


def test_the_whole_life_of_an_event_can_be_followed(installation, receiver):
    api = installation.api()
    target = add_endpoint(api, receiver, "/hook", name="My receiver", retry={"kind": "schedule", "delays": [0.1, 0.1]})
    receiver.behave(Rule(503, body="not yet", times=1))
    event_id = publish(api, type="asset.created", data=VIDEO)
    wait_until_closed(api)
    [delivery] = api.get(f"/v1/deliveries?event_id={event_id}")["items"]
    assert (delivery["state"], delivery["attempts"], delivery["endpoint_id"]) == ("delivered", 2, target.id)
    first, second = attempts_of(api, event_id)
    assert (first["status"], first["status_code"], second["status"]) == ("failed", 503, "succeeded")
    detail = api.get(f"/v1/logs/{first['id']}")
    assert (detail["response"]["status_code"], detail["response"]["body"]) == (503, "not yet")
    assert detail["request"]["body"] == receiver.receipts()[0].body
    assert detail["request"]["url"] == receiver.url("/hook")
    assert api.get(f"/v1/events/{event_id}")["data"] == VIDEO
    assert api.get(f"/v1/endpoints/{target.id}/stats")["delivered"] == 1
    csv = api.ask("GET", "/v1/logs/export?format=csv").body.decode().splitlines()
    assert csv[0].startswith("Application ID,Date & Time,Event Triggered,Endpoint,Retry Attempts,")
    assert len(csv) == 3


def test_a_resend_arrives_with_the_same_id_and_restarts_the_life(installation, receiver):
    api = installation.api()
    add_endpoint(api, receiver)
    event_id = publish(api)
    wait_until_closed(api)
    [delivery] = api.get(f"/v1/deliveries?event_id={event_id}")["items"]
    assert api.ask("POST", f"/v1/deliveries/{delivery['id']}/resend").status == 202
    receipts = receiver.wait_for(2)
    wait_until_closed(api)
    assert [receipt.message_id for receipt in receipts] == [event_id] * 2
    assert [attempt["trigger"] for attempt in attempts_of(api, event_id)] == ["schedule", "resend"]


@pytest.mark.fault("S15")
def test_a_rotated_secret_signs_together_with_the_old_one(api, receiver):
    target = add_endpoint(api, receiver)
    rotated = api.post(f"/v1/endpoints/{target.id}/secret/rotate", {"overlap": 3600})
    assert rotated["secret"] != target.secret
    publish(api)
    [receipt] = receiver.wait_for(1)
    assert verify(receipt, target.secret) is None
    assert verify(receipt, rotated["secret"]) is None
    api.post(f"/v1/endpoints/{target.id}/secret/rotate", {"overlap": 0, "secret": target.secret})
    publish(api, 2)
    _, receipt = receiver.wait_for(2)
    assert verify(receipt, target.secret) is None
    assert verify(receipt, rotated["secret"]) is not None


def test_a_preview_shows_the_exact_request_and_sends_nothing(api, receiver):
    target = add_endpoint(api, receiver, auth={"type": "bearer", "token": "a-bearer-token"})
    event = {"type": "asset.created", "data": VIDEO}
    shown = api.post("/v1/endpoints/preview", {"endpoint_id": target.id, "event": event})
    headers = {name.lower(): value for name, value in shown["headers"].items()}
    assert (shown["method"], shown["url"]) == ("POST", receiver.url("/hook"))
    assert Webhook(target.secret).verify(shown["body"], headers)["data"] == VIDEO
    assert "a-bearer-token" not in json.dumps(shown)
    assert receiver.counts().received == 0


def test_a_test_says_what_the_receiver_did_and_changes_nothing(api, receiver):
    target = add_endpoint(api, receiver)
    receiver.behave(Rule(401))
    result = api.post(f"/v1/endpoints/{target.id}/test")
    assert (result["ok"], result["reachable"], result["authenticated"]) == (False, True, False)
    assert api.get(f"/v1/endpoints/{target.id}")["state"] == "active"
    assert receiver.counts().received == 1


def test_events_choose_their_endpoints_by_name_wildcard_category_and_condition(api, receiver):
    wanted = {
        "/exact": {"events": ["asset.created"]},
        "/wildcard": {"events": ["asset.*"]},
        "/category": {"events": ["category:live"]},
        "/long": {"events": ["asset.created"], "conditions": {"expression": "event.data.asset.duration > 60.0"}},
    }
    for path, fields in wanted.items():
        add_endpoint(api, receiver, path, **fields)
    data = {"asset": {"id": "a", "duration": 12.5}}
    counts = [
        api.post("/v1/events", {"type": name, "data": data})["deliveries"]
        for name in ("asset.created", "asset.deleted", "live.started", "user.created")
    ]
    assert counts == [2, 1, 1, 0]
    assert api.post("/v1/events", {"type": "asset.created", "data": {"asset": {"duration": 90.0}}})["deliveries"] == 3


@pytest.mark.fault("R25")
def test_an_event_with_an_id_of_the_clients_own_is_taken_once(api, receiver):
    add_endpoint(api, receiver)
    event = {"id": "order-17", "type": "asset.created", "data": VIDEO}
    assert api.post("/v1/events", event) == api.post("/v1/events", event)
    assert api.ask("POST", "/v1/events", event | {"data": {}}).status == 409
    [receipt] = receiver.wait_for(1)
    assert receipt.message_id == "order-17"
    wait_until_closed(api)
    assert receiver.counts().received == 1


def test_what_waits_while_an_endpoint_is_paused_is_delivered_when_it_is_active_again(api, receiver):
    target = add_endpoint(api, receiver, state="paused")
    ids = [publish(api, number) for number in range(5)]
    assert len(api.get("/v1/deliveries?state=pending")["items"]) == 5
    assert receiver.counts().received == 0
    api.ask("PATCH", f"/v1/endpoints/{target.id}", {"state": "active"}).ok(200)
    assert {receipt.message_id for receipt in receiver.wait_for(5)} == set(ids)


def test_apps_do_not_see_each_other(program, api, receiver):
    api.post("/v1/apps", {"id": "other", "name": "Other"})
    target = add_endpoint(api, receiver)
    token = api.ask("POST", "/v1/tokens", {"name": "t", "role": "admin"}, {"Reelhook-App": "other"}).ok(201)["token"]
    stranger = program.api(token)
    assert stranger.get("/v1/endpoints")["items"] == []
    assert stranger.ask("GET", f"/v1/endpoints/{target.id}").status == 404
    assert stranger.post("/v1/events", {"type": "asset.created", "data": VIDEO})["deliveries"] == 0
    assert stranger.ask("POST", "/v1/apps", {"id": "third"}).status == 403


def test_what_it_says_about_itself_is_served(program, api):
    document = api.get("/openapi.json")
    assert document["openapi"].startswith("3.1")
    assert "asset.created" in document["webhooks"]
    assert program.readiness() == 200
    assert "reelhook_events_accepted_total" in api.ask("GET", "/metrics").body.decode()
    problem = program.api(None).ask("GET", "/v1/endpoints")
    assert (problem.status, problem.headers["content-type"]) == (401, "application/problem+json")


def test_a_first_start_makes_a_token_that_works_and_shows_it_once(program):
    program.stop()
    del program.settings["REELHOOK_OPERATOR_TOKEN"]
    program.settings["REELHOOK_DATABASE"] = f"sqlite:///{program.directory / 'fresh.db'}"
    program.log.unlink()
    program.start()
    said = until(lambda: "curl" in program.said() and program.said(), "it says how to begin")
    token = said.partition("operator token:")[2].split()[0]
    assert program.api(token).get("/v1/endpoints")["items"] == []
    program.stop()
    program.log.unlink()
    program.start()
    assert token not in program.said()
    assert program.api(token).get("/v1/endpoints")["items"] == []


def test_an_ed25519_signature_stands_beside_the_symmetric_one_on_request(api, receiver):
    target = add_endpoint(api, receiver, options={"ed25519": True})
    publish(api)
    [receipt] = receiver.wait_for(1)
    schemes = [entry.split(",", 1) for entry in receipt.headers["webhook-signature"].split(" ")]
    assert {scheme for scheme, _ in schemes} == {"v1", "v1a"}
    assert len(base64.b64decode(dict(schemes)["v1a"])) == 64
    assert verify(receipt, target.secret) is None
