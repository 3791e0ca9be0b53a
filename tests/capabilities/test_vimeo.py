"""What Vimeo's documentation promises of its webhooks, capability by capability, against the running program."""

import base64
import hashlib
import hmac
import json
import re
import time
from datetime import datetime
from typing import Any, NamedTuple

import pytest
from tests.docs.examples import ROOT, python_example
from tests.support.program import Api, until

CAPABILITIES = range(1, 17)
CAPABILITY = "CAPABILITY_WEBHOOK_SCOPE"
SCOPES = ["public", "private", "edit", "delete", "webhooks"]
SECRET = "your-secret-key"
JSON_OF_VIMEO = "application/vnd.vimeo.*+json;version=3.4"
LIMIT, REMAINING, RESET = (f"x-webhook-ratelimit-{name}" for name in ("limit", "remaining", "reset"))
VIDEO = {"asset": {"id": "ast_1", "kind": "video", "title": "Aurora over Tromsø", "ids": {"vimeo": "456789123"}}}
LIVE = {"asset": {"id": "ast_2", "ids": {"vimeo": 987654321}}, "live": {"id": "lev_1", "ids": {"vimeo": "1122334"}}}
EVENTS = {
    "live-event-started": "live.started",
    "live-event-updated": "live.updated",
    "live-event-ended": "live.ended",
    "live-event-archive-available": "live.archive_ready",
    "live-event-clip-created": "live.clip_created",
    "video-deleted": "asset.deleted",
    "video-created": "asset.created",
    "video-transcode-playable": "asset.playable",
    "video-transcode-fully-playable": "asset.fully_playable",
    "video-transcode-complete": "asset.transcoded",
    "transcript-status-complete": "asset.transcript_ready",
    "automatic-thumbnail-available": "asset.thumbnail_ready",
    "video-upload-failed": "asset.upload_failed",
    "content-scan-completed": "asset.scan_completed",
    # In the schema of Vimeo's API, not in its guide:
    "live-event-deleted": "live.deleted",
    "video-updated": "asset.updated",
}
ACCOUNTS = {"free": 25, "starter": 125, "standard": 250, "advanced": 750, "studio": 1500, "enterprise": 2500}


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: Any


class Client:
    """A client of Vimeo's API that sends what the documentation shows, with one token, for one app."""

    def __init__(self, api: Api, app: str) -> None:
        self.token = api._token
        self._api = api
        self.base = f"/compat/vimeo/apps/{app}/webhooks"

    def ask(self, method: str, path: str = "", body: Any = None, **headers: str) -> Answer:
        sent = {"Authorization": f"bearer {self.token}", "Accept": JSON_OF_VIMEO}
        if method != "GET":
            sent["Content-Type"] = "application/json"
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        got = self._api.ask(method, self.base + path, body, sent)
        return Answer(got.status, got.headers, json.loads(got.body) if got.body else None)

    def create(self, url: str, webhook_type: str = "video-created", **more: Any) -> Any:
        answer = self.ask("POST", "", {"webhook_url": url, "webhook_type": webhook_type, "is_enabled": True, **more})
        assert answer.status == 201, answer.body
        return answer.body

    def read(self, webhook: Any) -> Any:
        answer = self.ask("GET", path_of(webhook))
        assert answer.status == 200, answer.body
        return answer.body


@pytest.fixture
def studio(another_house):
    """An app with the capability, whose quota nothing here uses up."""
    return another_house(vimeo={"capabilities": [CAPABILITY]})


@pytest.fixture
def client(studio):
    return Client(studio.member_of("manager", scopes=SCOPES), studio.app)


