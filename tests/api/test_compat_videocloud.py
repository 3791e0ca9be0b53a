"""VideoCloud's webhooks API, as its own clients see it."""

import json
import re

import pytest
from tests.api.house import OPERATOR, URL, call

from reelhook.dialects.videocloud import VIDEOCLOUD
from reelhook.errors import StorageFull, Unavailable
from reelhook.model.access import Role, Scope
from reelhook.model.standing import EndpointStanding

HOOKS = "/compat/videocloud/webhooks"
NEW = {"url": URL, "events": ["video.uploaded", "video.processed", "video.published"], "secret": "your_webhook_secret"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z")


def error(answer, status, code):
    """Check that an answer is an error of VideoCloud's, and return what it says."""
    assert answer.status == status, (answer.status, answer.body[:600])
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert body["success"] is False
    assert body.keys() == {"success", "error"}
    assert body["error"].keys() == {"code", "message"}
    assert body["error"]["code"] == code
    return body["error"]["message"]


async def register(house, **changed):
    return (await house.post(HOOKS, {**NEW, **changed}))["data"]


async def items(house, **options):
    return (await house.get(HOOKS, **options))["data"]["items"]


def own(webhook):
    return f"{HOOKS}/{webhook['id']}"


def native(webhook):
    return "/v1/endpoints/" + webhook["id"].replace("whk_", "ep_")


async def put(house, webhook, body):
    return (await house.ask("PUT", own(webhook), body)).ok(200)


def test_a_webhook_is_registered_listed_updated_and_deleted_in_the_documented_envelopes(tell):
    async def story(house):
        answer = await house.post(HOOKS, NEW)
        made = answer["data"]
        assert list(answer) == ["success", "data"]
        assert answer["success"] is True
        assert list(made) == ["id", "url", "events", "status", "createdAt"]
        assert re.fullmatch("whk_[0-9a-f]{16}", made["id"])
        assert (made["url"], made["events"], made["status"]) == (URL, NEW["events"], "active")
        assert TIME.match(made["createdAt"])
        assert await house.get(HOOKS) == {"success": True, "data": {"items": [made]}}

        wanted = [*NEW["events"], "video.deleted"]
        updated = await put(house, made, {"events": wanted, "secret": "new_webhook_secret"})
        assert updated == {"success": True, "data": {**made, "events": wanted}}
        assert (await house.get(f"{native(made)}/secret"))["secret"] == "new_webhook_secret"

        assert (await house.ask("DELETE", own(made))).ok(200) == {"success": True, "data": None}
        assert await house.get(HOOKS) == {"success": True, "data": {"items": []}}
        error(await house.ask("DELETE", own(made)), 404, "not_found")
        error(await house.ask("PUT", own(made), {}), 404, "not_found")

    tell(story)


def test_a_webhook_is_an_endpoint_and_an_endpoint_a_webhook(tell):
    async def story(house):
        made = await register(house)
        endpoint = await house.get(native(made))
        assert (endpoint["dialect"], endpoint["url"], endpoint["events"]) == ("videocloud", URL, NEW["events"])
        await house.endpoint()
        await house.endpoint(dialect="videocloud")
        everything, first = await items(house)
        assert first == made
        assert everything["events"] == list(VIDEOCLOUD.translation.names)
        standard = await house.endpoint()
        error(await house.ask("PUT", f"{HOOKS}/{standard['id'].replace('ep_', 'whk_')}", {}), 404, "not_found")
        await put(house, everything, everything)
        assert (await house.get(native(everything)))["events"] == []

    tell(story)


def test_the_same_webhook_may_be_registered_twice_but_not_with_one_idempotency_key(tell):
    async def story(house):
        assert (await register(house))["id"] != (await register(house))["id"]
        first, again = [await house.ask("POST", HOOKS, NEW, {"idempotency-key": "k"}) for _ in range(2)]
        assert (first.status, first.body) == (201, again.body)
        assert len(await items(house)) == 3

    tell(story)


@pytest.mark.parametrize("name", VIDEOCLOUD.translation.names)
def test_every_event_can_be_subscribed_to(tell, name):
    async def story(house):
        return await register(house, events=[name])

    assert tell(story)["events"] == [name]


def test_a_put_changes_what_it_gives_and_nothing_else(tell):
    async def story(house):
        made = await register(house)
        for change in ({"events": ["video.deleted"]}, {"url": f"{URL}/2"}, {"status": "paused"}, {}):
            made = {**made, **change}
            assert (await put(house, made, change))["data"] == made
        assert (await house.get(f"{native(made)}/secret"))["secret"] == "your_webhook_secret"
        await put(house, made, {"secret": "***"})
        assert (await house.get(f"{native(made)}/secret"))["secret"] == "your_webhook_secret"
        await put(house, made, {"secret": None})
        assert (await house.ask("GET", f"{native(made)}/secret")).status == 404

    tell(story)


def test_what_was_listed_can_be_sent_back_whole(tell):
    async def story(house):
        made = await register(house)
        await house.publish(type="asset.uploaded")
        await house.delivery("delivered")
        (shown,) = await items(house)
        assert "lastDelivery" in shown
        assert (await put(house, shown, shown))["data"] == made

    tell(story)


def test_the_list_tells_of_the_last_delivery_once_there_is_one(tell):
    async def story(house):
        made = await register(house)
        assert "lastDelivery" not in (await items(house))[0]
        await house.ask("POST", f"{native(made)}/test")
        assert "lastDelivery" not in (await items(house))[0]
        await house.publish(type="asset.uploaded")
        await house.delivery("delivered")
        last = (await items(house))[0]["lastDelivery"]
        assert last["success"] is True
        assert TIME.match(last["timestamp"])
        house.wire.will_refuse()
        await house.publish(type="asset.uploaded")
        await house.delivery("retrying")
        assert (await items(house))[0]["lastDelivery"]["success"] is False

    tell(story)


async def exhaust(house, webhook):
    """Let the last attempt of a delivery fail."""
    await house.patch(native(webhook), {"retry": {"kind": "schedule", "delays": []}})
    house.wire.will_refuse()
    await house.publish(type="asset.uploaded")
    await house.delivery("failed")


def test_a_webhook_has_failed_after_the_last_attempt_until_one_succeeds_and_still_receives(tell):
    async def story(house):
        made = await register(house)
        await exhaust(house, made)
        assert (await items(house))[0]["status"] == "failed"
        assert (await house.get(native(made)))["state"] == "active"
        await house.publish(type="asset.uploaded")
        await house.delivery("delivered")
        assert (await items(house))[0]["status"] == "active"

    tell(story)


@pytest.mark.parametrize("body", [{}, {"secret": "another"}, {"status": "failed"}, {"status": "active"}])
def test_a_put_makes_a_failed_webhook_active_again(tell, body):
    async def story(house):
        made = await register(house)
        await exhaust(house, made)
        assert (await put(house, made, body))["data"]["status"] == "active"
        assert (await items(house))[0]["status"] == "active"

    tell(story)


def test_a_disabled_webhook_stays_so_unless_a_put_gives_a_status(tell):
    async def story(house):
        made = await register(house)
        await house.patch(native(made), {"state": "disabled"})
        assert (await items(house))[0]["status"] == "disabled"
        assert (await put(house, made, {"secret": "another"}))["data"]["status"] == "disabled"
        assert (await put(house, made, {"status": "active"}))["data"]["status"] == "active"

    tell(story)


# What is wrong


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"url": "[https://example.com/webhook](https://example.com/webhook)"}, "/url: "),
        ({"url": "https://10.0.0.1/"}, "/url: "),
        ({"url": None}, "/url: "),
        ({"url": 5}, "/url: "),
        ({"events": []}, "/events: "),
        ({"events": None}, "/events: "),
        ({"events": "video.uploaded"}, "/events: "),
        ({"events": ["video-created"]}, "/events/0: "),
        ({"events": ["video.uploaded", 5]}, "/events/1: "),
        ({"secret": ""}, "/secret: "),
        ({"secret": 7}, "/secret: "),
        ({"status": "sleeping"}, "/status: "),
        ({"status": None}, "/status: "),
        ({"no_such_thing": 1}, "unknown field: no_such_thing"),
        ({"no_such_thing": None}, "unknown field: no_such_thing"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_done(tell, change, said):
    async def story(house):
        made = await register(house)
        before = await items(house)
        assert error(await house.ask("PUT", own(made), change), 400, "invalid_request").startswith(said)
        created = await house.ask("POST", HOOKS, {**NEW, **change})
        assert await items(house) == before
        return created

    assert error(tell(story), 400, "invalid_request").startswith(said)


def test_everything_that_is_wrong_is_named(tell):
    async def story(house):
        return await house.ask("POST", HOOKS, {"url": "https://10.0.0.1/", "events": ["no", "nor.this"]})

    message = error(tell(story), 400, "invalid_request")
    assert all(f"{place}: " in message for place in ("/url", "/events/0", "/events/1"))


@pytest.mark.parametrize("raw", [b"{", b"nonsense", b"[]", b"5", b"null", b'{"url": "\xff"}', b"[" * 100_000])
def test_a_body_that_cannot_be_read_is_an_invalid_request(tell, raw):
    async def story(house):
        made = await register(house)
        before = await items(house)
        error(await house.ask("POST", HOOKS, raw), 400, "invalid_request")
        error(await house.ask("PUT", own(made), raw), 400, "invalid_request")
        assert await items(house) == before

    tell(story)


def test_errors_of_every_kind_below_the_api_are_its_own(tell):
    async def story(house):
        for path in ("/compat/videocloud", "/compat/videocloud/", "/compat/videocloud/videos", f"{HOOKS}/"):
            error(await house.ask("GET", path), 404, "not_found")
        for name in ("whk_1", "whk_" + "f" * 16, "ep_0000000000000001", "1", "%00"):
            error(await house.ask("PUT", f"{HOOKS}/{name}", {}), 404, "not_found")
        wrong = await house.ask("PATCH", HOOKS, {})
        error(wrong, 405, "method_not_allowed")
        assert wrong.headers["allow"] == "GET, HEAD, POST"
        error(await house.ask("GET", f"{HOOKS}/whk_0000000000000001"), 405, "method_not_allowed")
        error(await house.ask("POST", HOOKS, json.dumps({"url": "x" * 5000}).encode()), 413, "payload_too_large")
        error(await house.ask("POST", HOOKS, NEW, {"content-type": "text/plain"}), 400, "invalid_request")
        error(await house.ask("GET", f"{HOOKS}?page=1"), 400, "invalid_request")
        (await house.ask("GET", "/compat/videoclouds")).problem(404)

    tell(story, max_body_bytes="2000")


def test_a_fault_of_ours_is_an_error_of_videoclouds_and_tells_nothing(tell, monkeypatch):
    async def story(house):
        def broken(*_):
            raise RuntimeError("secret detail")

        monkeypatch.setattr(house.store.endpoints, "page", broken)
        return await house.ask("GET", HOOKS)

    assert "secret detail" not in error(tell(story), 500, "internal_error")


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [(Unavailable("busy"), 503, "unavailable"), (StorageFull("full"), 507, "storage_full")],
)
def test_what_passes_says_when_to_come_back(tell, monkeypatch, failure, status, code):
    async def story(house):
        def refuse(*_args, **_named):
            raise failure

        monkeypatch.setattr(house.store.endpoints, "add", refuse)
        return await house.ask("POST", HOOKS, NEW)

    answer = tell(story)
    error(answer, status, code)
    assert answer.headers["retry-after"]


