"""Vimeo's webhooks API, as its own clients see it."""

import asyncio
import json
import re
import socket
from types import SimpleNamespace

import pytest
from tests.api.house import OPERATOR, URL, call
from tests.api.served import ServedHouse

from reelhook.api.compat.vimeo.manner import VimeoAdmission
from reelhook.dialects.vimeo import VIMEO
from reelhook.errors import StorageFull, Unavailable
from reelhook.model.access import Role, Scope

HOOKS = "/compat/vimeo/apps/default/webhooks"
TYPE = "application/vnd.vimeo.webhook+json"
ERROR = "application/vnd.vimeo.error+json"
NEW = {
    "is_enabled": True,
    "webhook_url": URL,
    "webhook_type": "video-transcode-playable",
    "secret": "your-secret-key",
}
ALL = (Scope.VIMEO_PUBLIC, Scope.VIMEO_PRIVATE, Scope.VIMEO_EDIT, Scope.VIMEO_DELETE, Scope.VIMEO_WEBHOOKS)
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00\Z")
HEADERS = {"accept": "application/vnd.vimeo.*+json;version=3.4"}


def error(answer, status, code):
    """Check that an answer is an error of Vimeo's, and return it."""
    assert answer.status == status, (answer.status, answer.body[:600])
    assert answer.headers["content-type"] == ERROR
    body = answer.json()
    assert body["error_code"] == code
    assert body["link"] is None
    assert body["error"]
    assert body["developer_message"]
    assert body.keys() <= {"error", "link", "developer_message", "error_code", "invalid_parameters"}
    return body


def fields(answer):
    return [one["field"] for one in error(answer, 400, 2204)["invalid_parameters"]]


async def create(house, **changed):
    return await house.post(HOOKS, {**NEW, **changed}, headers=HEADERS)


def own(webhook):
    return "/compat/vimeo" + webhook["uri"]


def test_a_webhook_is_created_read_changed_and_deleted(tell):
    async def story(house):
        answer = await house.ask("POST", HOOKS, NEW, HEADERS)
        made = answer.ok(201)
        assert answer.headers["content-type"] == TYPE
        assert re.fullmatch(r"/apps/default/webhooks/[1-9]\d*", made["uri"])
        assert made["app_uri"] == "/apps/default"
        assert {name: made[name] for name in NEW} == NEW
        assert TIME.match(made["created_on"])
        assert made["created_on"] == made["modified_on"]

        read = await house.get(own(made))
        assert read == {**made, "secret": "***"}
        assert (await house.get(HOOKS))["data"] == [read]

        changed = await house.patch(own(made), {"is_enabled": False}, headers=HEADERS)
        assert changed["is_enabled"] is False
        assert changed["webhook_type"] == NEW["webhook_type"]

        gone = await house.ask("DELETE", own(made), headers={**HEADERS, "content-type": "application/json"})
        assert (gone.status, gone.body) == (204, b"")
        error(await house.ask("GET", own(made)), 404, 5000)
        error(await house.ask("DELETE", own(made)), 404, 5000)

    tell(story)


def test_a_webhook_is_an_endpoint_and_an_endpoint_a_webhook(tell):
    async def story(house):
        made = await create(house)
        (endpoint,) = (await house.get("/v1/endpoints"))["items"]
        assert (endpoint["dialect"], endpoint["url"]) == ("vimeo", URL)
        assert (endpoint["events"], endpoint["state"]) == (["video-transcode-playable"], "active")
        assert made["uri"].rpartition("/")[2] == str(int(endpoint["id"].removeprefix("ep_"), 16))
        assert (await house.get(f"/v1/endpoints/{endpoint['id']}/secret"))["secret"] == "your-secret-key"

        await house.endpoint()
        other = await house.endpoint(dialect="vimeo", events=["video-deleted"], state="paused")
        shown = (await house.get(HOOKS))["data"]
        assert [one["webhook_type"] for one in shown] == ["video-deleted", "video-transcode-playable"]
        assert shown[0]["is_enabled"] is False
        assert "secret" not in shown[0]
        actions = [entry["action"] for entry in (await house.get("/v1/audit"))["items"]]
        assert actions.count("endpoint.created") == 3
        foreign = int((await house.endpoint())["id"].removeprefix("ep_"), 16)
        error(await house.ask("GET", f"{HOOKS}/{foreign}"), 404, 5000)
        assert (await house.get(f"/v1/endpoints/{other['id']}"))["state"] == "paused"

    tell(story)


