"""Endpoints over HTTP: every field, merge-patch, secrets, versions, limits, tests and previews."""

import asyncio
import json
import re
from urllib.parse import quote

import pytest
from tests.api.house import URL

from reelhook.model.http import Response


def test_a_new_endpoint_shows_every_field_and_its_secret_once(tell):
    async def story(house):
        made = await house.endpoint(name="Studio", events=["asset.*"], headers={"X-One": "1"})
        read = await house.get(f"/v1/endpoints/{made['id']}")
        listed = await house.get("/v1/endpoints")
        return made, read, listed["items"][0]

    made, read, listed = tell(story)
    assert made["secret"].startswith("whsec_")
    assert made | {"secret": "***"} == read == listed
    assert read["id"].startswith("ep_")
    assert "." not in read["id"]
    assert read["retry"] == {"kind": "schedule", "delays": [5, 300, 1800, 7200, 18000, 36000, 36000]}
    assert (read["timeout"], read["state"], read["circuit"], read["disabled_reason"]) == (15, "active", "closed", None)
    assert (read["dialect"], read["ordering"], read["auth"]) == ("standard", "none", {"type": "none"})
    assert read["created_at"].endswith("Z")


def test_an_endpoint_shows_what_the_api_of_its_system_calls_it_and_that_cannot_be_set(tell):
    async def story(house):
        vimeo = await house.endpoint(dialect="vimeo", events=["video-created"])
        cloud = await house.endpoint(dialect="videocloud", compat_id="whk_mine")
        again = await house.patch(f"/v1/endpoints/{cloud['id']}", {"compat_id": None})
        return vimeo, cloud, again, await house.endpoint(), await house.endpoint(dialect="scaleflex")

    vimeo, cloud, again, *others = tell(story)
    assert vimeo["compat_id"] == str(int(vimeo["id"].removeprefix("ep_"), 16))
    assert cloud["compat_id"] == again["compat_id"] == cloud["id"].replace("ep_", "whk_")
    assert [one["compat_id"] for one in others] == [None, None]


@pytest.mark.parametrize(
    ("hostname", "path", "url"),
    [
        ("receiver.example", "/in/one", "https://receiver.example/in/one"),
        ("receiver.example:8443", "in", "https://receiver.example:8443/in"),
        ("http://receiver.example", "/in?x=1", "http://receiver.example/in?x=1"),
    ],
)
def test_hostname_and_path_make_the_url(tell, hostname, path, url):
    async def story(house):
        made = await house.post("/v1/endpoints", {"hostname": hostname, "path": path})
        again = await house.patch(f"/v1/endpoints/{made['id']}", made | {"path": "/other", "secret": "***"})
        moved = await house.patch(f"/v1/endpoints/{made['id']}", again | {"url": URL})
        return made, again, moved

    made, again, moved = tell(story)
    assert (made["url"], made["hostname"], made["path"]) == (url, hostname, path)
    assert again["url"] == url.partition("/in")[0] + "/other"
    assert (moved["url"], moved["hostname"], moved["path"]) == (URL, None, None)


@pytest.mark.parametrize("fields", [{}, {"path": "/x"}, {"url": URL, "hostname": "other.example", "path": "/"}])
def test_an_address_that_is_missing_or_contradicts_itself_is_refused(tell, fields):
    async def story(house):
        return await house.ask("POST", "/v1/endpoints", fields)

    tell(story).problem(422)


def test_a_patch_merges_and_null_goes_back_to_the_default(tell):
    async def story(house):
        made = await house.endpoint(
            headers={"X-One": "1", "X-Two": "2"},
            metadata={"team": {"a": 1, "b": 2}},
            timeout=5,
            rate_limit={"count": 1, "per": 1},
        )
        path = f"/v1/endpoints/{made['id']}"
        return await house.patch(
            path,
            {
                "headers": {"X-One": None, "X-Three": "3"},
                "metadata": {"team": {"a": None}},
                "timeout": None,
                "rate_limit": None,
            },
        )

    changed = tell(story)
    assert changed["headers"] == {"X-Two": "2", "X-Three": "3"}
    assert changed["metadata"] == {"team": {"b": 2}}
    assert (changed["timeout"], changed["rate_limit"]) == (15, None)


def test_another_kind_of_auth_or_retry_replaces_the_old_one(tell):
    async def story(house):
        made = await house.endpoint(auth={"type": "basic", "username": "u", "password": "p"})
        path = f"/v1/endpoints/{made['id']}"
        await house.patch(
            path, {"auth": {"type": "bearer", "token": "t"}, "retry": {"kind": "fixed", "retries": 3, "delay": 5}}
        )
        return await house.patch(path, {"retry": {"delay": 7}})

    changed = tell(story)
    assert changed["auth"] == {"type": "bearer", "token": "***"}
    assert changed["retry"] == {"kind": "fixed", "retries": 3, "delay": 7}


