"""VIDIZMO's rule that a connection must pass a test before it is saved, over HTTP."""

import asyncio

import pytest
from tests.api.house import URL

from reelhook.model.http import Response

VIDIZMO = {"dialect": "vidizmo", "url": URL}
BASIC = {"type": "basic", "username": "studio", "password": "canary"}
OTHER = "https://other.example/hook"


async def saved(house, **fields):
    return await house.post("/v1/endpoints", VIDIZMO | fields)


def test_an_endpoint_that_passes_is_saved_after_one_request(tell):
    async def story(house):
        made = await saved(house, events=["CommentAdd"])
        return made, list(house.wire.sent), (await house.get("/v1/logs"))["items"]

    made, sent, logged = tell(story)
    assert made["state"] == "active"
    assert [b'"vidizmoEventId":"CommentAdd"' in request.body for request in sent] == [True]
    assert logged == []  # what is not saved yet has no log


@pytest.mark.parametrize(
    ("answer", "ok", "reachable", "authenticated", "pointer"),
    [
        (Response(500, b"", b"oops"), False, True, True, "/url"),
        (Response(302), False, True, True, "/url"),
        (Response(401), False, True, False, "/auth"),
        (Response(403), False, True, False, "/auth"),
        (None, False, False, False, "/url"),
    ],
    ids=["500", "302", "401", "403", "refused"],
)
def test_one_that_fails_is_not_saved_and_the_whole_result_says_why(tell, answer, ok, reachable, authenticated, pointer):
    async def story(house):
        if answer is None:
            house.wire.will_refuse()
        else:
            house.wire.answers = [answer]
        refused = await house.ask("POST", "/v1/endpoints", VIDIZMO | {"auth": BASIC})
        return refused, (await house.get("/v1/endpoints"))["items"], (await house.get("/v1/audit"))["items"]

    refused, endpoints, audit = tell(story)
    problem = refused.problem(422, "connection-test-failed")
    test = problem["test"]
    assert (test["ok"], test["reachable"], test["authenticated"]) == (ok, reachable, authenticated)
    assert test["attempt"]["status_code"] == (answer.status if answer else None)
    assert test["attempt"]["request"]["headers"]["Authorization"] == "***"
    assert test["attempt"]["error"] in problem["detail"]
    assert refused.pointers() == [pointer]
    assert "canary" not in refused.body.decode()
    assert endpoints == []
    assert "endpoint.created" not in {entry["action"] for entry in audit}


@pytest.mark.parametrize(
    "change",
    [
        {"url": OTHER},
        {"hostname": "other.example", "path": "/hook"},
        {"auth": BASIC},
        {"headers": {"X-Studio": "1"}},
    ],
    ids=["url", "hostname", "auth", "headers"],
)
def test_a_new_address_new_credentials_and_new_headers_are_tested_again(tell, change):
    async def story(house):
        made = await saved(house)
        path = f"/v1/endpoints/{made['id']}"
        house.wire.answers = [Response(503)]
        refused = await house.ask("PATCH", path, change)
        unchanged = await house.get(path)
        changed = await house.patch(path, change)
        return made, refused, unchanged, changed, len(house.wire.sent)

    made, refused, unchanged, changed, requests = tell(story)
    refused.problem(422, "connection-test-failed")
    assert unchanged == made
    assert changed != made
    assert requests == 3


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Studio"},
        {"events": ["category:live_session"]},
        {"state": "paused"},
        {"state": "active"},
        {"retry": {"kind": "fixed", "retries": 1, "delay": 1}},
        {"url": URL, "headers": {"X-Api-Key": "***"}},
    ],
    ids=["name", "events", "pause", "activate", "retry", "the same again"],
)
def test_other_changes_send_nothing(tell, change):
    async def story(house):
        made = await saved(house, headers={"X-Api-Key": "canary"})
        await house.patch(f"/v1/endpoints/{made['id']}", change)
        return len(house.wire.sent)

    assert tell(story) == 1