def path_of(webhook: Any) -> str:
    return "/" + webhook["uri"].rpartition("/")[2]


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def digits(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def test_every_capability_of_the_documentation_has_a_row():
    rows = {int(found[1]) for name in globals() if (found := re.match(r"test_a1_(\d+)_", name))}
    assert rows == set(CAPABILITIES)


# 1. Webhooks keep systems in step: an HTTP POST to a URL, in near real time.


def test_a1_1_an_event_is_posted_to_the_url_of_the_webhook(studio, client):
    path = studio.path()
    client.create(studio.listener.url(path))
    studio.publish("asset.created", VIDEO)
    (got,) = studio.listener.wait(path)
    assert got.method == "POST"
    assert got.json()["data"]["video_uri"] == "/videos/456789123"


# 2. Prerequisites: an account, an application, the capability, a token with its scopes.


def test_a1_2_an_app_needs_the_capability_to_change_webhooks(another_house):
    house = another_house()
    client = Client(house.member_of("manager", scopes=SCOPES), house.app)
    body = {"webhook_url": "https://example.com/webhook", "webhook_type": "video-created"}
    assert client.ask("POST", "", body).status == 403
    assert client.ask("GET").body["total"] == 0
    house.operator.ask("PATCH", f"/v1/apps/{house.app}", {"vimeo": {"capabilities": [CAPABILITY]}}).ok(200)
    assert client.ask("POST", "", body).status == 201


def test_a1_2_the_app_default_has_it(running):
    app = running.api().get("/v1/apps/default")
    assert app["vimeo"] == {"account_type": "enterprise", "capabilities": [CAPABILITY]}


@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [
        (SCOPES, {"GET", "POST", "PATCH", "DELETE"}),
        (["public", "webhooks"], {"GET"}),
        (["private", "webhooks"], {"GET"}),
        (["public", "edit", "webhooks"], {"GET", "POST", "PATCH"}),
        (["private", "delete", "webhooks"], {"GET", "DELETE"}),
        (["public", "private", "edit", "delete"], set()),
        (["webhooks"], set()),
        (["endpoints:read", "endpoints:write"], set()),
    ],
    ids=lambda value: " ".join(sorted(value)) or "nothing",
)
def test_a1_2_a_token_may_do_what_its_scopes_say(studio, client, scopes, allowed):
    webhook = client.create("https://example.com/webhook", is_enabled=False)
    narrow = Client(studio.member_of("manager", scopes=scopes), studio.app)
    asked = {
        "GET": narrow.ask("GET", path_of(webhook)),
        "POST": narrow.ask("POST", "", {"webhook_url": "https://example.com/b", "webhook_type": "video-created"}),
        "PATCH": narrow.ask("PATCH", path_of(webhook), {"is_enabled": False}),
        "DELETE": narrow.ask("DELETE", path_of(webhook)),
    }
    assert {method for method, answer in asked.items() if answer.status < 300} == allowed
    assert {answer.status for method, answer in asked.items() if method not in allowed} <= {403}


# 3. The target URL is the user's own, and publicly accessible.


@pytest.mark.parametrize("url", ["http://10.0.0.1/hook", "http://169.254.169.254/", "https://[::ffff:10.0.0.1]/"])
def test_a1_3_a_url_that_is_not_public_is_refused(client, url):
    answer = client.ask("POST", "", {"webhook_url": url, "webhook_type": "video-created"})
    assert (answer.status, answer.body["error_code"]) == (400, 2204)
    assert [one["field"] for one in answer.body["invalid_parameters"]] == ["webhook_url"]


def test_a1_3_a_url_that_is_markdown_is_refused(client):
    url = "[https://example.com/webhook](https://example.com/webhook)"
    answer = client.ask("POST", "", {"webhook_url": url, "webhook_type": "video-created"})
    assert (answer.status, answer.body["error_code"]) == (400, 2204)


# 4. Create.


def test_a1_4_a_webhook_is_created_by_post_and_answered_as_vimeo_shows_it(studio, client):
    body = {
        "is_enabled": True,
        "webhook_url": "https://example.com/webhook",
        "webhook_type": "video-transcode-playable",
        "secret": SECRET,
    }
    answer = client.ask("POST", "", body)
    assert answer.status == 201
    webhook = answer.body
    number = re.fullmatch(rf"/apps/{studio.app}/webhooks/([1-9][0-9]*)", webhook["uri"])
    assert number is not None
    assert webhook["app_uri"] == f"/apps/{studio.app}"
    assert {name: webhook[name] for name in body if name != "secret"} == {
        name: value for name, value in body.items() if name != "secret"
    }
    assert seconds(webhook["created_on"]) == seconds(webhook["modified_on"]) == seconds(webhook["enabled_on"])
    assert "disabled_on" not in webhook
    assert not [name for name in webhook if "before_disabling" in name or name == "time_period_failure_rate"]


