"""What VideoCloud's documentation promises of its webhooks, capability by capability, against the running program."""

import asyncio
import hashlib
import hmac
import json
import re
from datetime import datetime
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from aiosmtpd.controller import UnthreadedController
from tests.capabilities.receivers import sample_javascript, sample_python
from tests.support.program import Program, until

CAPABILITIES = range(1, 18)
SECRET = "your_webhook_secret"
WEBHOOKS = "/compat/videocloud/webhooks"
EVENTS = {
    "video.uploaded": "asset.uploaded",
    "video.processed": "asset.processed",
    "video.published": "asset.published",
    "video.updated": "asset.updated",
    "video.deleted": "asset.deleted",
    "user.created": "user.created",
    "user.updated": "user.updated",
    "user.deleted": "user.deleted",
    "engagement.view": "engagement.viewed",
    "engagement.like": "engagement.liked",
    "engagement.comment": "engagement.commented",
    "system.error": "system.error",
    "system.warning": "system.warning",
}
VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "videocloud.json").read_text())["vectors"]
DOCUMENTED = {one["documented"]["event"]: one for one in VECTORS if "documented" in one}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z")
AT_ONCE = {"kind": "schedule", "delays": [0, 0, 0, 0]}
"""As many attempts as the documentation says, without its waits."""


def register(house, **fields):
    """Register a webhook that points at the receiver; return it, with the path that it points at."""
    path = house.path()
    body = {"url": house.listener.url(path), "events": ["video.uploaded"], "secret": SECRET} | fields
    return house.api.ask("POST", WEBHOOKS, body).ok(201)["data"] | {"_path": path}


def listed(house, webhook):
    """Return what the list of webhooks says of one."""
    items = house.api.ask("GET", WEBHOOKS).ok(200)["data"]["items"]
    return next(item for item in items if item["id"] == webhook["id"])


def endpoint_of(webhook):
    """Return the id under which the webhook is an endpoint."""
    return "ep_" + webhook["id"].removeprefix("whk_")


def hurry(house, webhook):
    """Let all attempts follow each other at once."""
    house.api.ask("PATCH", f"/v1/endpoints/{endpoint_of(webhook)}", {"retry": AT_ONCE}).ok(200)


def upload(house):
    return house.publish("asset.uploaded", {"asset": {"id": "vid_123456", "title": "My Video"}})["id"]


def signature_of(body, secret=SECRET):
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def moment(text):
    return datetime.fromisoformat(text).timestamp()


def test_every_capability_of_the_documentation_has_a_row():
    rows = {int(found[1]) for name in globals() if (found := re.match(r"test_a3_(\d+)_", name))}
    assert rows == set(CAPABILITIES)


# 1. An application registers a URL; events are posted to it; a delivery that failed is made again.


def test_a3_1_a_registered_url_is_posted_to_and_again_if_that_failed(house):
    webhook = register(house)
    hurry(house, webhook)
    house.listener.answers(webhook["_path"], 500, 200)
    (delivery,) = house.settled(upload(house))
    assert (delivery["state"], delivery["attempts"]) == ("delivered", 2)
    assert [got.method for got in house.listener.got(webhook["_path"])] == ["POST", "POST"]


# 2. Registering.


def test_a3_2_registering_answers_with_the_webhook_and_without_its_secret(house):
    url, events = "https://your-server.com/webhooks", ["video.uploaded", "video.processed", "video.published"]
    answer = house.api.ask("POST", WEBHOOKS, {"url": url, "events": events, "secret": SECRET})
    made = answer.ok(201)
    assert made["success"] is True
    assert list(made["data"]) == ["id", "url", "events", "status", "createdAt"]
    assert (made["data"]["url"], made["data"]["events"], made["data"]["status"]) == (url, events, "active")
    assert re.match(r"whk_[0-9a-f]{16}\Z", made["data"]["id"])
    assert MOMENT.match(made["data"]["createdAt"])
    assert SECRET not in answer.body.decode()


@pytest.mark.parametrize(
    "body",
    [
        {"events": ["video.uploaded"]},
        {"url": "no url", "events": ["video.uploaded"]},
        {"url": "https://a.example", "events": ["asset.uploaded"]},
        {"url": "https://a.example", "events": "video.uploaded"},
        {"url": "https://a.example", "events": ["video.uploaded"], "secret": 5},
        [],
    ],
    ids=[
        "no url",
        "a url that is none",
        "an unknown event",
        "events that are no list",
        "a secret that is no text",
        "a list",
    ],
)
def test_a3_2_what_cannot_be_registered_is_refused_in_the_systems_own_words_and_changes_nothing(house, body):
    answer = house.api.ask("POST", WEBHOOKS, body)
    refused = answer.json()
    assert (answer.status, refused["success"]) == (400, False)
    assert refused["error"].keys() == {"code", "message"}
    assert house.api.ask("GET", WEBHOOKS).ok(200)["data"]["items"] == []