def test_a_webhook_is_not_enabled_unless_it_says_so(tell):
    async def story(house):
        made = await house.post(HOOKS, {"webhook_url": URL, "webhook_type": "video-created"})
        assert made["is_enabled"] is False
        assert "secret" not in made
        assert (await house.get("/v1/endpoints"))["items"][0]["disabled_reason"] == "manual"
        assert (await house.patch(own(made), {"is_enabled": True}))["is_enabled"] is True

    tell(story)


def test_the_same_webhook_may_be_created_twice_but_not_with_one_idempotency_key(tell):
    async def story(house):
        assert (await create(house))["uri"] != (await create(house))["uri"]
        first, again = [await house.ask("POST", HOOKS, NEW, {"idempotency-key": "k"}) for _ in range(2)]
        assert (first.status, again.status) == (201, 201)
        assert first.body == again.body
        assert first.headers["content-type"] == again.headers["content-type"] == TYPE
        assert (await house.get(HOOKS))["total"] == 3

    tell(story)


def test_every_event_of_vimeo_can_be_subscribed_to(tell):
    async def story(house):
        assert len(VIMEO.translation.names) == 17
        for name in VIMEO.translation.names:
            await create(house, webhook_type=name)

    tell(story)


def test_a_patch_changes_what_it_gives_and_nothing_else(tell):
    async def story(house):
        made = await create(house)
        for change in ({"webhook_type": "video-updated"}, {"webhook_url": f"{URL}/2"}, {"secret": "another"}):
            changed = await house.patch(own(made), change)
            assert {name: changed[name] for name in change} == change
            read = await house.get(own(made))
            assert read == {**changed, "secret": "***"}
            made = {**made, **change}
            assert {name: read[name] for name in ("webhook_type", "webhook_url")} == {
                name: made[name] for name in ("webhook_type", "webhook_url")
            }
        bare = await house.patch(own(made), {"secret": None})
        assert "secret" not in bare
        assert "secret" not in await house.get(own(made))

    tell(story)


def test_what_was_read_can_be_sent_back_whole_and_changes_nothing(tell):
    async def story(house):
        made = await create(house)
        read = await house.get(own(made))
        versions = (await house.ask("GET", "/v1/audit")).body
        assert await house.patch(own(made), read) == read
        assert await house.patch(own(made), {}) == read
        assert (await house.ask("GET", "/v1/audit")).body == versions
        assert (await house.get(f"/v1/endpoints/{native(made)}/secret"))["secret"] == "your-secret-key"

    tell(story)


def native(webhook):
    return f"ep_{int(webhook['uri'].rpartition('/')[2]):016x}"


def test_a_paused_endpoint_stays_paused_until_it_is_enabled(tell):
    async def story(house):
        made = await create(house)
        await house.patch(f"/v1/endpoints/{native(made)}", {"state": "paused"})
        assert (await house.patch(own(made), {"is_enabled": False}))["is_enabled"] is False
        assert (await house.get(f"/v1/endpoints/{native(made)}"))["state"] == "paused"
        assert (await house.patch(own(made), {"is_enabled": True}))["is_enabled"] is True

    tell(story)


def test_a_webhook_tells_when_it_was_enabled_and_disabled_last(tell):
    async def story(house):
        made = await create(house)
        assert made["enabled_on"] == made["created_on"]
        assert "disabled_on" not in made
        off = await house.patch(own(made), {"is_enabled": False})
        assert off["disabled_on"] == off["modified_on"]
        assert off["enabled_on"] == made["enabled_on"]
        on = await house.patch(own(made), {"is_enabled": True})
        assert on["enabled_on"] == on["modified_on"]
        assert on["disabled_on"] == off["disabled_on"]
        assert not [name for name in on if "before_disabling" in name]
        never = await create(house, is_enabled=False)
        assert "enabled_on" not in never

    tell(story)


