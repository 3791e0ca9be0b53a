"""What VIDIZMO's documentation promises of its webhooks, capability by capability, against the running program."""

import base64
import csv
import io
import json
import re
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from pypdf import PdfReader
from tests.support.listener import Reply
from tests.support.program import Program, free_port, until

CAPABILITIES = range(1, 14)
VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "vidizmo.json").read_text())["vectors"]
DOCUMENTED = [one for one in VECTORS if "documented" in one]
CATEGORIES = {
    "media_updated": {"asset.created", "asset.updated", "asset.published", "asset.deleted"},
    "media_metadata": {"engagement.commented", "engagement.comment_deleted", "metadata.category_added"},
    "media_actions": {"engagement.viewed", "engagement.liked", "engagement.shared"},
    "live_session": {"live.started", "live.paused", "live.ended"},
    "workflow": {"workflow.started", "workflow.completed", "workflow.failed"},
}
HEADER = "Application ID,Date & Time,Event Triggered,Endpoint,Retry Attempts,Notification Status,Status Code,Error"
AT_ONCE = {"kind": "fixed", "retries": 3, "delay": 0}
"""As many retries as the documentation says, without its wait."""
MANAGES = {"viewer": 403, "member": 403, "manager": 201, "admin": 201}


class Inbox:
    """A mail server's keeper of mails."""

    def __init__(self):
        self.mails = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - the name that aiosmtpd asks for
        self.mails.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=policy.default)))
        return "250 kept"


@pytest.fixture(scope="module")
def inbox():
    return Inbox()


@pytest.fixture(scope="module")
def running(tmp_path_factory, inbox):
    mail_server = Controller(inbox, "127.0.0.1", free_port())
    mail_server.start()
    settings = {"REELHOOK_SMTP_URL": f"smtp://127.0.0.1:{mail_server.port}"}
    with Program(tmp_path_factory.mktemp("installation"), settings=settings) as program:
        yield program
    mail_server.stop()


@pytest.fixture
def webhook_app(house):
    """Make webhook applications: each points at a path of its own, and has passed its test."""

    def make(**fields):
        return house.endpoint("vidizmo", **fields)

    return make


def received(house, app, count=1):
    """Wait for what an application's receiver got after the test."""
    return house.heard(app, count + 1)[1:]


def state_of(house, app):
    return house.api.get(f"/v1/endpoints/{app['id']}")


def inactive(house, app):
    """Wait until an application is inactive, and return it."""

    def look():
        shown = state_of(house, app)
        return shown if shown["state"] == "disabled" else None

    return until(look, "the application is inactive")


def comment(house):
    return house.publish("engagement.commented", house.example("engagement.commented"))["id"]


def test_every_capability_of_the_documentation_has_a_row():
    rows = {int(found[1]) for name in globals() if (found := re.match(r"test_a2_(\d+)_", name))}
    assert rows == set(CAPABILITIES)


# 1. Subscribe to events; an HTTP POST tells of each.


def test_a2_1_an_event_is_posted_to_the_endpoint_when_it_happens(house, webhook_app):
    app = webhook_app(events=["CommentAdd"])
    comment(house)
    (got,) = received(house, app)
    assert (got.method, got.headers["content-type"]) == ("POST", "application/json")
    assert got.json()["vidizmoEventId"] == "CommentAdd"


# 2. The customer's application takes requests; its URL is all that is configured.


def test_a2_2_an_application_is_added_by_its_url(house):
    path = house.path()
    made = house.api.post("/v1/endpoints", {"dialect": "vidizmo", "url": house.listener.url(path)})
    assert made["url"] == house.listener.url(path)
    house.publish("workflow.started", house.example("workflow.started"))
    assert house.listener.wait(path, 2)[1].json()["vidizmoEventId"] == "WorkflowStarted"


# 3. The events that are named first, and headers of one's own.


@pytest.mark.parametrize(
    ("event_type", "name"),
    [
        ("engagement.viewed", "MashupViewed"),
        ("asset.published", "MashupPublished"),
        ("workflow.started", "WorkflowStarted"),
    ],
    ids=["video watched", "video published", "workflow started"],
)
def test_a2_3_the_example_events_are_sent_with_custom_headers(house, webhook_app, event_type, name):
    app = webhook_app(headers={"X-Portal": "studio", "X-Api-Key": "k-1"})
    house.publish(event_type, house.example(event_type))
    (got,) = received(house, app)
    assert got.json()["vidizmoEventId"] == name
    assert (got.headers["x-portal"], got.headers["x-api-key"]) == ("studio", "k-1")