# 5. Headers: `Authorization: bearer`, `Content-Type`, `Accept`.


@pytest.mark.parametrize("scheme", ["bearer", "Bearer", "BEARER"])
@pytest.mark.parametrize("accept", [JSON_OF_VIMEO, "application/vnd.vimeo.*+json", "application/json", "*/*"])
def test_a1_5_the_headers_of_the_documentation_and_of_its_clients_are_taken(client, scheme, accept):
    body = {"webhook_url": "https://example.com/webhook", "webhook_type": "video-created"}
    answer = client.ask("POST", "", body, Authorization=f"{scheme} {client.token}", Accept=accept)
    assert answer.status == 201
    assert "json" in answer.headers["content-type"]


# 6. The body: four parameters, one event.


def test_a1_6_a_webhook_is_not_enabled_and_has_no_secret_unless_it_says_so(studio, client):
    path = studio.path()
    answer = client.ask("POST", "", {"webhook_url": studio.listener.url(path), "webhook_type": "video-deleted"})
    assert (answer.status, answer.body["is_enabled"]) == (201, False)
    assert "secret" not in answer.body
    assert "enabled_on" not in answer.body
    receipt = studio.publish("asset.deleted", VIDEO)
    (delivery,) = studio.api.pages(f"/v1/deliveries?event_id={receipt['id']}")
    assert delivery["state"] == "pending"
    assert studio.listener.got(path) == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"webhook_type": "video-published"}, "webhook_type"),
        ({"webhook_type": "asset.created"}, "webhook_type"),
        ({"webhook_type": ["video-created", "video-deleted"]}, "webhook_type"),
        ({"webhook_type": None}, "webhook_type"),
        ({"webhook_url": ""}, "webhook_url"),
        ({"webhook_url": 5}, "webhook_url"),
        ({"is_enabled": "yes"}, "is_enabled"),
        ({"secret": 5}, "secret"),
    ],
)
def test_a1_6_each_parameter_is_of_its_type(client, change, field):
    body = {"is_enabled": True, "webhook_url": "https://example.com/webhook", "webhook_type": "video-created"}
    answer = client.ask("POST", "", body | change)
    assert (answer.status, answer.body["error_code"]) == (400, 2204)
    assert field in [one["field"] for one in answer.body["invalid_parameters"]]
    assert client.ask("GET").body["total"] == 0


# 7. Retrieve one, and all.


def test_a1_7_one_webhook_is_read(client):
    webhook = client.create("https://example.com/webhook", secret=SECRET)
    read = client.read(webhook)
    assert read | {"secret": ...} == webhook | {"secret": ...}
    assert read["secret"] == "***"


def test_a1_7_all_webhooks_are_read_by_pages(client):
    made = [client.create(f"https://example.com/{number}", is_enabled=False)["uri"] for number in range(5)]
    first = client.ask("GET", "?page=1&per_page=2").body
    assert {name: first[name] for name in ("total", "page", "per_page")} == {"total": 5, "page": 1, "per_page": 2}
    assert set(first["paging"]) == {"next", "previous", "first", "last"}
    assert first["paging"]["previous"] is None
    pages = [client.ask("GET", f"?page={number}&per_page=2").body["data"] for number in (1, 2, 3)]
    assert sorted(one["uri"] for page in pages for one in page) == sorted(made)
    assert client.ask("GET", "?page=3&per_page=2").body["paging"]["next"] is None
    assert client.ask("GET", "?page=4&per_page=2").status == 404


# 8. Update: only what changes.


def test_a1_8_a_patch_changes_what_it_names_and_keeps_the_rest(studio, client):
    path = studio.path()
    webhook = client.create(studio.listener.url(path), secret=SECRET)
    answer = client.ask("PATCH", path_of(webhook), {"is_enabled": False})
    assert (answer.status, answer.body["is_enabled"]) == (200, False)
    assert seconds(answer.body["disabled_on"]) >= seconds(webhook["created_on"])
    assert answer.body["webhook_url"] == webhook["webhook_url"]
    studio.publish("asset.created", VIDEO)
    again = client.ask("PATCH", path_of(webhook), {"is_enabled": True}).body
    assert (again["is_enabled"], again["disabled_on"]) == (True, answer.body["disabled_on"])
    (got,) = studio.listener.wait(path)
    assert got.headers["x-webhook-signature"] == digits(got.body)


