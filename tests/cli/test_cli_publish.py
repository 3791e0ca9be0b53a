"""`reelhook publish` and `trigger`."""

import json

import pytest

ACCEPTED = {"id": "evt_1", "type": "asset.created", "accepted_at": "2026-11-21T06:30:00.000Z", "deliveries": 2}


def test_an_event_is_published_as_given(reelhook, api):
    api.lay("POST", "/v1/events", ACCEPTED, 202)
    ended = reelhook(
        "publish", "asset.created", '{"asset":{"id":"a"}}', "--id", "mine", "--key", "k", "--ordering-key", "o",
        "--occurred-at", "2026-01-01T00:00:00Z", "--set", "asset.title=Hi", "--set", "n=1", "--json",
    )  # fmt: skip
    assert ended.code == 0
    assert ended.json == ACCEPTED
    (asked,) = api.asked
    assert asked.headers["idempotency-key"] == "k"
    assert asked.headers["content-type"] == "application/json"
    assert asked.body == {
        "type": "asset.created",
        "data": {"asset": {"id": "a", "title": "Hi"}, "n": 1},
        "id": "mine",
        "occurred_at": "2026-01-01T00:00:00Z",
        "ordering_key": "o",
    }


def test_data_come_from_a_file_or_stdin(reelhook, api, tmp_path):
    api.lay("POST", "/v1/events", ACCEPTED, 202)
    (tmp_path / "data.json").write_text('{"from": "file"}')
    assert reelhook("publish", "a.b", "@data.json").code == 0
    assert reelhook("publish", "a.b", "@-", stdin=b'{"from": "stdin"}').code == 0
    assert reelhook("publish", "a.b").code == 0
    assert [asked.body["data"] for asked in api.asked] == [{"from": "file"}, {"from": "stdin"}, {}]


def test_people_read_how_many_deliveries_there_are(reelhook, api):
    api.lay("POST", "/v1/events", ACCEPTED, 202)
    assert reelhook("publish", "asset.created").out == "evt_1  asset.created  accepted, 2 deliveries\n"


@pytest.mark.parametrize("text", [[{"type": "a.b", "data": {}}] * 1500, "lines"])
def test_a_file_of_many_goes_in_batches_of_a_thousand(reelhook, api, tmp_path, text):
    events = [{"type": "a.b", "data": {"n": number}} for number in range(1500)]
    lines = "\n".join(map(json.dumps, events)) + "\n\n"
    (tmp_path / "events").write_text(lines if text == "lines" else json.dumps(events))
    api.lay("POST", "/v1/events/batch", lambda asked: {"items": [ACCEPTED] * len(asked.body)}, 202)
    ended = reelhook("publish", "--batch", "@events", "--key", "k", "--json")
    assert ended.code == 0
    assert len(ended.json["items"]) == 1500
    assert [len(asked.body) for asked in api.asked] == [1000, 500]
    assert [asked.headers["idempotency-key"] for asked in api.asked] == ["k-0", "k-1"]


def test_a_batch_that_is_refused_says_how_many_were_accepted_before(reelhook, api, tmp_path):
    (tmp_path / "events").write_text(json.dumps([{"type": "a.b", "data": {}}] * 1001))
    api.lay("POST", "/v1/events/batch", lambda asked: {"items": [ACCEPTED] * len(asked.body)}, 202)
    api.lay("POST", "/v1/events/batch", {"detail": "invalid", "status": 422, "errors": []}, 422)
    ended = reelhook("publish", "--batch", "@events")
    assert ended.code == 2
    assert ended.err == "reelhook: invalid; the 1000 events before this batch were accepted\n"


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["a.b", "{"], ["a.b", "[]"], ["a.b", "@absent.json"], ["a.b", "--set", "x"], ["a.b", "--set", ".x=1"],
        ["a.b", '{"x":1}', "--set", "x.y=1"], ["--batch", "[]"], ["--batch", '{"a":1}\n{'],
        ["a.b", "{}", "--batch", '{"type":"a.b"}'], ["--batch", '{"type":"a.b"}', "--set", "x=1"],
    ],
)  # fmt: skip
def test_what_cannot_be_published_is_a_usage_error_and_nothing_is_sent(reelhook, api, arguments):
    ended = reelhook("publish", *arguments)
    assert ended.code == 2
    assert ended.err.count("\n") == 1
    assert api.asked == []


def test_trigger_publishes_the_example_of_the_catalogue(reelhook, api):
    example = {"asset": {"id": "ast_1", "title": "Aurora"}}
    api.lay("GET", "/v1/event-types/asset.created", {"name": "asset.created", "example": example})
    api.lay("POST", "/v1/events", ACCEPTED, 202)
    assert reelhook("trigger", "asset.created", "--set", "asset.id=ast_7").code == 0
    assert api.asked[1].body == {"type": "asset.created", "data": {"asset": {"id": "ast_7", "title": "Aurora"}}}


def test_trigger_without_a_type_lists_the_types(reelhook, api):
    entry = {"name": "asset.created", "category": "asset", "description": "An asset was created."}
    api.lay("GET", "/v1/event-types", {"items": [entry], "next": "c"})
    api.lay("GET", "/v1/event-types", {"items": [entry], "next": None})
    assert reelhook("trigger").out.count("An asset was created.") == 2


def test_trigger_of_an_unknown_type_or_one_without_example_is_a_no(reelhook, api):
    api.lay("GET", "/v1/event-types/own.type", {"name": "own.type", "example": None})
    assert reelhook("trigger", "own.type").code == 1
    assert reelhook("trigger", "no.such").code == 1
