"""What Wochit's documentation promises of its webhook, capability by capability, against the running program."""

import json
import re
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook
from tests.support.listener import Reply

CAPABILITIES = range(1, 13)
CONTEXT, VIDEO_ID = "string-sent-when-opened-the-video-editor", "6094092472a9105747957aa3"
THUMBNAIL, VIDEO = "http://example.com/direct-link-to-thumbnail", "https://example.com/direct-link-to-video"
FRESH_THUMBNAIL, FRESH_VIDEO = "https://cdn.example.com/fresh.jpg", "https://cdn.example.com/fresh.mp4"
VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "wochit.json").read_text())["vectors"]
DOCUMENTED = {one["documented"]["type"]: one for one in VECTORS if "documented" in one}
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SENDERS = ["54.81.68.237", "54.147.58.230", "52.1.193.159", "18.204.107.61", "100.25.120.71"]
ONE_ATTEMPT = {"kind": "schedule", "delays": []}


def moment(seconds):
    """Return the time so many seconds from now."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def asset(asset_id="ast_1", **more):
    return {"asset": {"id": asset_id, **more}}


def a_draft(house, **more):
    """Return the data of a draft that no other test knows, with its id."""
    draft_id = house.path()
    return draft_id, asset(draft_id, kind="draft", title="The video title", thumbnails=[THUMBNAIL], **more)


def documented(house, endpoint, name):
    """Publish what leads to a documented payload; return the body that came, as it came."""
    event = DOCUMENTED[name]["event"]
    house.publish(event["type"], event["data"])
    return house.heard(endpoint)[-1].body.decode()


def types(house, endpoint):
    return [got.json()["type"] for got in house.listener.got(endpoint["_path"])]


def test_every_capability_of_the_documentation_has_a_row():
    rows = {int(found[1]) for name in globals() if (found := re.match(r"test_a5_(\d+)_", name))}
    assert rows == set(CAPABILITIES)


# 1. One endpoint is notified, asynchronously.


def test_a5_1_the_publisher_does_not_wait_for_the_receiver(house):
    endpoint, let_go = house.endpoint("wochit"), threading.Event()
    house.listener.always(endpoint["_path"], lambda _: Reply(200 if let_go.wait(60) else 500))
    receipt = house.publish("asset.processed", asset())
    house.heard(endpoint)
    assert receipt["deliveries"] == 1
    let_go.set()
    assert [one["state"] for one in house.settled(receipt["id"])] == ["delivered"]


def test_a5_1_an_endpoint_is_tested_and_previewed_with_what_it_would_get(house):
    endpoint = house.endpoint("wochit")
    tested = house.api.ask("POST", f"/v1/endpoints/{endpoint['id']}/test").ok(200)
    assert (tested["ok"], types(house, endpoint)) == (True, ["video.ready"])
    seen = {"type": "draft.updated", "data": asset("d-previewed", context="second")}
    house.publish("draft.created", asset("d-previewed", context="first"))
    shown = house.api.ask("POST", "/v1/endpoints/preview", {"endpoint_id": endpoint["id"], "event": seen}).ok(200)
    body = {"type": "draft.update", "videoContext": "first", "wochitVideoId": "d-previewed"}
    assert json.loads(shown["body"]) == body


# 2. A video was produced, its production failed, or it was deleted: a POST of JSON.


def test_a5_2_a_production_its_failure_and_a_deletion_are_posted_as_json(house):
    endpoint = house.endpoint("wochit")
    for event_type in ("asset.processed", "asset.processing_failed", "asset.deleted"):
        house.publish(event_type, house.example(event_type))
    got = house.heard(endpoint, 3)
    assert {one.json()["type"] for one in got} == {"video.ready", "video.failed", "video.delete"}
    assert {(one.method, one.headers["content-type"]) for one in got} == {("POST", "application/json")}
    assert not {name for one in got for name in one.headers if "signature" in name or "authorization" in name}


def test_a5_2_a_failure_says_why(house):
    endpoint = house.endpoint("wochit", events=["video.failed"])
    failed = asset(context=CONTEXT, ids={"wochit": VIDEO_ID}) | {"error": {"message": "Failed to download 3 assets"}}
    house.publish("asset.processing_failed", failed)
    assert list(house.heard(endpoint)[0].json().items()) == [
        ("type", "video.failed"),
        ("videoContext", CONTEXT),
        ("wochitVideoId", VIDEO_ID),
        ("errorMessage", "Failed to download 3 assets"),
    ]


# 3 and 4. The payloads of videos.


def test_a5_3_a_produced_video_is_told_in_the_documented_form(house):
    endpoint = house.endpoint("wochit", events=["video.ready"])
    assert documented(house, endpoint, "video.ready") == DOCUMENTED["video.ready"]["body"]


def test_a5_3_a_duration_is_a_float_though_it_was_posted_as_a_whole_number(house):
    endpoint = house.endpoint("wochit", events=["video.ready"])
    house.publish("asset.processed", asset(duration=36))
    assert b'"videoDuration":36.0' in house.heard(endpoint)[0].body


def test_a5_3_a_video_that_was_processed_and_transcoded_at_one_time_is_ready_once(house):
    endpoint = house.endpoint("wochit", events=["video.ready"])
    at = moment(0)
    batch = [
        {"type": name, "data": asset("one", title=name), "occurred_at": at}
        for name in ("asset.transcoded", "asset.processed")
    ]
    receipts = house.api.ask("POST", "/v1/events/batch", batch).ok(202)["items"]
    assert [one["deliveries"] for one in receipts] == [0, 1]
    assert house.publish("asset.transcoded", asset("one"), occurred_at=at)["deliveries"] == 0
    assert house.publish("asset.transcoded", asset("two"), occurred_at=at)["deliveries"] == 1
    assert {got.json().get("title") for got in house.heard(endpoint, 2)} == {"asset.processed", None}


def test_a5_4_a_deleted_video_is_told_in_the_documented_form(house):
    endpoint = house.endpoint("wochit", events=["video.delete"])
    assert documented(house, endpoint, "video.delete") == DOCUMENTED["video.delete"]["body"]


# 5. videoContext ties a video to who made it, wochitVideoId names it.


def test_a5_5_the_context_of_a_video_comes_with_all_that_is_told_of_it(house):
    endpoint = house.endpoint("wochit", events=["video.ready", "video.delete"])
    video = {"ids": {"wochit": "5f"}}
    house.publish("asset.created", asset("v5", context="customer 7, page 3", **video))
    house.publish("asset.processed", asset("v5", **video))
    house.publish("asset.deleted", asset("v5"))
    got = {one.json()["type"]: one.json() for one in house.heard(endpoint, 2)}
    assert {one["videoContext"] for one in got.values()} == {"customer 7, page 3"}
    assert got["video.ready"]["wochitVideoId"] == "5f"
    assert got["video.delete"]["wochitVideoId"] == "v5", "nobody said what Wochit calls it"


# 6. Links live for 24 hours; one that is sent later is refreshed.


@pytest.fixture
def refreshing(another_house):
    """An app that refreshes links, and the path at which it does."""
    house = another_house()
    path = house.path()
    house.operator.ask(
        "PATCH", f"/v1/apps/{house.app}", {"link_refresh": {"url": house.listener.url(path), "secret": SECRET}}
    ).ok(200)
    fresh = {"url": FRESH_VIDEO, "thumbnail_url": FRESH_THUMBNAIL, "expires_at": moment(86400)}
    house.listener.always(path, Reply(200, json.dumps(fresh).encode()))
    return house, path


LINKS = {"url": VIDEO, "thumbnails": [THUMBNAIL], "ids": {"wochit": VIDEO_ID}}


def test_a5_6_a_link_younger_than_a_day_is_sent_as_it_is(refreshing):
    house, path = refreshing
    endpoint = house.endpoint("wochit")
    house.publish("asset.processed", asset(**LINKS), occurred_at=moment(-23 * 3600))
    assert house.heard(endpoint)[0].json()["videoUrl"] == VIDEO
    assert house.listener.got(path) == []


def test_a5_6_a_link_that_is_a_day_old_is_refreshed_before_it_is_sent(refreshing):
    house, path = refreshing
    endpoint = house.endpoint("wochit")
    house.publish("asset.processed", asset("v6", **LINKS), occurred_at=moment(-24 * 3600))
    body = house.heard(endpoint)[0].json()
    assert (body["videoUrl"], body["thumbnailUrl"]) == (FRESH_VIDEO, FRESH_THUMBNAIL)
    (asked,) = house.listener.got(path)
    assert Webhook(SECRET).verify(asked.body, asked.headers) == {"asset_id": "v6", "ids": {"wochit": VIDEO_ID}}


def test_a5_6_a_retry_carries_a_fresh_link_when_the_first_one_has_died_meanwhile(refreshing):
    house, path = refreshing
    endpoint = house.endpoint("wochit", retry={"kind": "schedule", "delays": [2]})
    house.listener.answers(endpoint["_path"], 503, 200)
    dies, began = 301.5, time.monotonic()
    event = house.publish("asset.processed", asset("v7", **LINKS, url_expires_at=moment(dies)))["id"]
    first = house.heard(endpoint)[0].json()
    if time.monotonic() - began < dies - 300:  # else the machine was too busy, and even the first one was late
        assert first["videoUrl"] == VIDEO
    retried = house.heard(endpoint, 2)[1].json()
    assert house.listener.got(path)
    assert (retried["videoUrl"], retried["thumbnailUrl"]) == (FRESH_VIDEO, FRESH_THUMBNAIL)
    house.settled(event)
    lines = house.api.get(f"/v1/logs?event_id={event}")["items"]
    logged = [json.loads(house.api.get(f"/v1/logs/{one['id']}")["request"]["body"]) for one in lines]
    assert logged == [retried, first], "the log shows what was sent"


def test_a5_6_every_dialect_gets_the_fresh_link_and_the_app_is_asked_once(refreshing):
    house, path = refreshing
    endpoints = [house.endpoint("wochit"), house.endpoint("standard"), house.endpoint("standard")]
    house.publish("asset.processed", asset("v8", **LINKS, url_expires_at=moment(-1)))
    bodies = [house.heard(one)[0].json() for one in endpoints]
    assert bodies[0]["videoUrl"] == FRESH_VIDEO
    assert {one["data"]["asset"]["url"] for one in bodies[1:]} == {FRESH_VIDEO}
    assert len(house.listener.got(path)) == 1


@pytest.mark.parametrize(
    "answer",
    [
        Reply(500, b"no secret of ours"),
        Reply(200, b"not json"),
        Reply(302, b"", {"Location": "http://127.0.0.1/"}),
        Reply(200, b'{"url": "https://cdn.example.com/a", "expires_at": "2020-01-01T00:00:00Z"}'),
        Reply(200, b'{"thumbnail_url": "https://cdn.example.com/a"}'),
    ],
    ids=["500", "not JSON", "a redirect", "expired already", "no url"],
)
def test_a5_6_a_dead_link_is_never_sent(refreshing, answer):
    house, path = refreshing
    endpoint = house.endpoint("wochit", retry={"kind": "schedule", "delays": [0]})
    house.listener.answers(path, answer)
    event = house.publish("asset.processed", asset(house.path(), **LINKS), occurred_at=moment(-86400))["id"]
    (delivery,) = house.settled(event)
    assert (delivery["state"], delivery["attempts"]) == ("delivered", 2)
    assert [got.json()["videoUrl"] for got in house.listener.got(endpoint["_path"])] == [FRESH_VIDEO]
    failed = house.api.get(f"/v1/logs?event_id={event}&status=failed")["items"][0]
    assert failed["error_class"] == "prepare_failed"
    assert "link_refresh" in failed["error"]
    assert "secret" not in failed["error"]


def test_a5_6_without_link_refresh_links_are_sent_as_they_were_published(house):
    endpoint = house.endpoint("wochit")
    house.publish("asset.processed", asset(**LINKS), occurred_at=moment(-86400))
    assert house.heard(endpoint)[0].json()["videoUrl"] == VIDEO


def test_a5_6_the_secret_of_link_refresh_is_shown_to_nobody_and_its_address_is_checked(refreshing):
    house, path = refreshing
    shown = house.operator.get(f"/v1/apps/{house.app}")["link_refresh"]
    assert shown == {"url": house.listener.url(path), "secret": "***"}
    wrongs = [("url", "http://169.254.169.254/"), ("url", "ftp://a.example/"), ("secret", "whsec_?"), ("secret", "")]
    for field, value in wrongs:
        answer = house.operator.ask("PATCH", f"/v1/apps/{house.app}", {"link_refresh": {field: value}})
        assert answer.status == 422
        assert [one["pointer"] for one in answer.json()["errors"]] == [f"/link_refresh/{field}"]
    assert house.operator.get(f"/v1/apps/{house.app}")["link_refresh"] == shown
    stored = b"".join(file.read_bytes() for file in house.program.directory.glob("reelhook.db*"))
    assert path.encode() in stored
    assert SECRET.encode() not in stored


# 7. Drafts: only with a context, and only while drafts management is on.

OF_DRAFTS = {
    "draft.created": "draft.new",
    "draft.updated": "draft.update",
    "draft.exited": "draft.exit",
    "draft.deleted": "draft.delete",
}


def test_a5_7_every_event_of_a_draft_with_a_context_is_told(house):
    endpoint = house.endpoint("wochit")
    for event_type in OF_DRAFTS:
        assert house.publish(event_type, house.example(event_type))["deliveries"] == 1
    house.heard(endpoint, 4)
    assert sorted(types(house, endpoint)) == sorted(OF_DRAFTS.values())


@pytest.mark.parametrize("event_type", OF_DRAFTS)
def test_a5_7_a_draft_that_never_had_a_context_is_not_told(house, event_type):
    house.endpoint("wochit")
    assert house.publish(event_type, a_draft(house)[1])["deliveries"] == 0


def test_a5_7_a_context_in_the_same_batch_counts(house):
    endpoint = house.endpoint("wochit", events=["draft.delete"])
    draft_id, created = a_draft(house, context=CONTEXT)
    batch = [
        {"type": "draft.deleted", "data": asset(draft_id)},
        {"type": "draft.created", "data": created},
        {"type": "draft.deleted", "data": asset(draft_id)},
    ]
    receipts = house.api.ask("POST", "/v1/events/batch", batch).ok(202)["items"]
    assert [one["deliveries"] for one in receipts] == [0, 0, 1]
    assert house.heard(endpoint)[0].json() == {"type": "draft.delete", "wochitVideoId": draft_id}


def test_a5_7_drafts_management_can_be_off_and_on(house):
    endpoint = house.endpoint("wochit", options={"drafts": False})
    _, draft = a_draft(house, context=CONTEXT)
    assert house.publish("draft.created", draft)["deliveries"] == 0
    assert house.publish("asset.processed", draft)["deliveries"] == 1
    house.api.ask("PATCH", f"/v1/endpoints/{endpoint['id']}", {"options": {"drafts": True}}).ok(200)
    assert house.publish("draft.updated", draft)["deliveries"] == 1


def test_a5_7_another_apps_context_is_not_ours(house, another_house):
    other = another_house()
    draft_id, draft = a_draft(house, context=CONTEXT)
    other.publish("draft.created", draft)
    house.endpoint("wochit")
    assert house.publish("draft.deleted", asset(draft_id))["deliveries"] == 0


# 8 and 9. The payloads of drafts.


@pytest.mark.parametrize("name", ["draft.new", "draft.update"])
def test_a5_8_a_new_and_an_updated_draft_are_told_in_the_documented_form(house, name):
    endpoint = house.endpoint("wochit", events=[name])
    assert documented(house, endpoint, name) == DOCUMENTED[name]["body"]


def test_a5_8_a_draft_that_was_left_is_told_with_the_fields_of_an_update(house):
    endpoint = house.endpoint("wochit", events=["draft.exit"])
    house.publish("draft.exited", DOCUMENTED["draft.update"]["event"]["data"])
    left = DOCUMENTED["draft.update"]["body"].replace("draft.update", "draft.exit")
    assert house.heard(endpoint)[0].body.decode() == left


def test_a5_8_updates_can_be_left_out(house):
    house.endpoint("wochit", options={"draft_updates": False})
    _, draft = a_draft(house, context=CONTEXT)
    told = [house.publish(event_type, draft)["deliveries"] for event_type in OF_DRAFTS]
    assert told == [1, 0, 1, 1]


def test_a5_9_a_deleted_draft_is_told_by_its_id_alone(house):
    endpoint = house.endpoint("wochit", events=["draft.delete"])
    assert documented(house, endpoint, "draft.delete") == DOCUMENTED["draft.delete"]["body"]


# 10. One user works on a draft at a time: what is saved later wins, so it must arrive later.


def test_a5_10_the_updates_of_one_draft_arrive_in_their_order_where_that_is_asked_for(house):
    endpoint = house.endpoint("wochit", ordering="asset", retry={"kind": "schedule", "delays": [0.2]})
    house.listener.answers(endpoint["_path"], 500)
    _, draft = a_draft(house, context=CONTEXT)
    for title in ("one", "two", "three"):
        draft["asset"]["title"] = title
        house.publish("draft.updated", draft)
    titles = [got.json()["title"] for got in house.heard(endpoint, 4)]
    assert titles == ["one", "one", "two", "three"]


# 11. The context of an update is the one that the draft was begun with: a mapping is kept.


def test_a5_11_the_first_context_comes_with_every_later_event_whatever_that_says(house):
    draft_id, draft = a_draft(house, context="first")
    house.publish("draft.created", draft)
    endpoint = house.endpoint("wochit")  # nobody listened when the context came
    draft["asset"]["context"] = "second"
    house.publish("draft.updated", draft)
    house.publish("draft.exited", asset(draft_id))
    got = house.heard(endpoint, 2)
    assert {one.json()["videoContext"] for one in got} == {"first"}


def test_a5_11_the_mapping_outlives_the_process(house, running):
    endpoint = house.endpoint("wochit", events=["draft.delete", "draft.exit"])
    draft_id, draft = a_draft(house, context="first")
    house.publish("draft.created", draft)
    running.kill()
    running.start()
    house.api.close()
    assert house.publish("draft.exited", asset(draft_id, context="second"))["deliveries"] == 1
    assert house.publish("draft.deleted", asset(draft_id))["deliveries"] == 1
    exit_, delete = sorted((one.json() for one in house.heard(endpoint, 2)), key=lambda one: one["type"], reverse=True)
    assert (exit_["videoContext"], delete) == ("first", {"type": "draft.delete", "wochitVideoId": draft_id})


# 12. The addresses that requests come from are known.


def test_a5_12_the_senders_addresses_are_listed(another_house):
    house = another_house(egress_ips=SENDERS)
    assert house.api.get("/v1/egress-ips") == {"items": SENDERS}