# 4. Only managers and above create webhook applications.


@pytest.mark.parametrize("role", MANAGES)
def test_a2_4_only_managers_and_above_create_applications(house, role):
    path = house.path()
    body = {"dialect": "vidizmo", "url": house.listener.url(path)}
    answer = house.member_of(role).ask("POST", "/v1/endpoints", body)
    assert answer.status == MANAGES[role]
    if answer.status == 403:
        assert house.listener.got(path) == []
        assert list(house.api.pages("/v1/endpoints")) == []


# 5. Several applications, each with its own endpoint and events.


def test_a2_5_each_application_gets_its_own_events_at_its_own_endpoint(house, webhook_app):
    comments = webhook_app(events=["CommentAdd"])
    likes = webhook_app(events=["MashupLiked"])
    house.publish("engagement.liked", house.example("engagement.liked"))
    comment(house)
    assert [got.json()["vidizmoEventId"] for got in received(house, comments)] == ["CommentAdd"]
    assert [got.json()["vidizmoEventId"] for got in received(house, likes)] == ["MashupLiked"]


# 6. Application name, application id, endpoint, active toggle.


def test_a2_6_an_application_has_a_name_an_id_of_ours_and_an_endpoint(house, webhook_app):
    first, second = webhook_app(name="Studio"), webhook_app(name="Studio")
    assert first["name"] == "Studio"
    assert re.fullmatch(r"ep_[0-9a-f]{16}", first["id"])
    assert first["id"] != second["id"]
    assert first["state"] == "active"


def test_a2_6_the_toggle_holds_events_back_and_lets_them_go(house, webhook_app):
    app = webhook_app()
    house.api.ask("PATCH", f"/v1/endpoints/{app['id']}", {"state": "disabled"}).ok(200)
    event_id = comment(house)
    held = until(lambda: list(house.api.pages(f"/v1/deliveries?event_id={event_id}")), "the delivery is there")
    assert [one["state"] for one in held] == ["pending"]
    assert len(house.listener.got(app["_path"])) == 1
    house.api.ask("PATCH", f"/v1/endpoints/{app['id']}", {"state": "active"}).ok(200)
    assert received(house, app)[0].json()["vidizmoEventId"] == "CommentAdd"


# 7. The application becomes inactive if any non-transient error occurs; its owner is told.


@pytest.mark.parametrize("status", [301, 400, 401, 404, 410])
def test_a2_7_a_lasting_error_makes_the_application_inactive(house, webhook_app, status):
    app = webhook_app()
    house.listener.always(app["_path"], status)
    event_id = comment(house)
    shown = inactive(house, app)
    assert shown["disabled_reason"] == "non_transient_error"
    (delivery,) = house.settled(event_id)
    assert (delivery["state"], delivery["attempts"]) == ("failed", 1)


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a2_7_an_error_that_passes_leaves_it_active(house, webhook_app, status):
    app = webhook_app(retry=AT_ONCE | {"retries": 0})
    house.listener.answers(app["_path"], status)
    (delivery,) = house.settled(comment(house))
    assert delivery["state"] == "failed"
    assert state_of(house, app)["state"] == "active"


def test_a2_7_the_owner_gets_a_mail_and_an_event_tells_programs(house, webhook_app, inbox):
    watcher = house.endpoint("standard", events=["endpoint.disabled"])
    app = webhook_app(name="Newsroom", notify_emails=["owner@example.org"])
    house.listener.always(app["_path"], 403)
    comment(house)
    inactive(house, app)
    (told,) = house.heard(watcher)
    assert told.json()["data"]["endpoint"]["id"] == app["id"]
    subject = "[Reelhook] Endpoint Newsroom was disabled"
    mails = until(lambda: [one for one in inbox.mails if one[1]["Subject"] == subject], "the mail has come")
    recipients, mail = mails[0]
    assert recipients == ["owner@example.org"]
    assert app["id"] in mail.get_content()
    assert "does not pass by itself" in mail.get_content()