def test_a3_2_without_a_good_token_nothing_is_told(house):
    for token, status in ((None, 401), ("unheard-of", 401)):
        answer = house.program.api(token).ask("GET", WEBHOOKS)
        assert (answer.status, answer.json()["success"]) == (status, False)


# 3. The list, with what became of the last delivery.


def test_a3_3_the_list_tells_of_the_last_delivery_once_there_is_one(house):
    webhook = register(house)
    other = register(house, events=["video.deleted"])
    assert "lastDelivery" not in listed(house, webhook)
    house.settled(upload(house))
    last = listed(house, webhook)["lastDelivery"]
    assert (last["success"], bool(MOMENT.match(last["timestamp"]))) == (True, True)
    assert "lastDelivery" not in listed(house, other)
    house.listener.answers(webhook["_path"], 503)
    upload(house)
    house.logged({"id": endpoint_of(webhook)}, 2)
    assert listed(house, webhook)["lastDelivery"]["success"] is False
    assert listed(house, webhook)["status"] == "active"  # four more attempts follow


def test_a3_3_the_list_holds_the_webhooks_of_the_app_and_no_other_endpoints(house, another_house):
    webhook = register(house)
    house.endpoint("standard")
    stranger = register(another_house())
    found = [item["id"] for item in house.api.ask("GET", WEBHOOKS).ok(200)["data"]["items"]]
    assert found == [webhook["id"]]
    assert stranger["id"] not in found


# 4. Changing what is given, and only that.


def test_a3_4_a_put_changes_what_it_gives_and_nothing_else(house):
    webhook = register(house)
    events = ["video.uploaded", "video.deleted"]
    changed = house.api.ask("PUT", f"{WEBHOOKS}/{webhook['id']}", {"events": events, "secret": "new_secret"}).ok(200)
    expected = {name: value for name, value in webhook.items() if name != "_path"} | {"events": events}
    assert changed == {"success": True, "data": expected}
    house.publish("asset.deleted", {"asset": {"id": "vid_1"}})
    (got,) = house.listener.wait(webhook["_path"])
    assert got.json()["event"] == "video.deleted"
    assert got.headers["x-videocloud-signature"] == signature_of(got.body, "new_secret")


def test_a3_4_a_put_that_cannot_be_read_changes_nothing(house):
    webhook = register(house)
    before = listed(house, webhook)
    for body in ({"events": ["nothing.known"]}, {"url": 5}, b"{"):
        assert house.api.ask("PUT", f"{WEBHOOKS}/{webhook['id']}", body).status == 400
    assert house.api.ask("PUT", f"{WEBHOOKS}/whk_0000000000000001", {"events": ["video.deleted"]}).status == 404
    assert listed(house, webhook) == before


# 5. Deleting.


def test_a3_5_a_deleted_webhook_is_gone_and_gets_nothing_more(house):
    webhook = register(house)
    assert house.api.ask("DELETE", f"{WEBHOOKS}/{webhook['id']}").ok(200) == {"success": True, "data": None}
    again = house.api.ask("DELETE", f"{WEBHOOKS}/{webhook['id']}")
    assert (again.status, again.json()["success"]) == (404, False)
    assert house.api.ask("GET", WEBHOOKS).ok(200)["data"]["items"] == []
    assert house.publish("asset.uploaded", {"asset": {"id": "vid_1"}})["deliveries"] == 0


# 6. The events.


@pytest.mark.parametrize(("name", "event_type"), EVENTS.items())
def test_a3_6_each_event_is_sent_to_who_subscribes_to_it_and_to_no_other(house, name, event_type):
    webhook = register(house, events=[name])
    events = [{"type": one, "data": house.example(one)} for one in EVENTS.values()]
    receipts = house.api.post("/v1/events/batch", events)["items"]
    assert {receipt["type"]: receipt["deliveries"] for receipt in receipts} == {
        one: int(one == event_type) for one in EVENTS.values()
    }
    (got,) = house.listener.wait(webhook["_path"])
    assert got.json()["event"] == name
    assert got.json()["data"]


def test_a3_6_a_test_sends_the_example_of_the_first_event_itself_and_not_of_one_that_falls_back_on_it(house):
    webhook = register(house)
    tried = house.api.post(f"/v1/endpoints/{endpoint_of(webhook)}/test")
    assert (tried["ok"], tried["attempt"]["event_type"]) == (True, "asset.uploaded")