def test_a_webhook_that_was_disabled_by_its_failures_tells_the_figures(tell):
    async def story(house):
        made = await create(house, webhook_type="video-created")
        for _ in range(20):
            house.wire.will_refuse()
            await house.publish()
        for _ in range(2000):
            shown = await house.get(own(made))
            if not shown["is_enabled"]:
                break
            await asyncio.sleep(0.005)
        assert shown["failure_rate_before_disabling"] == 1.0
        assert shown["requests_executed_before_disabling"] == 20
        assert shown["requests_failed_before_disabling"] == 20
        assert shown["time_period_failure_rate"] == 3600
        assert TIME.match(shown["last_request_time_before_disabling"])
        assert TIME.match(shown["disabled_on"])
        again = await house.patch(own(made), {"is_enabled": True})
        assert again["requests_failed_before_disabling"] == 20

    tell(story)


def test_deliveries_go_to_an_enabled_webhook_only(tell):
    async def story(house):
        await create(house, webhook_type="video-created")
        await create(house, webhook_type="video-created", webhook_url=f"{URL}/off", is_enabled=False)
        await house.publish()
        await house.delivery("delivered")
        return [request.target.path for request in house.wire.sent]

    assert tell(story) == ["/hook"]


# Lists


def test_the_list_has_pages(tell):
    async def story(house):
        assert await house.get(HOOKS) == {
            "total": 0,
            "page": 1,
            "per_page": 25,
            "paging": {
                "next": None,
                "previous": None,
                "first": "/apps/default/webhooks?page=1&per_page=25",
                "last": "/apps/default/webhooks?page=1&per_page=25",
            },
            "data": [],
        }
        made = [(await create(house))["uri"] for _ in range(5)]
        page = await house.get(f"{HOOKS}?page=2&per_page=2")
        assert (page["total"], page["page"], page["per_page"]) == (5, 2, 2)
        assert [one["uri"] for one in page["data"]] == [made[2], made[1]]
        assert page["paging"] == {
            "next": "/apps/default/webhooks?page=3&per_page=2",
            "previous": "/apps/default/webhooks?page=1&per_page=2",
            "first": "/apps/default/webhooks?page=1&per_page=2",
            "last": "/apps/default/webhooks?page=3&per_page=2",
        }
        last = await house.get("/compat/vimeo" + page["paging"]["next"])
        assert [one["uri"] for one in last["data"]] == [made[0]]
        assert last["paging"]["next"] is None
        error(await house.ask("GET", f"{HOOKS}?page=4&per_page=2"), 404, 5000)

    tell(story)


@pytest.mark.parametrize("query", ["page=0", "page=-1", "page=x", "per_page=0", "per_page=101", "page=1&page=x"])
def test_a_page_that_cannot_be_is_a_wrong_parameter(tell, query):
    async def story(house):
        return await house.ask("GET", f"{HOOKS}?{query}")

    assert fields(tell(story)) == [query.partition("=")[0]]


def test_what_clients_of_vimeo_may_ask_beside_is_let_pass(tell):
    async def story(house):
        wishes = "fields=uri,is_enabled&sort=date&direction=asc&unheard_of=1"
        made = await house.post(f"{HOOKS}?fields=uri", NEW)
        assert (await house.get(f"{HOOKS}?{wishes}"))["total"] == 1
        assert (await house.get(f"{own(made)}?{wishes}"))["uri"] == made["uri"]
        await house.patch(f"{own(made)}?fields=uri", {"is_enabled": False})
        assert (await house.ask("DELETE", f"{own(made)}?fields=uri")).status == 204

    tell(story)


def test_a_parameter_that_is_there_twice_is_let_pass_for_vimeos_own_client_repeats_them(tell):
    """Its JavaScript client writes the query of a link that it is given to follow into the URL once more."""

    async def story(house):
        for _ in range(3):
            await create(house)
        return await house.get(f"{HOOKS}?page=2&per_page=1&page=2&per_page=1")

    page = tell(story)
    assert (page["page"], page["per_page"], len(page["data"])) == (2, 1, 1)


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, TYPE),
        ("*/*", TYPE),
        ("application/vnd.vimeo.*+json;version=3.4", TYPE),
        ("application/vnd.vimeo.*;version=3.4", TYPE),
        ("application/vnd.vimeo.*+json; version=3.4", TYPE),
        ("application/vnd.vimeo.webhook+json, application/json", TYPE),
        ("application/json", "application/json"),
        ("text/html", TYPE),
    ],
)
def test_any_accept_is_answered(tell, accept, kind):
    async def story(house):
        return await house.ask("GET", HOOKS, headers={"accept": accept} if accept else None)

    answer = tell(story)
    assert (answer.status, answer.headers["content-type"]) == (200, kind)