def test_a_mask_sent_back_keeps_what_is_stored(tell):
    async def story(house):
        auth = {"type": "basic", "username": "u", "password": "canary-password"}
        made = await house.endpoint(auth=auth, headers={"X-Api-Key": "canary-key", "X-Plain": "seen"})
        path = f"/v1/endpoints/{made['id']}"
        seen = await house.get(path)
        changed = await house.patch(path, seen | {"name": "renamed"})
        number = int(made["id"].removeprefix("ep_"), 16)
        return made, seen, changed, house.store.endpoints.get("default", number), await house.get(path + "/secret")

    made, seen, changed, stored, secret = tell(story)
    assert "canary" not in json.dumps([made, seen, changed])
    assert seen["headers"] == {"X-Api-Key": "***", "X-Plain": "seen"}
    assert (changed["name"], stored.auth.password.reveal(), stored.headers["X-Api-Key"]) == (
        "renamed",
        "canary-password",
        "canary-key",
    )
    assert secret["secret"] == made["secret"] == stored.secret.reveal()


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"secret": "***"}, "/secret"),
        ({"auth": {"type": "bearer", "token": "***"}}, "/auth/token"),
        ({"headers": {"X-Api-Key": "***"}}, "/headers/X-Api-Key"),
    ],
)
def test_a_mask_that_stands_for_nothing_is_refused(tell, fields, pointer):
    async def story(house):
        return await house.ask("POST", "/v1/endpoints", {"url": URL, **fields})

    assert tell(story).pointers() == [pointer]


@pytest.mark.fault("S23")
def test_fields_that_only_we_set_are_ignored_and_unknown_ones_are_refused(tell):
    ours = {
        "id": "ep_0000000000000001",
        "app_id": "acme",
        "circuit": "open",
        "created_at": "2001-01-01T00:00:00Z",
        "updated_at": "2001-01-01T00:00:00Z",
        "disabled_reason": "gone",
        "version": 99,
    }

    async def story(house):
        await house.post("/v1/apps", {"id": "acme"})
        made = await house.endpoint(**ours)
        changed = await house.patch(f"/v1/endpoints/{made['id']}", ours)
        strange = await house.ask("PATCH", f"/v1/endpoints/{made['id']}", {"is_admin": True})
        return made, changed, strange, await house.get("/v1/endpoints", app="acme")

    made, changed, strange, others = tell(story)
    for shown in (made, changed):
        assert shown["id"] != ours["id"]
        assert shown["circuit"] == "closed"
        assert not shown["created_at"].startswith("2001")
        assert shown["disabled_reason"] is None
    assert strange.pointers() == ["/is_admin"]
    assert others["items"] == []


@pytest.mark.fault("S11")
@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"headers": {"X-A": "b\r\nX-Evil: 1"}}, "/headers/X-A"),
        ({"headers": {"X-A\r\nX-Evil": "1"}}, None),
        ({"headers": {"X-A": "n\u0000l"}}, "/headers/X-A"),
        ({"headers": {"X-A": "ü"}}, "/headers/X-A"),
        ({"url": "https://receiver.example/\r\nHost: evil"}, "/url"),
        ({"headers": {"Host": "evil.example"}}, "/headers/Host"),
        ({"headers": {"webhook-id": "1"}}, "/headers/webhook-id"),
        ({"url": "http://127.0.0.1/"}, "/url"),
        ({"url": "http://2130706433/"}, "/url"),
        ({"url": "https://user@receiver.example/"}, "/url"),
        ({"notify_emails": ["a@b.example\r\nBcc: c@d.example"]}, "/notify_emails/0"),
        ({"dialect": "klingon"}, "/dialect"),
        ({"events": ["not an event"]}, "/events/0"),
        ({"timeout": "5"}, "/timeout"),
        ({"timeout": 0}, "/timeout"),
        ({"state": "asleep"}, "/state"),
        ({"retry": {"kind": "fixed", "retries": 1}}, "/retry/delay"),
        ({"conditions": {"expression": "event.type =="}}, "/conditions/expression"),
        ({"name": 5}, "/name"),
    ],
)
def test_what_is_wrong_with_an_endpoint_is_said_with_its_place(tell, fields, pointer):
    async def story(house):
        refused = await house.ask("POST", "/v1/endpoints", {"url": URL, **fields})
        return refused, (await house.get("/v1/endpoints"))["items"]

    refused, stored = tell(story)
    assert stored == []
    found = refused.pointers()
    assert pointer is None or pointer in found