def test_a3_6_the_catalogue_says_what_each_event_is_called(house):
    def name_of(event_type):
        return house.api.get(f"/v1/event-types/{event_type}?dialect=videocloud")["dialect_name"]

    assert {name: name_of(event_type) for name, event_type in EVENTS.items()} == {name: name for name in EVENTS}
    assert name_of("asset.created") == "video.uploaded"
    assert name_of("live.started") is None


# 7. The envelope.


def test_a3_7_the_envelope_is_event_timestamp_and_data(house):
    webhook = register(house)
    house.publish("asset.uploaded", {"asset": {"id": "vid_1"}}, occurred_at="2024-03-31T14:00:00.500+02:00")
    (got,) = house.listener.wait(webhook["_path"])
    assert list(got.json()) == ["event", "timestamp", "data"]
    assert (got.json()["timestamp"], got.headers["content-type"]) == ("2024-03-31T12:00:00Z", "application/json")


# 8 to 11. The payloads that are shown.


def check_documented(house, name):
    vector = DOCUMENTED[name]
    webhook = register(house, events=[name])
    event = vector["event"]
    house.publish(event["type"], event["data"], occurred_at=vector["documented"]["timestamp"])
    (got,) = house.listener.wait(webhook["_path"])
    assert got.json() == vector["documented"]
    assert got.headers["x-videocloud-signature"] == vector["headers"]["X-VideoCloud-Signature"]
    return webhook


def test_a3_8_a_video_that_was_uploaded_is_told_as_documented(house):
    check_documented(house, "video.uploaded")


def test_a3_9_a_video_that_was_processed_is_told_as_documented(house):
    check_documented(house, "video.processed")


@pytest.mark.parametrize("name", ["user.registered", "user.created"])
def test_a3_10_a_user_who_registered_is_told_as_documented_under_the_name_that_was_subscribed(house, name):
    if name == "user.registered":
        check_documented(house, name)
        return
    webhook = register(house, events=[name])
    house.publish("user.created", DOCUMENTED["user.registered"]["event"]["data"])
    (got,) = house.listener.wait(webhook["_path"])
    assert (got.json()["event"], got.json()["data"]) == (name, DOCUMENTED["user.registered"]["documented"]["data"])


@pytest.mark.parametrize("name", ["comment.created", "engagement.comment"])
def test_a3_11_a_comment_is_told_as_documented_under_the_name_that_was_subscribed(house, name):
    if name == "comment.created":
        check_documented(house, name)
        return
    webhook = register(house, events=[name])
    house.publish("engagement.commented", DOCUMENTED["comment.created"]["event"]["data"])
    (got,) = house.listener.wait(webhook["_path"])
    assert (got.json()["event"], got.json()["data"]) == (name, DOCUMENTED["comment.created"]["documented"]["data"])


# 12. The signature.


def test_a3_12_the_documented_check_in_javascript_takes_a_delivery_and_refuses_another_body_or_secret(house):
    webhook = register(house, events=["video.updated"])
    house.publish("asset.updated", {"asset": {"id": "vid_1", "title": "Été à Tromsø 🎬"}})
    (got,) = house.listener.wait(webhook["_path"])
    signature = got.headers["x-videocloud-signature"]
    assert re.match(r"[0-9a-f]{64}\Z", signature)
    assert sample_javascript.verify(got.body, signature, SECRET)
    assert not sample_javascript.verify(got.body + b" ", signature, SECRET)
    assert not sample_javascript.verify(got.body, signature, "another secret")


def test_a3_12_without_a_secret_there_is_no_signature(house):
    path = house.path()
    body = {"url": house.listener.url(path), "events": ["video.uploaded"]}
    house.api.ask("POST", WEBHOOKS, body).ok(201)
    upload(house)
    assert "x-videocloud-signature" not in house.listener.wait(path)[0].headers


# 13. The addresses that deliveries come from.


def test_a3_13_the_sending_addresses_are_published(another_house):
    addresses = ["52.1.2.3", "52.1.2.4", "52.1.2.5"]
    house = another_house(egress_ips=addresses)
    assert house.member_of("viewer").get("/v1/egress-ips") == {"items": addresses}


# 14. The practices that are recommended, so far as they need the sender.


def test_a3_14_every_attempt_carries_the_same_body_and_signature_so_that_a_repetition_is_noticed(house):
    webhook = register(house)
    hurry(house, webhook)
    house.listener.answers(webhook["_path"], 500, 502, 200)
    house.settled(upload(house))
    got = house.listener.wait(webhook["_path"], 3)
    assert len({(one.body, one.headers["x-videocloud-signature"]) for one in got}) == 1


