"""`reelhook events`, `deliveries`, `explain`, `tail`, `resend`, `recover`, `replay` and `token`."""

import json

import pytest

from reelhook.cli.client import Client
from reelhook.cli.outcome import Stop
from reelhook.cli.story import lasted, tell
from reelhook.cli.tail import Watch
from reelhook.model.instant import read_time

CMS = "endpoint “CMS” (ep_1) at https://cms.example.com/hook"
NOW = "2026-11-21T06:30:10.000Z"
EVENT = {"id": "evt_1", "type": "asset.created", "occurred_at": NOW, "accepted_at": "2026-11-21T06:30:00.000Z"}
ENDPOINT = {
    "id": "ep_1", "name": "CMS", "url": "https://cms.example.com/hook", "state": "active", "circuit": "closed",
    "disabled_reason": None,
}  # fmt: skip
DELIVERY = {
    "id": "dlv_1", "event_id": "evt_1", "event_type": "asset.created", "endpoint_id": "ep_1", "state": "delivered",
    "attempts": 2, "next_attempt_at": None, "delivered_at": "2026-11-21T06:30:05.050Z",
    "created_at": "2026-11-21T06:30:00.000Z", "updated_at": "2026-11-21T06:30:05.050Z",
}  # fmt: skip
FAILED = {
    "id": "att_1", "endpoint_id": "ep_1", "endpoint_name": "CMS", "url": "https://cms.example.com/hook",
    "delivery_id": "dlv_1", "event_id": "evt_1", "event_type": "asset.created", "attempt": 1,
    "at": "2026-11-21T06:30:00.003Z", "status": "failed", "status_code": 503, "error": None,
    "error_class": "http_status", "duration_ms": 12.0, "trigger": "schedule",
}  # fmt: skip
SUCCEEDED = FAILED | {
    "id": "att_2", "attempt": 2, "at": "2026-11-21T06:30:05.015Z", "status": "succeeded", "status_code": 204,
    "error_class": None, "duration_ms": 35.0,
}  # fmt: skip
DUE = {"state": "pending", "next_attempt_at": "2026-11-21T06:30:00.000Z"}
TASK = {"id": "tsk_1", "kind": "recover", "state": "queued", "count": 3, "done": 0, "created_at": NOW}


def told(delivery=(), endpoint=(), attempts=(FAILED, SUCCEEDED)):
    there = None if endpoint is None else ENDPOINT | dict(endpoint)
    return tell(DELIVERY | dict(delivery), EVENT, there, attempts, read_time(NOW))


def test_the_life_of_a_delivery_is_told_in_sentences():
    assert told() == [
        f"Event evt_1 (asset.created) was accepted at 2026-11-21 06:30:00Z, and one delivery of it is for {CMS}.",
        "Attempt 1, 3 ms after that, failed after 12 ms: the receiver answered 503.",
        "Attempt 2, 5 s later, succeeded: the receiver answered 204 within 35 ms.",
        "It was delivered at 2026-11-21 06:30:05Z, 5 s after it was accepted, with 2 attempts.",
    ]


@pytest.mark.parametrize(
    ("delivery", "endpoint", "said"),
    [
        ({"state": "failed"}, {}, "given up at 2026-11-21 06:30:05Z after 2 attempts; `reelhook resend dlv_1`"),
        ({"state": "failed"}, {}, "It had been delivered before, at 2026-11-21 06:30:05Z"),
        ({"state": "cancelled", "delivered_at": None}, {}, "cancelled at 2026-11-21 06:30:05Z; `reelhook resend"),
        ({"state": "sending"}, {}, "being sent at this moment"),
        ({"state": "retrying", "next_attempt_at": "2026-11-21T06:35:10.000Z"}, {}, "due at 2026-11-21 06:35:10Z, in 5"),
        ({"state": "retrying", "next_attempt_at": "2026-11-21T06:30:00.000Z"}, {}, "that is now"),
        ({"state": "pending"}, {}, "waits for its turn"),
        (DUE, {"dialect": "vimeo"},
         "due since 2026-11-21 06:30:00Z and waits for its turn, which the app's vimeo quota or a limit of"),
        (DUE, {"dialect": "standard", "rate_limit": {"count": 1, "per": 1}}, "which a limit of the endpoint decides"),
        (DUE, {"dialect": "standard", "rate_limit": None}, "that is now"),
        (DUE, {"dialect": "vimeo", "circuit": "open"}, "until a probe of the endpoint succeeds"),
        (DUE, {"dialect": "vimeo", "state": "paused"}, "endpoint is paused"),
        (DUE | {"next_attempt_at": "2026-11-21T06:35:10.000Z"}, {"dialect": "vimeo"}, "attempt is due at 2026-11-21 0"),
        ({"state": "pending"}, {"state": "paused"}, "endpoint is paused; `reelhook endpoints resume ep_1`"),
        ({"state": "pending"}, {"state": "disabled", "disabled_reason": "gone"}, "endpoint is disabled (gone)"),
        ({"state": "retrying", "next_attempt_at": NOW}, {"circuit": "open"}, "until a probe of the endpoint succeeds"),
    ],
)  # fmt: skip
def test_how_it_stands_is_told_with_what_can_be_done(delivery, endpoint, said):
    assert said in told(delivery, endpoint)[-1]