@pytest.mark.parametrize("state", ["active", "paused", "disabled"])
def test_clients_may_set_every_state_and_disabling_by_hand_says_so(tell, state):
    async def story(house):
        made = await house.endpoint(state=state)
        away = await house.patch(f"/v1/endpoints/{made['id']}", {"state": "disabled"})
        back = await house.patch(f"/v1/endpoints/{made['id']}", {"state": "active"})
        return made, away, back

    made, away, back = tell(story)
    assert (made["state"], made["disabled_reason"]) == (state, "manual" if state == "disabled" else None)
    assert (away["state"], away["disabled_reason"]) == ("disabled", "manual")
    assert (back["state"], back["disabled_reason"]) == ("active", None)


def test_if_match_keeps_two_people_from_overwriting_each_other(tell):
    async def story(house):
        made = await house.endpoint()
        path = f"/v1/endpoints/{made['id']}"
        seen = (await house.ask("GET", path)).headers["etag"]
        first = await house.ask("PATCH", path, {"name": "one"}, {"if-match": seen})
        second = await house.ask("PATCH", path, {"name": "two"}, {"if-match": seen})
        deleted = await house.ask("DELETE", path, None, {"if-match": seen})
        anyway = await house.ask("DELETE", path, None, {"if-match": "*"})
        return seen, first, second, deleted, anyway, await house.ask("GET", path)

    seen, first, second, deleted, anyway, gone = tell(story)
    assert first.headers["etag"] != seen
    assert first.json()["name"] == "one"
    second.problem(412, "precondition-failed")
    deleted.problem(412)
    assert (anyway.status, anyway.body) == (204, b"")
    gone.problem(404, "not-found")


def test_changes_that_come_at_once_are_made_one_after_the_other(tell):
    async def story(house):
        made = await house.endpoint()
        path = f"/v1/endpoints/{made['id']}"
        patches = [house.patch(path, {"metadata": {str(number): number}}) for number in range(10)]
        await asyncio.gather(*patches)
        return await house.get(path)

    assert tell(story)["metadata"] == {str(number): number for number in range(10)}


def test_an_app_may_not_have_more_endpoints_than_its_limit(tell):
    async def story(house):
        await house.patch("/v1/apps/default", {"limits": {"endpoints": 1}})
        await house.endpoint()
        return await house.ask("POST", "/v1/endpoints", {"url": URL})

    problem = tell(story).problem(422, "over-limit")
    assert "1 endpoints" in problem["detail"]


def test_rotation_returns_the_new_secret_and_until_when_the_old_one_counts(tell):
    async def story(house):
        made = await house.endpoint()
        path = f"/v1/endpoints/{made['id']}/secret"
        first = await house.post(f"{path}/rotate", {}, 200)
        now = await house.post(f"{path}/rotate", {"overlap": 0, "secret": made["secret"]}, 200)
        bad = await house.ask("POST", f"{path}/rotate", {"secret": "whsec_short"})
        number = int(made["id"].removeprefix("ep_"), 16)
        stored = house.store.endpoints.get("default", number)
        return made, first, now, bad, stored, await house.get("/v1/audit")

    made, first, now, bad, stored, audit = tell(story)
    assert first["secret"] not in {made["secret"], "***"}
    assert first["previous_expires_at"].endswith("Z")
    assert now == {"secret": made["secret"], "previous_expires_at": None}
    assert bad.pointers() == ["/secret"]
    assert stored.retired_secrets == ()
    assert [entry["action"] for entry in audit["items"]][:2] == ["secret.rotated"] * 2
    assert "whsec_" not in json.dumps(audit)


@pytest.mark.parametrize(
    ("dialect", "events"), [("vimeo", ["video-created"]), ("videocloud", []), ("scaleflex", []), ("wochit", [])]
)
def test_rotation_makes_a_text_where_secrets_are_texts_and_none_is_brought(tell, dialect, events):
    async def story(house):
        made = await house.endpoint(dialect=dialect, events=events)
        path = f"/v1/endpoints/{made['id']}/secret"
        rotated = [await house.post(f"{path}/rotate", {}, 200) for _ in range(2)]
        return rotated, await house.get(path)

    (first, second), shown = tell(story)
    assert first["previous_expires_at"] is None
    assert second["previous_expires_at"] is not None
    assert first["secret"] != second["secret"] == shown["secret"]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{32}", one["secret"]) for one in (first, second))