def test_a1_8_the_event_and_the_url_can_be_changed(studio, client):
    path = studio.path()
    webhook = client.create("https://example.com/webhook")
    changed = client.ask(
        "PATCH", path_of(webhook), {"webhook_type": "video-deleted", "webhook_url": studio.listener.url(path)}
    ).body
    assert changed["webhook_type"] == "video-deleted"
    studio.publish("asset.deleted", VIDEO)
    (got,) = studio.listener.wait(path)
    assert got.json()["webhook_type"] == "video-deleted"


# 9. Delete: headers as for POST, so a Content-Type beside an empty body.


def test_a1_9_a_webhook_is_deleted_and_hears_nothing_more(studio, client):
    path = studio.path()
    webhook = client.create(studio.listener.url(path))
    answer = client.ask("DELETE", path_of(webhook))
    assert (answer.status, answer.body) == (204, None)
    assert client.ask("GET", path_of(webhook)).status == 404
    assert client.ask("DELETE", path_of(webhook)).status == 404
    assert studio.publish("asset.created", VIDEO)["deliveries"] == 0


# 10. Deliveries are signed with the secret.


@pytest.fixture(scope="module")
def documented():
    """The receiver that our own page shows."""
    room: dict[str, Any] = {}
    exec(python_example(ROOT / "docs" / "dialects" / "vimeo.md", "receive_vimeo"), room)  # noqa: S102 - our own page
    return room["receive_vimeo"]


@pytest.mark.parametrize("secret", [SECRET, "hemmelig æøå 秘密"])
def test_a1_10_a_receiver_written_as_documented_accepts_what_is_signed(studio, client, documented, secret):
    path = studio.path()
    client.create(studio.listener.url(path), secret=secret)
    studio.publish("asset.created", VIDEO)
    (got,) = studio.listener.wait(path)
    assert documented(got.body, got.headers, secret) == got.json()
    assert documented(got.body + b" ", got.headers, secret) is None
    assert documented(got.body, got.headers, secret + "?") is None
    assert documented(got.body, {}, secret) is None


def test_a1_10_a_new_secret_signs_from_then_on(studio, client, documented):
    path = studio.path()
    webhook = client.create(studio.listener.url(path), secret=SECRET)
    assert client.ask("PATCH", path_of(webhook), {"secret": "another-key"}).status == 200
    studio.publish("asset.created", VIDEO)
    (got,) = studio.listener.wait(path)
    assert documented(got.body, got.headers, "another-key") is not None
    assert documented(got.body, got.headers, SECRET) is None


def x_webhook_signature_in_hex_or_base64(got):
    given = re.sub(r"^(sha256|v1)=", "", got.headers.get("x-webhook-signature") or got.headers["x-vimeo-signature"])
    digest = hmac.new(SECRET.encode(), got.body, hashlib.sha256).digest()
    return given in {digest.hex(), base64.b64encode(digest).decode()}


def x_vimeo_signature_in_bare_hex(got):
    return got.headers.get("x-vimeo-signature") == digits(got.body)


def vimeo_signature_with_a_prefix(got):
    return got.headers.get("vimeo-signature") == f"sha256={digits(got.body)}"


def the_secret_in_the_body(got):
    return got.json().get("secret") == SECRET


@pytest.mark.parametrize(
    ("accepts", "options"),
    [
        (x_webhook_signature_in_hex_or_base64, {}),
        (x_webhook_signature_in_hex_or_base64, {"signature_prefix": "v1="}),
        (x_vimeo_signature_in_bare_hex, {"signature_alias_header": "X-Vimeo-Signature"}),
        (
            vimeo_signature_with_a_prefix,
            {"signature_alias_header": "Vimeo-Signature", "signature_prefix": "sha256="},
        ),
        (the_secret_in_the_body, {"secret_in_body": True}),
    ],
    ids=lambda value: value.__name__ if callable(value) else " ".join(value) or "as it is",
)
def test_a1_10_every_kind_of_receiver_that_is_public_can_be_served(studio, accepts, options):
    endpoint = studio.endpoint("vimeo", events=["video-created"], secret=SECRET, options=options)
    studio.publish("asset.created", VIDEO)
    (got,) = studio.heard(endpoint)
    assert accepts(got)