def test_a_deleted_endpoint_and_odd_attempts_can_be_told():
    interrupted = FAILED | {"error_class": "interrupted", "status_code": None}
    refused = FAILED | {"status_code": None, "error": "The receiver refused the connection.", "trigger": "resend"}
    beginning, first, second, _ = told(endpoint=None, attempts=[interrupted, refused])
    assert "endpoint ep_1, which is deleted" in beginning
    assert "nobody knows whether the receiver got it" in first
    assert first.startswith("Attempt 1, found 3 ms after that, was interrupted")
    assert "its time is when that was found, at a start or when another node took over" in first
    assert "(somebody asked to resend it), failed after 12 ms: the receiver refused the connection." in second


@pytest.mark.parametrize(
    ("milliseconds", "said"),
    [(-5, "0 ms"), (12.4, "12 ms"), (4200, "4.2 s"), (300_000, "5 min"), (9_000_000, "2.5 h"), (3e8, "3.5 days")],
)
def test_spans_are_written_as_people_say_them(milliseconds, said):
    assert lasted(milliseconds) == said


def test_explain_reads_what_it_needs_and_tells_it(reelhook, api):
    api.lay("GET", "/v1/deliveries/dlv_1", DELIVERY)
    api.lay("GET", "/v1/deliveries/dlv_1/attempts", {"items": [FAILED, SUCCEEDED]})
    api.lay("GET", "/v1/events/evt_1", EVENT)
    ended = reelhook("explain", "dlv_1")
    assert ended.code == 0
    assert "endpoint ep_1, which is deleted" in ended.out
    assert len(ended.out.splitlines()) == 4
    found = reelhook("explain", "dlv_1", "--json").json
    assert found["endpoint"] is None
    assert len(found["story"]) == 4


HUGE = json.dumps(EVENT | {"data": {"asset": {"size": 0}}}).replace(": 0}", ": 1e400}").encode()


def test_a_number_beyond_a_double_in_an_event_hinders_no_command(reelhook, api):
    api.lay("GET", "/v1/events", b'{"items": [' + HUGE + b'], "next": null}')
    api.lay("GET", "/v1/events/evt_1", HUGE)
    api.lay("GET", "/v1/deliveries/dlv_1", DELIVERY)
    api.lay("GET", "/v1/deliveries/dlv_1/attempts", {"items": [FAILED, SUCCEEDED]})
    assert "evt_1" in reelhook("events", "list").out
    assert "size" in reelhook("events", "show", "evt_1").out
    assert reelhook("events", "show", "evt_1", "--json").json["data"] == {"asset": {"size": None}}
    assert "Event evt_1 (asset.created)" in reelhook("explain", "dlv_1").out


@pytest.mark.parametrize("state", ["pending", "retrying"])
def test_explain_says_that_the_installation_is_on_hold(reelhook, api, state):
    """Regression: a delivery that a hold kept back was told to be due now."""
    api.lay("GET", "/v1/deliveries/dlv_1", DELIVERY | DUE | {"state": state})
    api.lay("GET", "/v1/deliveries/dlv_1/attempts", {"items": []})
    api.lay("GET", "/v1/endpoints/ep_1", ENDPOINT | {"state": "paused"})
    api.lay("GET", "/readyz", {"status": "ok", "held_since": NOW})
    said = "the installation is on hold since 2026-11-21 06:30:10Z: nothing is sent until `reelhook release`."
    assert reelhook("explain", "dlv_1").out.endswith(f"It waits because {said} Its endpoint is paused besides.\n")
    assert reelhook("explain", "dlv_1", "--json").json["held_since"] == NOW


def test_explain_asks_for_no_hold_where_nothing_waits(reelhook, api):
    api.lay("GET", "/v1/deliveries/dlv_1", DELIVERY)
    api.lay("GET", "/v1/deliveries/dlv_1/attempts", {"items": [SUCCEEDED]})
    assert reelhook("explain", "dlv_1", "--json").json["held_since"] is None
    assert "/readyz" not in {asked.path for asked in api.asked}