# What is wrong


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"webhook_url": "[https://example.com/webhook](https://example.com/webhook)"}, "webhook_url"),
        ({"webhook_url": "ftp://example.com/"}, "webhook_url"),
        ({"webhook_url": "https://10.0.0.1/"}, "webhook_url"),
        ({"webhook_url": "https://127.0.0.1/"}, "webhook_url"),
        ({"webhook_url": ""}, "webhook_url"),
        ({"webhook_url": None}, "webhook_url"),
        ({"webhook_url": 5}, "webhook_url"),
        ({"webhook_type": "video.created"}, "webhook_type"),
        ({"webhook_type": ["video-created"]}, "webhook_type"),
        ({"webhook_type": None}, "webhook_type"),
        ({"is_enabled": "yes"}, "is_enabled"),
        ({"is_enabled": 1}, "is_enabled"),
        ({"is_enabled": None}, "is_enabled"),
        ({"secret": ""}, "secret"),
        ({"secret": "x" * 4097}, "secret"),
        ({"secret": 7}, "secret"),
        ({"secret": "***"}, "secret"),
        ({"no_such_thing": 1}, "no_such_thing"),
        ({"no_such_thing": None}, "no_such_thing"),
    ],
)
def test_a_wrong_parameter_is_named_and_nothing_is_done(tell, change, wrong):
    async def story(house):
        made = await create(house)
        before = await house.get(HOOKS)
        created = await house.ask("POST", HOOKS, {**NEW, **change})
        patched = await house.ask("PATCH", own(made), change)
        if change != {"secret": "***"}:  # which keeps what is stored
            assert fields(patched) == [wrong]
        assert await house.get(HOOKS) == before
        return created

    assert fields(tell(story)) == [wrong]


def test_an_error_says_the_same_above_and_in_its_parameters_and_names_all_events_once(tell):
    async def story(house):
        wrong = {**NEW, "webhook_type": "video.created", "webhook_url": "https://10.0.0.1/"}
        return await house.ask("POST", HOOKS, wrong), await house.ask("POST", HOOKS, {**NEW, "is_enabled": "yes"})

    both, kind = tell(story)
    said = error(both, 400, 2204)
    assert said["developer_message"] == "; ".join(
        f"{one['field']}: {one['error']}" for one in said["invalid_parameters"]
    )
    by_field = {one["field"]: one for one in said["invalid_parameters"]}
    wrong_type = by_field["webhook_type"]
    assert wrong_type["error"] == "'video.created' is no event of Vimeo"
    assert wrong_type["developer_message"].startswith("webhook_type: 'video.created' is no event of Vimeo; there are ")
    assert both.body.count(b"transcript-status-updated") == 1
    assert error(kind, 400, 2204)["developer_message"] == "is_enabled: expected boolean, got string"
    assert b"/" not in kind.json()["developer_message"].encode()


def test_everything_that_is_wrong_is_named(tell):
    async def story(house):
        return await house.ask("POST", HOOKS, {**NEW, "webhook_url": "https://10.0.0.1/", "webhook_type": "no"})

    assert sorted(fields(tell(story))) == ["webhook_type", "webhook_url"]


@pytest.mark.parametrize(
    "raw",
    [b"", b"  ", b"{", b"nonsense", b"[]", b"5", b"null", b'{"is_enabled": \xff}', b"[" * 100_000, b"a=1&b=2"],
)
def test_a_body_that_cannot_be_read_is_2205(tell, raw):
    async def story(house):
        made = await create(house)
        before = await house.get(HOOKS)
        error(await house.ask("POST", HOOKS, raw), 400, 2205)
        error(await house.ask("PATCH", own(made), raw), 400, 2205)
        assert await house.get(HOOKS) == before

    tell(story)


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "text/plain", "application/json; charset=utf-16"]
)
def test_a_body_of_another_kind_is_2205(tell, kind):
    async def story(house):
        made = await create(house)
        error(await house.ask("POST", HOOKS, NEW, {"content-type": kind}), 400, 2205)
        error(await house.ask("PATCH", own(made), {"is_enabled": False}, {"content-type": kind}), 400, 2205)
        assert (await house.get(own(made)))["is_enabled"] is True

    tell(story)