def test_a2_7_what_comes_while_it_is_inactive_waits_and_is_sent_when_it_is_active_again(house, webhook_app):
    app = webhook_app()
    house.listener.answers(app["_path"], 404)
    comment(house)
    inactive(house, app)
    house.publish("engagement.liked", house.example("engagement.liked"))
    house.api.ask("PATCH", f"/v1/endpoints/{app['id']}", {"state": "active"}).ok(200)
    assert [got.json()["vidizmoEventId"] for got in received(house, app, 2)] == ["CommentAdd", "MashupLiked"]


# 8. Single Factor Authentication, or none.


def test_a2_8_single_factor_authentication_sends_username_and_password(house, webhook_app):
    app = webhook_app(auth={"type": "basic", "username": "studio", "password": "p:ss wörd"})
    assert app["auth"] == {"type": "basic", "username": "studio", "password": "***"}
    comment(house)
    for got in house.heard(app, 2):
        scheme, _, credentials = got.headers["authorization"].partition(" ")
        assert (scheme, base64.b64decode(credentials).decode()) == ("Basic", "studio:p:ss wörd")


def test_a2_8_no_authentication_sends_no_credentials_and_no_signature(house, webhook_app):
    app = webhook_app(auth={"type": "none"})
    comment(house)
    (got,) = received(house, app)
    assert "authorization" not in got.headers
    assert [name for name in got.headers if "signature" in name] == []


def test_a2_8_a_secret_is_kept_and_signs_nothing(house, webhook_app):
    app = webhook_app(auth={"type": "none"}, secret="anything")
    assert app["secret"] == "anything"
    assert house.api.get(f"/v1/endpoints/{app['id']}")["secret"] == "***"
    comment(house)
    (got,) = received(house, app)
    assert [name for name in got.headers if "signature" in name] == []
    assert b"anything" not in got.body


# 9. Events are chosen by category.


@pytest.mark.parametrize("category", CATEGORIES)
def test_a2_9_a_category_brings_its_events_and_no_others(house, webhook_app, category):
    app = webhook_app(events=[f"category:{category}"])
    published = [house.publish(one, house.example(one))["id"] for one in sorted(set().union(*CATEGORIES.values()))]
    deliveries = [delivery for event_id in published for delivery in house.settled(event_id)]
    assert {delivery["event_type"] for delivery in deliveries} == CATEGORIES[category]
    assert len(received(house, app, len(deliveries))) == len(CATEGORIES[category])


def test_a2_9_categories_and_single_events_can_be_chosen_together(house, webhook_app):
    app = webhook_app(events=["category:workflow", "MashupLiked"])
    for event_type in ("engagement.liked", "engagement.viewed", "workflow.failed"):
        house.publish(event_type, house.example(event_type))
    assert {got.json()["vidizmoEventId"] for got in received(house, app, 2)} == {"MashupLiked", "WorkflowFailed"}


# 10. Custom headers; retries on transient failures, 3 unless said otherwise; the delay between them, 5 seconds.


def test_a2_10_three_retries_five_seconds_apart_are_the_default(house, webhook_app):
    app = webhook_app()
    assert (app["retry"], app["timeout"]) == ({"kind": "fixed", "retries": 3, "delay": 5.0}, 15.0)


def test_a2_10_retries_and_delay_can_be_set(house, webhook_app):
    chosen = {"kind": "fixed", "retries": 7, "delay": 60.0}
    assert webhook_app(retry=chosen)["retry"] == chosen


def test_a2_10_a_transient_failure_is_tried_three_more_times(house, webhook_app):
    app = webhook_app(retry=AT_ONCE)
    house.listener.answers(app["_path"], 503, 503, 503, 503)
    (delivery,) = house.settled(comment(house))
    assert (delivery["state"], delivery["attempts"]) == ("failed", 4)
    bodies = [got.body for got in received(house, app, 4)]
    assert len(set(bodies)) == 1
    assert state_of(house, app)["state"] == "active"


def test_a2_10_a_retry_that_succeeds_ends_them(house, webhook_app):
    app = webhook_app(retry=AT_ONCE)
    house.listener.answers(app["_path"], 500, 429)
    (delivery,) = house.settled(comment(house))
    assert (delivery["state"], delivery["attempts"]) == ("delivered", 3)