@pytest.mark.parametrize(("status", "answer"), [(403, b"<html>no</html>"), (503, {"detail": "no"}), (200, b"ok")])
def test_explain_does_without_a_readiness_that_it_cannot_read(reelhook, api, status, answer):
    api.lay("GET", "/v1/deliveries/dlv_1", DELIVERY | DUE)
    api.lay("GET", "/v1/deliveries/dlv_1/attempts", {"items": []})
    api.lay("GET", "/readyz", answer, status)
    ended = reelhook("explain", "dlv_1")
    assert ended.code == 0
    assert "The first attempt is due at 2026-11-21 06:30:00Z, that is now." in ended.out


def test_explain_of_a_delivery_that_is_not_there_is_a_no(reelhook, api):
    assert reelhook("explain", "dlv_9").code == 1


def test_deliveries_are_listed_with_filters(reelhook, api):
    api.lay("GET", "/v1/deliveries", {"items": [DELIVERY], "next": None})
    ended = reelhook("deliveries", "list", "--state", "failed", "--endpoint", "ep_1", "--since", "2026-01-01T00:00:00Z")
    assert api.asked[0].query == {
        "limit": "50", "state": "failed", "endpoint_id": "ep_1", "since": "2026-01-01T00:00:00.000Z",
    }  # fmt: skip
    assert "dlv_1" in ended.out


def test_a_delivery_is_shown_and_cancelled(reelhook, api):
    api.lay("GET", "/v1/deliveries/dlv_1", DELIVERY)
    api.lay("POST", "/v1/deliveries/dlv_1/cancel", DELIVERY | {"state": "cancelled"}, 202)
    assert "asset.created" in reelhook("deliveries", "show", "dlv_1").out
    assert reelhook("deliveries", "cancel", "dlv_1").out == "dlv_1  cancelled\n"


def test_events_are_listed_shown_and_replayed(reelhook, api):
    api.lay("GET", "/v1/events", {"items": [EVENT], "next": None})
    api.lay("POST", "/v1/events/evt_1/replay", TASK, 202)
    assert "evt_1" in reelhook("events", "list", "--event-type", "asset.created").out
    assert reelhook("events", "replay", "evt_1", "--endpoint", "ep_1", "--json").json == TASK
    assert api.asked[1].body == {"endpoint_id": "ep_1"}


def test_tail_shows_each_attempt_once_oldest_first(reelhook, api):
    api.lay("GET", "/v1/logs", {"items": [SUCCEEDED, FAILED], "next": None})
    ended = reelhook("tail", "--once", "--since", "2026-11-21T06:00:00Z", "--endpoint", "ep_1", "--json")
    assert [each["id"] for each in ended.lines()] == ["att_1", "att_2"]
    assert api.asked[0].query["endpoint_id"] == "ep_1"
    lines = reelhook("tail", "--once", "--since", "1h").out.splitlines()
    assert lines[0].startswith("2026-11-21 06:30:00Z  FAIL 503")
    assert lines[1].startswith("2026-11-21 06:30:05Z  ok   204")


def test_an_attempt_that_began_early_and_ended_late_is_not_missed(api):
    slow = FAILED | {"id": "att_0", "at": "2026-11-21T06:29:50.000Z", "duration_ms": 15_000}
    api.lay("GET", "/v1/logs", {"items": [FAILED], "next": None})
    api.lay("GET", "/v1/logs", {"items": [SUCCEEDED, FAILED, slow], "next": None})
    api.lay("GET", "/v1/logs", {"items": [SUCCEEDED, FAILED, slow], "next": None})
    watch = Watch(Client(api.url, None, None), "2026-11-21T06:00:00.000Z", {})
    looks = [[each["id"] for each in watch.look()] for _ in range(3)]
    assert looks == [["att_1"], ["att_0", "att_2"], []]
    assert api.asked[2].query["since"] == "2026-11-21T06:28:05.015Z"


def test_resend_takes_many_ids(reelhook, api):
    for number in (1, 2):
        answer = DELIVERY | {"id": f"dlv_{number}", "state": "pending"}
        api.lay("POST", f"/v1/deliveries/dlv_{number}/resend", answer, 202)
    assert reelhook("resend", "dlv_1", "--json").json["state"] == "pending"
    assert reelhook("resend", "dlv_1", "dlv_2").out == "dlv_1  pending\ndlv_2  pending\n"


def test_resend_of_many_goes_on_after_one_that_cannot_be_and_says_so(reelhook, api):
    api.lay("POST", "/v1/deliveries/dlv_1/resend", DELIVERY | {"state": "pending"}, 202)
    ended = reelhook("resend", "dlv_9", "dlv_1")
    assert (ended.code, ended.out) == (1, "dlv_1  pending\n")
    assert ended.err == "reelhook: dlv_9: there is no /v1/deliveries/dlv_9/resend\n"