@pytest.mark.parametrize(
    "authorization", [None, "Bearer nonsense", "bearer", "Basic YTpi", "operator-token-of-these-tests"]
)
def test_a_token_that_is_not_known_is_8002(tell, authorization):
    async def story(house):
        headers = {"authorization": authorization} if authorization else {}
        answers = [
            await call(house.app, method, path, b"", headers)
            for method, path in (("GET", HOOKS), ("POST", HOOKS), ("DELETE", f"{HOOKS}/1"))
        ]
        for answer in answers:
            body = error(answer, 401, 8002)
            assert body["error"] == "You must provide a valid authenticated access token."
            assert answer.headers["www-authenticate"].startswith("Bearer")

    tell(story)


def test_errors_of_every_kind_below_the_api_are_its_own(tell):
    async def story(house):
        for path in ("/compat/vimeo", "/compat/vimeo/", "/compat/vimeo/me", f"{HOOKS}/", "/apps/default/nothing"):
            error(await house.ask("GET", path), 404, 5000)
        for number in ("0", "-1", "01", "x", "9" * 30, str(2**63), "ep_0000000000000001", "1%00"):
            error(await house.ask("GET", f"{HOOKS}/{number}"), 404, 5000)
        wrong = await house.ask("PUT", HOOKS, NEW)
        error(wrong, 405, 1405)
        assert wrong.headers["allow"] == "GET, HEAD, POST"
        error(await house.ask("POST", HOOKS, b'{"secret": "' + b"x" * 5000 + b'"}'), 413, 2205)
        for elsewhere in ("/compat", "/compat/vimeos", "/nothing"):
            (await house.ask("GET", elsewhere)).problem(404)

    tell(story, max_body_bytes="2000")


def test_a_fault_of_ours_is_an_error_of_vimeos_and_tells_nothing(tell, monkeypatch):
    async def story(house):
        def broken(*_):
            raise RuntimeError("secret detail")

        monkeypatch.setattr(house.store.endpoints, "page", broken)
        return await house.ask("GET", HOOKS)

    answer = tell(story)
    error(answer, 500, 1500)
    assert b"secret detail" not in answer.body


@pytest.mark.parametrize(("failure", "status"), [(Unavailable("busy"), 503), (StorageFull("full"), 507)])
def test_what_passes_says_when_to_come_back(tell, monkeypatch, failure, status):
    async def story(house):
        def refuse(*_args, **_named):
            raise failure

        monkeypatch.setattr(house.store.endpoints, "add", refuse)
        return await house.ask("POST", HOOKS, NEW)

    answer = tell(story)
    error(answer, status, 1000 + status)
    assert answer.headers["retry-after"]


def test_a_limit_of_the_app_is_said_as_it_is(tell):
    async def story(house):
        await house.patch("/v1/apps/default", {"limits": {"endpoints": 1}})
        await create(house)
        return await house.ask("POST", HOOKS, NEW)

    body = error(tell(story), 400, 2204)
    assert "this app may have 1 endpoints" in body["developer_message"]