# 11. Delivery headers.


def test_a1_11_a_delivery_has_its_content_type_and_its_signature(studio, client):
    path = studio.path()
    client.create(studio.listener.url(path), secret=SECRET)
    studio.publish("asset.created", VIDEO)
    (got,) = studio.listener.wait(path)
    assert got.headers["content-type"] == "application/json"
    assert re.fullmatch("[0-9a-f]{64}", got.headers["x-webhook-signature"])


def test_a1_11_without_a_secret_there_is_no_signature(studio, client):
    path = studio.path()
    client.create(studio.listener.url(path))
    studio.publish("asset.created", VIDEO)
    (got,) = studio.listener.wait(path)
    assert got.headers["content-type"] == "application/json"
    assert "x-webhook-signature" not in got.headers


# 12. The events.


@pytest.mark.parametrize(("name", "event_type"), EVENTS.items())
def test_a1_12_every_event_reaches_the_webhook_that_is_about_it_alone(studio, client, name, event_type):
    path, other = studio.path(), studio.path()
    assert client.create(studio.listener.url(path), name)["webhook_type"] == name
    client.create(
        studio.listener.url(other), "video-upload-failed" if name != "video-upload-failed" else "video-deleted"
    )
    receipt = studio.publish(event_type, studio.example(event_type))
    assert receipt["deliveries"] == 1
    (got,) = studio.listener.wait(path)
    assert got.json()["webhook_type"] == name
    assert studio.listener.got(other) == []


def test_a1_12_the_one_event_that_nobody_here_can_tell_of_can_be_subscribed_to(client):
    assert client.create("https://example.com/webhook", "transcript-status-updated")["is_enabled"]


def test_a1_12_the_api_says_what_vimeo_has_words_for(studio):
    listed = list(studio.api.pages("/v1/event-types?dialect=vimeo"))
    words = {one["name"]: one["dialect_name"] for one in listed}
    assert {words[event_type] for event_type in EVENTS.values()} == set(EVENTS)
    assert words["user.created"] is None
    assert words["asset.metadata_changed"] == words["asset.renamed"] == "video-updated"
    assert words["live.paused"] == words["live.left"] == "live-event-updated"


# 13. The payload.


def test_a1_13_the_payload_is_type_data_and_time(studio):
    endpoint = studio.endpoint("vimeo", events=["video-deleted"])
    studio.publish("asset.deleted", VIDEO, occurred_at="2026-09-14T19:04:58.700Z")
    (got,) = studio.heard(endpoint)
    uri = "/videos/456789123"
    data = {"video_uri": uri, "clip_uri": uri}
    assert got.json() == {"webhook_type": "video-deleted", "data": data, "timestamp": 1789412698}


def test_a1_13_a_live_event_is_named_beside_its_video(studio):
    endpoint = studio.endpoint("vimeo", events=["live-event-started"])
    studio.publish("live.started", LIVE)
    (got,) = studio.heard(endpoint)
    uri = "/videos/987654321"
    assert got.json()["data"] == {"video_uri": uri, "clip_uri": uri, "live_event_uri": "/live_events/1122334"}


def test_a1_13_a_preview_shows_the_request_to_the_letter(studio):
    endpoint = studio.endpoint("vimeo", events=["video-created"], secret=SECRET)
    receipt = studio.publish("asset.created", VIDEO)
    (got,) = studio.heard(endpoint)
    shown = studio.api.post("/v1/endpoints/preview", {"endpoint_id": endpoint["id"], "event": {"id": receipt["id"]}})
    assert shown["body"].encode() == got.body
    assert shown["headers"]["X-Webhook-Signature"] == got.headers["x-webhook-signature"]


# 14. Rate limits by account type.