# Who may


def test_a_token_acts_on_its_own_app_and_an_operators_on_the_one_that_it_names(tell):
    async def story(house):
        await house.post("/v1/apps", {"id": "other"})
        token = await house.add_token("a-token", Role.MANAGER, app="other")
        made = (await house.post(HOOKS, NEW, token=token))["data"]
        assert await items(house, token=token) == await items(house, app="other") == [made]
        assert await items(house) == []
        error(await house.ask("PUT", own(made), {}), 404, "not_found")
        error(await house.ask("GET", HOOKS, token=token, app="default"), 403, "forbidden")
        error(await house.ask("GET", HOOKS, app="no-such"), 404, "not_found")

    tell(story)


def test_roles_and_scopes_hold_as_for_endpoints(tell):
    async def story(house):
        made = await register(house)
        viewer = await house.add_token("a-viewer", Role.VIEWER)
        reader = await house.add_token("a-reader", Role.MANAGER, Scope.ENDPOINTS_READ)
        publisher = await house.add_token("a-publisher", Role.MANAGER, Scope.EVENTS_WRITE)
        for token, reads in ((viewer, True), (reader, True), (publisher, False)):
            assert ((await house.ask("GET", HOOKS, token=token)).status == 200) is reads
            for method, path in (("POST", HOOKS), ("PUT", own(made)), ("DELETE", own(made))):
                body = None if method == "DELETE" else NEW
                error(await house.ask(method, path, body, token=token), 403, "forbidden")

    tell(story)


def test_a_token_is_taken_as_an_api_key_too(tell):
    async def story(house):
        for headers, status in (
            ({"x-api-key": OPERATOR}, 200),
            ({"x-api-key": "nonsense"}, 401),
            ({"x-api-key": OPERATOR, "authorization": "Bearer nonsense"}, 401),
            ({}, 401),
        ):
            answer = await call(house.app, "GET", HOOKS, b"", headers)
            assert answer.status == status
            if status == 401:
                error(answer, 401, "unauthorized")
        (await call(house.app, "GET", "/v1/endpoints", b"", {"x-api-key": OPERATOR})).problem(401)

    tell(story)


def test_a_failure_before_the_last_change_does_not_count():
    assert EndpointStanding(exhausted_at=5).failed(4)
    assert not EndpointStanding(exhausted_at=5).failed(5)
    assert not EndpointStanding(exhausted_at=5).failed(6)