def test_what_is_no_http_is_answered_in_vimeos_words_too(tmp_path):
    broken = f"GET {HOOKS} HTTP/1.1\r\nhost: here\r\nno header\r\n\r\n"
    with (
        ServedHouse(tmp_path / "reelhook.db") as served,
        socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection,
    ):
        connection.sendall(broken.encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert f"content-type: {ERROR}".encode() in head
    assert json.loads(body)["error_code"] == 2205


# Who may


@pytest.mark.parametrize(
    ("scopes", "reads", "writes", "deletes"),
    [
        ((), True, True, True),
        (ALL, True, True, True),
        ((Scope.VIMEO_PUBLIC, Scope.VIMEO_WEBHOOKS), True, False, False),
        ((Scope.VIMEO_PRIVATE, Scope.VIMEO_WEBHOOKS), True, False, False),
        ((Scope.VIMEO_PRIVATE, Scope.VIMEO_WEBHOOKS, Scope.VIMEO_EDIT), True, True, False),
        ((Scope.VIMEO_PRIVATE, Scope.VIMEO_WEBHOOKS, Scope.VIMEO_DELETE), True, False, True),
        ((Scope.VIMEO_PUBLIC, Scope.VIMEO_EDIT, Scope.VIMEO_DELETE), False, False, False),
        ((Scope.VIMEO_WEBHOOKS, Scope.VIMEO_EDIT, Scope.VIMEO_DELETE), False, False, False),
        ((Scope.ENDPOINTS_READ, Scope.ENDPOINTS_WRITE), False, False, False),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, tuple) else str(value),
)
@pytest.mark.parametrize("role", [Role.MANAGER, Role.OPERATOR])
def test_each_thing_needs_its_scopes(tell, role, scopes, reads, writes, deletes):
    async def story(house):
        made = await create(house)
        token = await house.add_token("a-token", role, *scopes)
        requests = (
            ("GET", HOOKS, None, reads, 200),
            ("GET", own(made), None, reads, 200),
            ("POST", HOOKS, NEW, writes, 201),
            ("PATCH", own(made), {"is_enabled": False}, writes, 200),
            ("DELETE", own(made), None, deletes, 204),
        )
        for method, path, body, allowed, status in requests:
            answer = await house.ask(method, path, body, token=token)
            if allowed:
                assert answer.status == status
            else:
                error(answer, 403, 3200)

    tell(story)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MEMBER])
def test_scopes_do_not_lift_a_role(tell, role):
    async def story(house):
        made = await create(house)
        token = await house.add_token("a-token", role, *ALL)
        assert (await house.get(HOOKS, token=token))["total"] == 1
        error(await house.ask("POST", HOOKS, NEW, token=token), 403, 3200)
        error(await house.ask("DELETE", own(made), token=token), 403, 3200)

    tell(story)


def test_a_token_acts_on_its_own_app_and_an_operators_on_any(tell):
    async def story(house):
        grant = {"vimeo": {"capabilities": ["CAPABILITY_WEBHOOK_SCOPE"]}}
        await house.post("/v1/apps", {"id": "other", **grant})
        theirs = "/compat/vimeo/apps/other/webhooks"
        token = await house.add_token("a-token", Role.ADMIN, app="other")
        made = await house.post(theirs, NEW, token=token)
        assert made["app_uri"] == "/apps/other"
        assert (await house.get(theirs))["total"] == 1
        assert (await house.get(HOOKS))["total"] == 0
        for method, path in (("GET", HOOKS), ("POST", HOOKS), ("GET", own(made).replace("other", "default"))):
            error(await house.ask(method, path, NEW if method == "POST" else None, token=token), 404, 5000)
        error(await house.ask("GET", own(made).replace("other", "default")), 404, 5000)
        error(await house.ask("GET", "/compat/vimeo/apps/no-such/webhooks"), 404, 5000)
        error(await house.ask("GET", "/compat/vimeo/apps/tr%C3%B8ms%C3%B8/webhooks"), 404, 5000)

    tell(story)


def test_changes_need_the_capability_and_reading_does_not(tell):
    async def story(house):
        await house.post("/v1/apps", {"id": "other"})
        theirs = "/compat/vimeo/apps/other/webhooks"
        made = await house.endpoint_in("other", dialect="vimeo", events=["video-created"])
        number = int(made["id"].removeprefix("ep_"), 16)
        for method, path in (("POST", theirs), ("PATCH", f"{theirs}/{number}"), ("DELETE", f"{theirs}/{number}")):
            body = error(await house.ask(method, path, NEW if method == "POST" else {}), 403, 3200)
            assert "CAPABILITY_WEBHOOK_SCOPE" in body["developer_message"]
        assert (await house.get(theirs))["total"] == 1
        await house.patch("/v1/apps/other", {"vimeo": {"capabilities": ["CAPABILITY_WEBHOOK_SCOPE"]}})
        await house.post(theirs, NEW)

    tell(story)


# The quota