@pytest.mark.parametrize(("account_type", "limit"), ACCOUNTS.items())
def test_a1_14_a_delivery_tells_how_the_quota_of_the_account_stands(another_house, account_type, limit):
    house = another_house(vimeo={"account_type": account_type})
    endpoint = house.endpoint("vimeo", events=["video-created"])
    before = time.time()
    house.publish("asset.created", VIDEO)
    house.heard(endpoint)
    house.publish("asset.created", VIDEO)
    first, second = house.heard(endpoint, 2)
    assert first.headers[LIMIT] == second.headers[LIMIT] == str(limit)
    assert (first.headers[REMAINING], second.headers[REMAINING]) == (str(limit - 1), str(limit - 2))
    assert first.headers[RESET] == second.headers[RESET]
    assert first.headers[RESET].endswith("Z")
    assert before + 59 <= seconds(first.headers[RESET]) <= time.time() + 60


def test_a1_14_deliveries_over_the_quota_wait_until_it_resets(another_house):
    house = another_house(vimeo={"account_type": "free"})
    endpoints = [house.endpoint("vimeo", events=["video-created"]) for _ in range(2)]
    house.api.post("/v1/events/batch", [{"type": "asset.created", "data": VIDEO}] * 15)

    def sent() -> list[Any]:
        return [got for endpoint in endpoints for got in house.listener.got(endpoint["_path"])]

    def states() -> list[str]:
        return [one["state"] for one in house.api.pages("/v1/deliveries")]

    until(lambda: states().count("delivered") == 25, "the quota is used up")
    until(lambda: states().count("pending") == 5, "the rest waits")
    assert len(sent()) == 25
    assert sorted(int(got.headers[REMAINING]) for got in sent()) == list(range(25))
    (last,) = [got for got in sent() if got.headers[REMAINING] == "0"]
    assert seconds(last.headers[RESET]) > time.time()
    assert len(list(house.api.pages("/v1/logs"))) == 25

    house.operator.ask("PATCH", f"/v1/apps/{house.app}", {"vimeo": {"account_type": "starter"}}).ok(200)
    until(lambda: states().count("delivered") == 30, "a larger quota lets the rest go at once")
    assert len(sent()) == 30


def test_a1_14_a_limit_of_the_apps_own_takes_the_place_of_its_accounts(another_house):
    house = another_house(vimeo={"account_type": "free"}, limits={"vimeo_quota": 40})
    endpoint = house.endpoint("vimeo", events=["video-created"])
    house.publish("asset.created", VIDEO)
    (got,) = house.heard(endpoint)
    assert got.headers[LIMIT] == "40"


def test_a1_14_other_dialects_know_no_quota(another_house):
    house = another_house(vimeo={"account_type": "free"})
    endpoint = house.endpoint("standard", events=["asset.created"])
    for _ in range(2):
        house.api.post("/v1/events/batch", [{"type": "asset.created", "data": VIDEO}] * 20)
    assert not any(LIMIT in got.headers for got in house.heard(endpoint, 40))


def test_a1_14_management_requests_are_counted_and_blocked_over_the_quota(another_house):
    house = another_house(vimeo={"account_type": "free", "capabilities": [CAPABILITY]})
    client = Client(house.member_of("manager", scopes=SCOPES), house.app)
    answers = [client.ask("GET") for _ in range(25)]
    assert [answer.status for answer in answers] == [200] * 25
    assert [int(answer.headers[REMAINING]) for answer in answers] == list(range(24, -1, -1))
    assert {answer.headers[LIMIT] for answer in answers} == {"25"}
    blocked = client.ask("GET")
    assert (blocked.status, blocked.body["error_code"]) == (429, 9000)
    assert (blocked.headers[LIMIT], blocked.headers[REMAINING]) == ("25", "0")
    assert seconds(blocked.headers[RESET]) > time.time()
    assert 1 <= int(blocked.headers["retry-after"]) <= 60


# 15. Errors.


def assert_error(answer: Answer, status: int, code: int) -> None:
    assert (answer.status, answer.body["error_code"]) == (status, code)
    assert {"error", "link", "developer_message", "error_code"} <= set(answer.body)


def test_a1_15_a_problem_with_a_parameter_is_2204_and_names_it(client):
    answer = client.ask("POST", "", {"webhook_url": "https://example.com/webhook"})
    assert_error(answer, 400, 2204)
    assert [one["field"] for one in answer.body["invalid_parameters"]] == ["webhook_type"]