def test_a2_10_the_next_attempt_is_due_after_the_delay(house, webhook_app):
    app = webhook_app()
    house.listener.answers(app["_path"], 503)
    event_id = comment(house)

    def waiting():
        found = list(house.api.pages(f"/v1/deliveries?event_id={event_id}"))
        return found if found and found[0]["state"] == "retrying" else None

    (delivery,) = until(waiting, "the delivery waits")
    (attempt,) = house.api.get(f"/v1/deliveries/{delivery['id']}/attempts")["items"]
    due, made = delivery["next_attempt_at"], attempt["at"]
    assert made < due
    assert state_of(house, app)["state"] == "active"


def test_a2_10_headers_can_be_added_and_are_masked_where_they_are_secret(house, webhook_app):
    app = webhook_app(headers={"X-Token": "t-1", "X-Portal": "studio"})
    assert app["headers"] == {"X-Token": "***", "X-Portal": "studio"}
    comment(house)
    assert received(house, app)[0].headers["x-token"] == "t-1"


# 11. The connection must pass a test before the application is saved.


def test_a2_11_the_test_comes_before_the_application_is_saved(house, webhook_app):
    app = webhook_app(events=["MashupViewed"])
    (tested,) = house.listener.got(app["_path"])
    assert tested.json()["vidizmoEventId"] == "MashupViewed"


@pytest.mark.parametrize(
    ("status", "authenticated", "pointer"), [(401, False, "/auth"), (404, True, "/url"), (500, True, "/url")]
)
def test_a2_11_nothing_is_saved_unless_the_receiver_agrees(house, status, authenticated, pointer):
    path = house.path()
    house.listener.always(path, Reply(status, b"no"))
    body = {"dialect": "vidizmo", "url": house.listener.url(path), "auth": {"type": "none"}}
    answer = house.api.ask("POST", "/v1/endpoints", body)
    assert (answer.status, answer.headers["content-type"]) == (422, "application/problem+json")
    problem = answer.json()
    assert problem["type"].endswith("/connection-test-failed")
    test = problem["test"]
    assert (test["ok"], test["reachable"], test["authenticated"]) == (False, True, authenticated)
    assert test["attempt"]["response"]["body"] == "no"
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert list(house.api.pages("/v1/endpoints")) == []


def test_a2_11_an_address_that_nobody_answers_at_is_not_reachable(house):
    answer = house.api.ask(
        "POST", "/v1/endpoints", {"dialect": "vidizmo", "url": f"http://127.0.0.1:{free_port()}/hook"}
    )
    assert (answer.status, answer.json()["test"]["reachable"]) == (422, False)


def test_a2_11_new_credentials_are_tested_and_a_new_name_is_not(house, webhook_app):
    app = webhook_app()
    path = f"/v1/endpoints/{app['id']}"
    house.listener.always(app["_path"], lambda got: Reply(200 if "authorization" in got.headers else 401))
    house.api.ask("PATCH", path, {"name": "Studio"}).ok(200)
    assert len(house.listener.got(app["_path"])) == 1
    house.api.ask("PATCH", path, {"auth": {"type": "basic", "username": "u", "password": "p"}}).ok(200)
    assert house.api.ask("PATCH", path, {"auth": {"type": "none"}}).status == 422
    assert state_of(house, app)["auth"]["type"] == "basic"


def test_a2_11_a_connection_can_be_tested_by_itself(house, webhook_app):
    app = webhook_app()
    fields = {"dialect": "vidizmo", "url": house.listener.url(house.path())}
    for path, body in ((f"/v1/endpoints/{app['id']}/test", None), ("/v1/endpoints/test", fields)):
        result = house.api.ask("POST", path, body).ok(200)
        assert (result["ok"], result["reachable"], result["authenticated"]) == (True, True, True)


# 12. Logs, filterable, exported as PDF or CSV.


def test_a2_12_the_log_says_application_time_event_endpoint_retries_and_status(house, webhook_app):
    app = webhook_app(name="Studio", retry=AT_ONCE)
    house.listener.answers(app["_path"], 503)
    house.settled(comment(house))
    second, first = house.api.get(f"/v1/logs?endpoint_id={app['id']}")["items"]
    for one in (first, second):
        assert (one["endpoint_id"], one["endpoint_name"], one["url"]) == (app["id"], "Studio", app["url"])
        assert one["event_name"] == "CommentAdd"
        assert one["at"].endswith("Z")
    assert [(one["attempt"], one["status"]) for one in (first, second)] == [(1, "failed"), (2, "succeeded")]