def test_a3_14_every_request_is_logged_whole_and_failures_are_counted(house):
    webhook = register(house)
    hurry(house, webhook)
    house.listener.answers(webhook["_path"], 500, 200)
    house.settled(upload(house))
    (got, _) = house.listener.wait(webhook["_path"], 2)
    second, first = house.logged({"id": endpoint_of(webhook)}, 2)
    assert [one["event_name"] for one in (first, second)] == ["video.uploaded"] * 2
    assert [one["status_code"] for one in (first, second)] == [500, 200]
    detail = house.api.get(f"/v1/logs/{first['id']}")
    assert (detail["request"]["body"], detail["response"]["status_code"]) == (got.body.decode(), 500)
    failed = house.api.get(f"/v1/logs?endpoint_id={endpoint_of(webhook)}&status=failed")["items"]
    assert [one["id"] for one in failed] == [first["id"]]
    assert house.api.get(f"/v1/endpoints/{endpoint_of(webhook)}/stats")["delivered"] == 1


def test_a3_14_a_receiver_can_ask_for_credentials_beside_the_signature(house):
    webhook = register(house)
    auth = {"type": "basic", "username": "videocloud", "password": "pw"}
    house.api.ask("PATCH", f"/v1/endpoints/{endpoint_of(webhook)}", {"auth": auth}).ok(200)
    upload(house)
    (got,) = house.listener.wait(webhook["_path"])
    assert got.headers["authorization"].startswith("Basic ")
    assert got.headers["x-videocloud-signature"] == signature_of(got.body)


def test_a3_14_the_secret_is_shown_nowhere_but_where_it_is_asked_for(house):
    webhook = register(house)
    upload(house)
    house.listener.wait(webhook["_path"])
    attempt = house.logged({"id": endpoint_of(webhook)})[0]["id"]
    for path in (WEBHOOKS, "/v1/endpoints", f"/v1/logs/{attempt}"):
        assert SECRET not in house.api.ask("GET", path).body.decode()
    assert house.api.get(f"/v1/endpoints/{endpoint_of(webhook)}/secret") == {"secret": SECRET}


# 15. Five attempts: at once, then after 1, 5, 15 and 30 minutes; then it has failed, and the owner is told.


def test_a3_15_the_waits_between_the_attempts_are_those_of_the_table(house):
    webhook = register(house)
    shown = house.api.get(f"/v1/endpoints/{endpoint_of(webhook)}")
    assert shown["retry"] == {"kind": "schedule", "delays": [60, 300, 900, 1800]}
    house.listener.answers(webhook["_path"], 503)
    event_id = upload(house)
    (attempt,) = house.logged({"id": endpoint_of(webhook)})
    (delivery,) = house.api.get(f"/v1/deliveries?event_id={event_id}")["items"]
    assert (delivery["state"], delivery["attempts"]) == ("retrying", 1)
    assert round(moment(delivery["next_attempt_at"]) - moment(attempt["at"])) == 60


@pytest.mark.parametrize("status", [400, 401, 404, 500, 503, 301])
def test_a3_15_whatever_the_error_it_is_tried_again(house, status):
    webhook = register(house)
    hurry(house, webhook)
    house.listener.answers(webhook["_path"], status, 204)
    (delivery,) = house.settled(upload(house))
    assert (delivery["state"], delivery["attempts"]) == ("delivered", 2)


def test_a3_15_after_five_attempts_the_webhook_has_failed_the_owner_is_told_and_it_still_receives(house):
    owner = house.endpoint("standard", events=["delivery.exhausted"])
    webhook = register(house)
    hurry(house, webhook)
    house.listener.answers(webhook["_path"], *[503] * 5)
    (delivery,) = house.settled(upload(house))
    assert (delivery["state"], delivery["attempts"]) == ("failed", 5)
    assert len(house.listener.got(webhook["_path"])) == 5
    assert (listed(house, webhook)["status"], listed(house, webhook)["lastDelivery"]["success"]) == ("failed", False)
    told = house.heard(owner)[0].json()
    assert told["data"]["delivery"]["id"] == delivery["id"]
    assert told["data"]["endpoint"]["id"] == endpoint_of(webhook)
    (after,) = house.settled(upload(house))
    assert after["state"] == "delivered"
    assert (listed(house, webhook)["status"], listed(house, webhook)["lastDelivery"]["success"]) == ("active", True)