def test_every_answer_tells_how_the_quota_stands_and_over_it_requests_are_blocked(tell):
    async def story(house):
        limited = {"account_type": "free", "capabilities": ["CAPABILITY_WEBHOOK_SCOPE"]}
        await house.post("/v1/apps", {"id": "small", "vimeo": limited})
        hooks = "/compat/vimeo/apps/small/webhooks"
        first = await house.ask("POST", hooks, NEW)
        assert first.headers["x-webhook-ratelimit-limit"] == "25"
        assert first.headers["x-webhook-ratelimit-remaining"] == "24"
        assert re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z\Z", first.headers["x-webhook-ratelimit-reset"])
        bad = await house.ask("POST", hooks, {})
        fields(bad)
        assert bad.headers["x-webhook-ratelimit-remaining"] == "23"
        stranger = await house.ask("GET", hooks, token="no-such-token-here")
        assert "x-webhook-ratelimit-limit" not in stranger.headers
        for _ in range(23):
            await house.get(hooks)
        over = await house.ask("GET", hooks)
        error(over, 429, 9000)
        assert 0 < int(over.headers["retry-after"]) <= 60
        assert over.headers["x-webhook-ratelimit-remaining"] == "0"
        error(await house.ask("POST", hooks, NEW), 429, 9000)
        other = await house.ask("GET", HOOKS)
        assert other.headers["x-webhook-ratelimit-limit"] == "2500"
        assert (await house.get("/v1/endpoints", app="small"))["items"][0]["dialect"] == "vimeo"

    tell(story)


@pytest.mark.interpreted
def test_the_quota_is_reset_after_its_minute(tell, monkeypatch):
    async def story(house):
        await house.post("/v1/apps", {"id": "small", "limits": {"vimeo_quota": 1}})
        hooks = "/compat/vimeo/apps/small/webhooks"
        await house.get(hooks)
        error(await house.ask("GET", hooks), 429, 9000)
        now = house.clock.now
        monkeypatch.setattr(house.clock, "now", lambda: now() + 60_000)
        await house.get(hooks)

    tell(story)


@pytest.mark.interpreted
def test_the_window_of_an_app_that_was_deleted_is_forgotten(tell, monkeypatch):
    async def story(house):
        admission = VimeoAdmission(SimpleNamespace(apps=house.store.apps, clock=house.clock))
        for name in ("gone", "stays"):
            await house.post("/v1/apps", {"id": name})
            admission._count(name, {})
        await house.ask("DELETE", "/v1/apps/gone")
        now = house.clock.now
        monkeypatch.setattr(house.clock, "now", lambda: now() + 60_000)
        admission._count("stays", {})
        return sorted(admission._windows)

    assert tell(story) == ["stays"]


# Where it is


def test_the_api_is_at_the_root_too_for_clients_in_which_only_the_host_can_be_changed(tell):
    async def story(house):
        made = await house.post("/apps/default/webhooks", NEW)
        assert await house.get(made["uri"]) == {**made, "secret": "***"}
        assert (await house.get(HOOKS))["total"] == 1
        page = await house.get("/apps/default/webhooks?per_page=1")
        assert (await house.get(page["paging"]["last"])) == page
        assert (await house.patch(made["uri"], {"is_enabled": False}))["is_enabled"] is False
        assert (await house.ask("DELETE", made["uri"])).status == 204
        error(await house.ask("GET", "/apps/default/webhooks", token=None), 401, 8002)

    tell(story)


def test_concurrent_changes_all_come_about(tell):
    async def story(house):
        made = await create(house)
        await asyncio.gather(
            house.patch(own(made), {"is_enabled": False}),
            house.patch(own(made), {"webhook_type": "video-updated"}),
            house.patch(own(made), {"webhook_url": f"{URL}/2"}),
        )
        read = await house.get(own(made))
        assert (read["is_enabled"], read["webhook_type"], read["webhook_url"]) == (False, "video-updated", f"{URL}/2")

    tell(story)


def test_if_match_is_not_vimeos(tell):
    async def story(house):
        made = await create(house)
        await house.patch(own(made), {"is_enabled": False}, headers={"if-match": '"77"'})
        assert (await house.ask("DELETE", own(made), headers={"if-match": '"77"'})).status == 204

    tell(story)


def test_the_scheme_of_the_token_is_read_in_any_case(tell):
    async def story(house):
        return [
            (await house.ask("GET", HOOKS, headers={"authorization": f"{scheme} {OPERATOR}"})).status
            for scheme in ("bearer", "Bearer", "BEARER")
        ]

    assert tell(story) == [200, 200, 200]