def test_a2_12_the_log_is_filtered(house, webhook_app):
    app, other = webhook_app(retry=AT_ONCE), webhook_app(events=["MashupLiked"])
    house.listener.answers(app["_path"], 503)
    event_id = comment(house)
    house.settled(event_id)
    house.settled(house.publish("engagement.liked", house.example("engagement.liked"))["id"])
    found = {
        query: len(house.api.get(f"/v1/logs?{query}")["items"])
        for query in (
            f"endpoint_id={app['id']}",
            f"endpoint_id={other['id']}",
            f"event_id={event_id}",
            "event_type=engagement.liked",
            "status=failed",
            "status_code=503",
            "since=2126-01-01T00:00:00Z",
            "until=2126-01-01T00:00:00Z",
        )
    }
    assert list(found.values()) == [3, 1, 2, 2, 1, 1, 0, 4]


def test_a2_12_the_log_is_exported_as_csv(house, webhook_app):
    app = webhook_app(retry=AT_ONCE)
    house.listener.answers(app["_path"], 503)
    house.settled(comment(house))
    answer = house.api.ask("GET", f"/v1/logs/export?format=csv&endpoint_id={app['id']}")
    text = answer.body.decode()
    assert text.splitlines()[0] == HEADER
    _, second, first = csv.reader(io.StringIO(text))
    assert (first[0], first[2], first[3], first[4], first[5]) == (app["id"], "CommentAdd", app["url"], "0", "failed")
    assert (second[4], second[5]) == ("1", "succeeded")


def test_a2_12_the_log_is_exported_as_pdf(house, webhook_app):
    app = webhook_app(retry=AT_ONCE, name="استوديو 北极光")
    house.listener.answers(app["_path"], 503)
    house.settled(comment(house))
    answer = house.api.ask("GET", f"/v1/logs/export?format=pdf&endpoint_id={app['id']}&status=failed")
    assert answer.headers["content-type"] == "application/pdf"
    (page,) = PdfReader(io.BytesIO(answer.body), strict=True).pages
    said = " ".join(page.extract_text().split())
    assert all(heading in said for heading in HEADER.split(","))
    for told in (
        app["id"],
        "CommentAdd",
        app["url"],
        "status failed",
        "1 Attempts 0 Succeeded 1 Failed",
        "Page 1 of 1",
    ):
        assert told in said
    assert "استوديو" in said
    assert "北极光" in said


# 13. The payloads of the pages Media Updated, Media Metadata, Media Actions and Live Session.


@pytest.mark.parametrize("vector", DOCUMENTED, ids=lambda vector: vector["name"])
def test_a2_13_the_documented_payloads_arrive(house, webhook_app, vector):
    app = webhook_app(options=vector["options"])
    event = vector["event"]
    house.publish(
        event["type"], event["data"], id=event["given_id"], occurred_at=vector["documented"]["eventDate"] + "Z"
    )
    (got,) = received(house, app)
    assert got.json() == json.loads(vector["body"])
    assert vector["documented"].items() <= got.json().items()


def test_a2_13_the_detail_of_a_subject_is_a_text_that_holds_json_in_pascal_case(house, webhook_app):
    app = webhook_app()
    house.publish("asset.metadata_changed", house.example("asset.metadata_changed"))
    detail = received(house, app)[0].json()["subjectDetail"]
    assert isinstance(detail, str)
    assert all(re.fullmatch(r"([A-Z][A-Za-z]*)+", name) for name in json.loads(detail))


def test_a2_13_the_reference_of_names_can_be_read_and_a_request_seen_before_it_is_sent(house, webhook_app):
    names = {one["name"]: one["dialect_name"] for one in house.api.pages("/v1/event-types?dialect=vidizmo")}
    assert (names["live.started"], names["draft.created"]) == ("MeetingStarted", None)
    app = webhook_app()
    event = {"type": "live.started", "data": house.example("live.started")}
    shown = house.api.post("/v1/endpoints/preview", {"endpoint_id": app["id"], "event": event})
    log = json.loads(shown["body"])
    assert (log["subjectType"], log["subjectId"], log["subjectTitle"]) == ("Chat", 0, "Chat")
    refused = house.api.ask(
        "POST", "/v1/endpoints/preview", {"endpoint_id": app["id"], "event": {"type": "draft.created", "data": {}}}
    )
    assert refused.status == 422
    assert refused.json()["type"].endswith("/not-expressible")