def test_an_endpoint_that_becomes_one_of_vidizmo_is_tested(tell):
    async def story(house):
        made = await house.endpoint(secret=None)
        path = f"/v1/endpoints/{made['id']}"
        house.wire.will_refuse()
        refused = await house.ask("PATCH", path, {"dialect": "vidizmo", "secret": None})
        changed = await house.patch(path, {"dialect": "vidizmo", "secret": None})
        return refused, changed

    refused, changed = tell(story)
    refused.problem(422, "connection-test-failed")
    assert (changed["dialect"], changed["secret"]) == ("vidizmo", None)


def test_endpoints_of_other_dialects_are_saved_untested(tell):
    async def story(house):
        made = await house.endpoint()
        await house.patch(f"/v1/endpoints/{made['id']}", {"url": OTHER})
        return len(house.wire.sent)

    assert tell(story) == 0


def test_what_is_wrong_anyway_is_said_without_a_request(tell):
    async def story(house):
        made = await saved(house)
        asked = len(house.wire.sent)
        wrong = await house.ask("POST", "/v1/endpoints", VIDIZMO | {"events": ["MashupInvented"]})
        stale = await house.ask("PATCH", f"/v1/endpoints/{made['id']}", {"url": OTHER}, {"if-match": '"7"'})
        await house.patch("/v1/apps/default", {"limits": {"endpoints": 1}})
        over = await house.ask("POST", "/v1/endpoints", VIDIZMO)
        return wrong, stale, over, len(house.wire.sent) - asked

    wrong, stale, over, requests = tell(story)
    assert wrong.pointers() == ["/events/0"]
    stale.problem(412)
    over.problem(422, "over-limit")
    assert requests == 0


def test_a_repeated_creation_is_tested_and_made_once(tell):
    async def story(house):
        key = {"idempotency-key": "once"}
        answers = [await house.ask("POST", "/v1/endpoints", VIDIZMO, key) for _ in range(2)]
        return answers, len(house.wire.sent), (await house.get("/v1/endpoints"))["items"]

    (first, second), requests, endpoints = tell(story)
    assert first.ok(201) == second.ok(201)
    assert (requests, len(endpoints)) == (1, 1)


def test_a_creation_that_failed_its_test_may_be_sent_again_with_its_key(tell):
    async def story(house):
        key = {"idempotency-key": "once"}
        house.wire.will_refuse()
        return [await house.ask("POST", "/v1/endpoints", VIDIZMO, key) for _ in range(2)]

    refused, made = tell(story)
    refused.problem(422, "connection-test-failed")
    made.ok(201)


class SlowReceiver:
    """Answers 200, but not before it is told to."""

    def __init__(self) -> None:
        self.asked, self.answers = asyncio.Event(), asyncio.Event()

    async def send(self, _):
        self.asked.set()
        await self.answers.wait()
        return Response(200)


def test_nobody_waits_for_a_slow_receiver_that_is_tested(tell, monkeypatch):
    async def story(house):
        made = await saved(house)
        path = f"/v1/endpoints/{made['id']}"
        receiver = SlowReceiver()
        monkeypatch.setattr(house.wire, "send", receiver.send)
        moving = asyncio.ensure_future(house.ask("PATCH", path, {"url": OTHER}))
        await receiver.asked.wait()
        named = await house.patch(path, {"name": "meanwhile"})
        receiver.answers.set()
        return named, (await moving).ok(200)

    named, moved = tell(story)
    assert named["name"] == "meanwhile"
    assert (moved["name"], moved["url"]) == ("meanwhile", OTHER)


def test_a_change_whose_test_is_overtaken_by_other_credentials_is_refused(tell, monkeypatch):
    async def story(house):
        made = await saved(house)
        path = f"/v1/endpoints/{made['id']}"
        receiver = SlowReceiver()
        monkeypatch.setattr(house.wire, "send", receiver.send)
        moving = asyncio.ensure_future(house.ask("PATCH", path, {"url": OTHER}))
        await receiver.asked.wait()
        receiver.asked.clear()
        arming = asyncio.ensure_future(house.ask("PATCH", path, {"auth": BASIC}))
        await receiver.asked.wait()
        receiver.answers.set()
        return sorted([(await moving).status, (await arming).status]), await house.get(path)

    statuses, endpoint = tell(story)
    assert statuses == [200, 409]  # neither address with those credentials was tested
    assert (endpoint["url"], endpoint["auth"]["type"]) in {(OTHER, "none"), (URL, "basic")}