def test_at_most_ten_secrets_are_in_their_overlap(tell):
    async def story(house):
        made = await house.endpoint()
        path = f"/v1/endpoints/{made['id']}/secret/rotate"
        for _ in range(10):
            await house.post(path, {"overlap": 3600}, 200)
        return await house.ask("POST", path, {"overlap": 3600}), await house.ask("POST", path, {"overlap": 0})

    over, ended = tell(story)
    over.problem(409)
    assert ended.status == 200


def test_showing_a_secret_is_in_the_audit_log(tell):
    async def story(house):
        made = await house.endpoint()
        await house.get(f"/v1/endpoints/{made['id']}/secret")
        return made, (await house.get("/v1/audit"))["items"]

    made, audit = tell(story)
    assert (audit[0]["action"], audit[0]["target"]) == ("secret.revealed", made["id"])


@pytest.mark.parametrize(
    ("status", "expected"),
    [(200, (True, True, True)), (500, (False, True, True)), (401, (False, True, False)), (403, (False, True, False))],
)
def test_a_test_tells_what_the_receiver_did(tell, status, expected):
    async def story(house):
        made = await house.endpoint()
        house.wire.answers = [Response(status), Response(status)]
        saved = await house.post(f"/v1/endpoints/{made['id']}/test", None, 200)
        unsaved = await house.post("/v1/endpoints/test", {"url": URL, "events": ["live.started"]}, 200)
        return saved, unsaved, await house.get("/v1/logs")

    saved, unsaved, log = tell(story)
    for result in (saved, unsaved):
        assert (result["ok"], result["reachable"], result["authenticated"]) == expected
    assert saved["attempt"]["trigger"] == "test"
    assert json.loads(unsaved["attempt"]["request"]["body"])["type"] == "live.started"
    assert [item["id"] for item in log["items"]] == [saved["attempt"]["id"]]


def test_a_test_of_a_receiver_that_refuses_says_unreachable(tell):
    async def story(house):
        house.wire.will_refuse()
        return await house.post("/v1/endpoints/test", {"url": URL}, 200)

    result = tell(story)
    assert (result["ok"], result["reachable"], result["attempt"]["error_class"]) == (False, False, "connection_refused")


def test_a_preview_of_a_saved_endpoint_an_unsaved_one_and_a_changed_one(tell):
    async def story(house):
        made = await house.endpoint(headers={"Authorization": "Bearer canary"})
        event = await house.publish(type="live.started")
        house.wire.sent.clear()
        shown = [
            await house.post("/v1/endpoints/preview", body, 200)
            for body in (
                {"endpoint_id": made["id"], "event": {"id": event["id"]}},
                {
                    "url": "https://other.example/x",
                    "dialect": "cloudevents",
                    "event": {"type": "asset.created", "data": {}},
                },
                {"endpoint_id": made["id"], "url": "https://third.example/", "event": {"type": "own.type", "data": 1}},
            )
        ]
        return event, shown, [request for request in house.wire.sent if "preview" in str(request)]

    event, (saved, unsaved, changed), sent = tell(story)
    headers = {name.lower(): value for name, value in saved["headers"].items()}
    assert (saved["method"], saved["url"], headers["webhook-id"]) == ("POST", URL, event["id"])
    assert "canary" not in json.dumps(saved)
    assert json.loads(unsaved["body"])["specversion"] == "1.0"
    assert changed["url"] == "https://third.example/"
    assert sent == []


def test_a_preview_of_what_does_not_exist_is_not_found(tell):
    async def story(house):
        event = {"type": "asset.created", "data": {}}
        made = await house.endpoint()
        return [
            await house.ask("POST", "/v1/endpoints/preview", {"endpoint_id": "ep_0000000000000001", "event": event}),
            await house.ask("POST", "/v1/endpoints/preview", {"endpoint_id": made["id"], "event": {"id": "evt_1"}}),
            await house.ask("POST", "/v1/endpoints/preview", {"endpoint_id": made["id"]}),
        ]

    no_endpoint, no_event, nothing = tell(story)
    no_endpoint.problem(404)
    no_event.problem(404)
    assert nothing.pointers() == ["/event"]


def test_figures_of_an_endpoint(tell):
    async def story(house):
        made = await house.endpoint()
        await house.publish()
        await house.delivery()
        return await house.get(f"/v1/endpoints/{made['id']}/stats"), await house.ask(
            "GET", f"/v1/endpoints/{made['id']}/stats?since={quote('2020-01-01T00:00:00Z')}&interval=60"
        )

    figures, too_many = tell(story)
    assert (figures["delivered"], figures["failed"], figures["success_rate"]) == (1, 0, 1.0)
    assert figures["latency_ms"].keys() == {"p50", "p95", "p99"}
    assert sum(point["delivered"] for point in figures["series"]) == 1
    too_many.problem(422)