def test_a3_15_a_put_makes_a_failed_webhook_active_again(house):
    webhook = register(house)
    hurry(house, webhook)
    house.listener.answers(webhook["_path"], *[500] * 5)
    house.settled(upload(house))
    assert listed(house, webhook)["status"] == "failed"
    changed = house.api.ask("PUT", f"{WEBHOOKS}/{webhook['id']}", {"secret": "another"}).ok(200)
    assert changed["data"]["status"] == listed(house, webhook)["status"] == "active"


def test_a3_15_a_receiver_that_is_gone_disables_the_webhook(house):
    webhook = register(house)
    house.listener.answers(webhook["_path"], 410)
    upload(house)
    until(lambda: listed(house, webhook)["status"] == "disabled", "the webhook is disabled")


class Inbox:
    """A mail server's keeper of mails."""

    def __init__(self):
        self.mails = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - the name that aiosmtpd asks for
        self.mails.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=policy.default)))
        return "250 kept"


def test_a3_15_the_owner_gets_a_mail(tmp_path, another_house):
    inbox = Inbox()
    loop = asyncio.new_event_loop()
    mail_server = UnthreadedController(inbox, "127.0.0.1", 0, loop=loop)
    mail_server.begin()
    port = mail_server.server.sockets[0].getsockname()[1]

    def mailed():
        loop.run_until_complete(asyncio.sleep(0.02))
        return inbox.mails

    with Program(tmp_path, settings={"REELHOOK_SMTP_URL": f"smtp://127.0.0.1:{port}"}) as program:
        house = another_house(program, notify_emails=["owner@example.org"])
        webhook = register(house)
        hurry(house, webhook)
        house.listener.always(webhook["_path"], 500)
        upload(house)
        mails = until(lambda: [one for one in mailed() if "given up" in str(one[1])], "the mail has come")
        program.stop()
    mail_server.end()
    loop.close()
    assert mails[0][0] == ["owner@example.org"]
    assert endpoint_of(webhook) in str(mails[0][1])


# 16. The calls that an SDK makes.


def test_a3_16_the_python_sample_registers_its_webhook(house):
    sample = sample_python.Sample(house.api)
    assert listed(house, {"id": sample.webhook_id})["events"] == ["video.uploaded", "video.processed"]


def test_a3_16_the_javascript_sample_registers_its_webhook(house, tmp_path):
    with javascript_sample(house, tmp_path) as sample:
        assert listed(house, {"id": sample.webhook_id})["events"] == ["video.uploaded", "video.processed"]


# 17. The receivers that are shown.


def javascript_sample(house, folder):
    token = house.operator.ask(
        "POST", "/v1/tokens", {"name": "sdk", "role": "manager"}, {"Reelhook-App": house.app}
    ).ok(201)["token"]
    return sample_javascript.Sample(folder, f"http://127.0.0.1:{house.program.port}/compat/videocloud", token)


def answers(house, webhook, count=1):
    """Return status and body of what the receiver answered, oldest first."""
    lines = house.logged({"id": endpoint_of(webhook)}, count)
    responses = [house.api.get(f"/v1/logs/{line['id']}")["response"] for line in reversed(lines)]
    return [(response["status_code"], response["body"]) for response in responses]


def test_a3_17_the_python_receiver_takes_what_is_signed_and_refuses_the_rest(house):
    sample = sample_python.Sample(house.api)
    webhook, path = {"id": sample.webhook_id}, house.path()
    house.listener.always(path, sample.answer)
    house.api.ask("PUT", f"{WEBHOOKS}/{webhook['id']}", {"url": house.listener.url(path)}).ok(200)
    upload(house)
    assert answers(house, webhook) == [(200, '{"status": "OK"}')]
    assert [event["event"] for event in sample.processed] == ["video.uploaded"]
    house.api.ask("PUT", f"{WEBHOOKS}/{webhook['id']}", {"secret": "another"}).ok(200)
    upload(house)
    assert answers(house, webhook, 2)[1] == (401, '{"error": "Invalid signature"}')


def test_a3_17_the_javascript_receiver_takes_what_is_signed_and_refuses_the_rest(house, tmp_path):
    with javascript_sample(house, tmp_path) as sample:
        webhook = {"id": sample.webhook_id}
        house.api.ask("PUT", f"{WEBHOOKS}/{webhook['id']}", {"url": sample.url}).ok(200)
        upload(house)
        assert answers(house, webhook) == [(200, "OK")]
        house.api.ask("PUT", f"{WEBHOOKS}/{webhook['id']}", {"secret": "another"}).ok(200)
        upload(house)
        assert answers(house, webhook, 2)[1] == (401, "Invalid signature")