@pytest.mark.parametrize("body", [b'{"webhook_url": ', b"[]", b'"text"', b"webhook_url=x", b"\xff\xfe", b""])
def test_a1_15_a_bad_body_format_is_2205(client, body):
    assert_error(client.ask("POST", "", body), 400, 2205)
    assert client.ask("GET").body["total"] == 0


@pytest.mark.parametrize("authorization", ["bearer unheard-of", "Basic dXNlcjpwdw==", "bearer", ""])
def test_a1_15_an_unrecognized_access_token_is_8002(client, authorization):
    answer = client.ask("GET", "", Authorization=authorization)
    assert_error(answer, 401, 8002)
    assert answer.body["error"] == "You must provide a valid authenticated access token."


def test_a1_15_what_is_not_there_is_404(studio, client, running):
    assert client.ask("GET", "/999999999").status == 404
    assert client.ask("GET", "/not-a-number").status == 404
    stranger = Client(studio.member_of("manager", scopes=SCOPES), "default")
    assert stranger.ask("GET").status == 404


# 16. Further information.


def test_a1_16_the_program_describes_the_api_and_our_page_leads_to_vimeos(running):
    paths = running.api(None).get("/openapi.json")["paths"]
    assert set(paths["/compat/vimeo/apps/{app_id}/webhooks"]) >= {"get", "post"}
    assert set(paths["/compat/vimeo/apps/{app_id}/webhooks/{webhook_id}"]) >= {"get", "patch", "delete"}
    page = (ROOT / "docs" / "dialects" / "vimeo.md").read_text()
    assert "https://developer.vimeo.com/api/app-webhooks" in page
    assert all(name in page for name in EVENTS if not name.startswith("live-event-"))


# Beyond the list: webhooks that fail too often are disabled, and report the figures.


def test_a_webhook_that_fails_too_often_is_disabled_and_reports_why(studio, client):
    path = studio.path()
    webhook = client.create(studio.listener.url(path), secret=SECRET)
    studio.listener.answers(path, *[200] * 5)
    studio.listener.always(path, 500)
    for _ in range(5):
        studio.settled(studio.publish("asset.created", VIDEO)["id"])
    studio.api.post("/v1/events/batch", [{"type": "asset.created", "data": VIDEO}] * 15)
    until(lambda: not client.read(webhook)["is_enabled"], "the webhook is disabled")
    disabled = client.read(webhook)
    assert disabled["requests_executed_before_disabling"] == 20
    assert disabled["requests_failed_before_disabling"] == 15
    assert disabled["failure_rate_before_disabling"] == 0.75
    assert disabled["time_period_failure_rate"] == 3600
    assert seconds(disabled["last_request_time_before_disabling"]) <= seconds(disabled["disabled_on"])
    assert seconds(disabled["enabled_on"]) <= seconds(disabled["disabled_on"])
    assert len(studio.listener.got(path)) == 20

    held = studio.publish("asset.created", VIDEO)
    (delivery,) = studio.api.pages(f"/v1/deliveries?event_id={held['id']}")
    assert delivery["state"] == "pending"
    studio.listener.always(path, 200)
    enabled = client.ask("PATCH", path_of(webhook), {"is_enabled": True}).body
    assert enabled["is_enabled"]
    assert enabled["failure_rate_before_disabling"] == 0.75
    assert enabled["disabled_on"] == disabled["disabled_on"]
    assert len(studio.listener.wait(path, 21)) == 21


def test_a_failed_delivery_is_not_sent_again(studio, client):
    path = studio.path()
    client.create(studio.listener.url(path))
    studio.listener.answers(path, 500)
    (delivery,) = studio.settled(studio.publish("asset.created", VIDEO)["id"])
    assert (delivery["state"], delivery["attempts"]) == ("failed", 1)
    assert delivery["next_attempt_at"] is None


def test_a_webhook_that_is_gone_is_disabled_at_once(studio, client):
    path = studio.path()
    webhook = client.create(studio.listener.url(path))
    studio.listener.answers(path, 410)
    studio.publish("asset.created", VIDEO)
    until(lambda: not client.read(webhook)["is_enabled"], "the webhook is disabled")
    assert client.read(webhook)["requests_executed_before_disabling"] == 1