def test_resend_of_many_ends_when_the_token_is_refused(reelhook, api):
    api.lay("POST", "/v1/deliveries/dlv_1/resend", {"detail": "no"}, 401)
    assert reelhook("resend", "dlv_1", "dlv_2").code == 4
    assert len(api.asked) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["deliveries", "list", "--state", "lost"],
        ["recover", "ep_1", "--since", "2h", "--state", "delivered"],
        ["tail", "--once", "--status", "lost"],
    ],
)
def test_a_word_that_is_no_state_is_answered_with_those_that_are(reelhook, api, arguments):
    ended = reelhook(*arguments)
    assert ended.code == 2
    assert '"failed"' in ended.err
    assert api.asked == []


def test_tail_waits_for_a_server_that_restarts(reelhook, api, monkeypatch):
    pauses = iter(range(3))

    def sleep(_seconds):
        if next(pauses, None) is None:
            raise Stop("the test ends")

    monkeypatch.setattr("reelhook.cli.tail.time.sleep", sleep)
    api.lay("GET", "/v1/logs", {"items": [FAILED], "next": None})
    api.lay("GET", "/v1/logs", {"detail": "Stopping."}, 503)
    api.lay("GET", "/v1/logs", {"detail": "Stopping."}, 503)
    api.lay("GET", "/v1/logs", {"items": [SUCCEEDED, FAILED], "next": None})
    ended = reelhook("tail", "--since", "2026-11-21T06:00:00Z", "--json")
    assert [each["id"] for each in ended.lines()] == ["att_1", "att_2"]
    assert ended.err.splitlines() == [
        "reelhook: Stopping. Trying again every 1 s until Ctrl-C.",
        "reelhook: the server is back",
        "reelhook: the test ends",
    ]


def test_a_dry_run_of_recover_only_counts(reelhook, api):
    api.lay("POST", "/v1/endpoints/ep_1/recover", {"count": 7})
    ended = reelhook(
        "recover", "ep_1", "--since", "2026-11-21T00:00:00Z", "--state", "failed", "--rate", "50", "--dry-run"
    )
    assert ended.out == "7 deliveries would be sent again.\n"
    assert api.asked[0].body == {
        "since": "2026-11-21T00:00:00.000Z", "states": ["failed"], "rate": 50.0, "dry_run": True,
    }  # fmt: skip


@pytest.mark.parametrize(("state", "code"), [("done", 0), ("failed", 1), ("cancelled", 1)])
def test_recover_follows_its_task_to_the_end(reelhook, api, monkeypatch, state, code):
    monkeypatch.setattr("reelhook.cli.recover._POLL", 0)
    api.lay("POST", "/v1/endpoints/ep_1/recover", TASK, 202)
    api.lay("GET", "/v1/tasks/tsk_1", TASK | {"state": "running", "done": 1})
    api.lay("GET", "/v1/tasks/tsk_1", TASK | {"state": state, "done": 3})
    ended = reelhook("recover", "ep_1", "--since", "2h", "--follow", "--json")
    assert ended.code == code
    assert ended.json["done"] == 3


def test_replay_begins_a_task_and_does_not_wait_for_it(reelhook, api):
    api.lay("POST", "/v1/endpoints/ep_1/replay", TASK, 202)
    assert "tsk_1" in reelhook("replay", "ep_1", "--since", "2h", "--until", "1h").out
    assert set(api.asked[0].body) == {"since", "until"}


@pytest.mark.parametrize("since", ["yesterday", "2 fortnights", "2026-01-01T00:00:00"])
def test_a_time_that_is_none_is_a_usage_error(reelhook, api, since):
    ended = reelhook("recover", "ep_1", "--since", since)
    assert ended.code == 2
    assert ended.err.count(since) == 1
    assert api.asked == []


def test_a_token_is_made_and_shown_once(reelhook, api):
    api.lay("POST", "/v1/tokens", {"id": "tok_1", "name": "CI", "role": "member", "scopes": [], "token": "rhk_x"}, 201)
    ended = reelhook(
        "token", "create", "CI", "--role", "member", "--scope", "events:write", "--expires-in", "2030-01-01T00:00:00Z"
    )
    assert "rhk_x" in ended.out
    assert api.asked[0].body == {
        "name": "CI", "role": "member", "scopes": ["events:write"], "expires_at": "2030-01-01T00:00:00.000Z",
    }  # fmt: skip
    assert reelhook("token", "create", "CI", "--role", "emperor").code == 2


def test_tokens_are_listed_and_revoked(reelhook, api):
    token = {"id": "tok_1", "name": "CI", "role": "member", "scopes": [], "expires_at": None}
    api.lay("GET", "/v1/tokens", {"items": [token], "next": None})
    api.lay("DELETE", "/v1/tokens/tok_1", None, 204)
    assert "tok_1" in reelhook("token", "list").out
    assert reelhook("token", "revoke", "tok_1").out == "tok_1 is revoked.\n"
