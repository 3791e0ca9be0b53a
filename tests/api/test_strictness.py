"""What is nearly right is refused, with its place; what is merely unusual is not."""

import re
from urllib.parse import quote

import pytest
from tests.api.house import URL

from reelhook.api.app import ROUTES
from reelhook.api.openapi import openapi
from reelhook.model.event import ID_RE

FAR = "2999-01-01T00:00:00Z"
VISIBLE = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) != ".")


@pytest.mark.parametrize(
    ("path", "body", "where"),
    [
        ("/v1/apps", {"id": "zz\n"}, "/id"),
        ("/v1/apps", {"name": "zz\n"}, "/name"),
        ("/v1/apps", {"vimeo": {"capabilities": ["zz\n"]}}, "/vimeo/capabilities/0"),
        ("/v1/tokens", {"name": "zz\n", "role": "viewer"}, "/name"),
        ("/v1/event-types", {"name": "zz\n"}, "/name"),
        ("/v1/event-types", {"name": "own.zz", "category": "zz\n"}, "/category"),
    ],
)
def test_a_newline_at_the_end_is_not_overlooked(tell, path, body, where):
    async def story(house):
        return await house.ask("POST", path, body)

    assert tell(story).pointers() == [where]


def test_the_patterns_of_the_document_are_of_the_dialect_of_json_schema():
    def patterns(node):
        inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        if isinstance(node, dict) and isinstance(node.get("pattern"), str):
            yield node["pattern"]
        for one in inner:
            yield from patterns(one)

    found = set(patterns(openapi(ROUTES, "")))
    assert {"^[a-z0-9_-]{1,64}$", "^[A-Za-z0-9_-]+$", r"^[^\x00-\x1f\x7f]*$", r"^[\x21-\x2d\x2f-\x7e]+$"} <= found
    assert not any(r"\Z" in pattern for pattern in found)


@pytest.mark.parametrize(
    "path",
    [route.path for route in ROUTES if route.method == "POST" and route.input is None and "raw" not in route.arguments],
)
def test_a_body_where_none_is_asked_for_is_read_all_the_same(tell, path):
    async def story(house):
        path_of_one = path.replace("{id}", "dlv_0000000000000001")
        (await house.ask("POST", path_of_one, b"{")).problem(400, "malformed")
        assert (await house.ask("POST", path_of_one, {"no_such": 1})).pointers() == ["/no_such"]
        (await house.ask("POST", path_of_one, b"[]")).problem(422)
        for nothing in (b"", b"{}"):
            (await house.ask("POST", path_of_one, nothing)).problem(404)

    tell(story)


def test_a_test_of_a_saved_endpoint_takes_an_empty_body_only(tell):
    async def story(house):
        endpoint = await house.endpoint()
        path = f"/v1/endpoints/{endpoint['id']}/test"
        assert (await house.ask("POST", path, {"event": "asset.created"})).pointers() == ["/event"]
        assert house.wire.sent == []
        await house.post(path, status=200)
        await house.post(path, {}, status=200)

    tell(story)


def test_every_refusal_of_a_request_has_an_entry_in_errors(tell):
    async def story(house):
        endpoint = await house.endpoint()
        key = {"idempotency-key": "k"}
        await house.ask("POST", "/v1/endpoints", {"url": URL}, key)
        return [
            (400, await house.ask("POST", "/v1/endpoints", b"{")),
            (400, await house.ask("POST", "/v1/events", b"{")),
            (400, await house.ask("POST", "/v1/endpoints", {"url": URL}, {"idempotency-key": '"'})),
            (422, await house.ask("POST", "/v1/endpoints", {"url": URL + "/2"}, key)),
            (422, await house.ask("POST", "/v1/events/batch", [])),
            (422, await house.ask("PATCH", f"/v1/endpoints/{endpoint['id']}", [])),
        ]

    for status, answer in tell(story):
        problem = answer.problem(status)
        assert problem["errors"] == [{"detail": problem["detail"], "pointer": ""}]


def test_a_span_that_begins_in_the_future_is_empty(tell):
    async def story(house):
        endpoint = await house.endpoint()
        await house.publish()
        await house.delivery()
        path = f"/v1/endpoints/{endpoint['id']}"
        for what in ("recover", "replay"):
            assert await house.post(f"{path}/{what}", {"since": FAR, "dry_run": True}, 200) == {"count": 0}
            assert (await house.post(f"{path}/{what}", {"since": FAR}, 202))["count"] == 0
            backwards = await house.ask("POST", f"{path}/{what}", {"since": FAR, "until": "2998-01-01T00:00:00Z"})
            assert backwards.pointers() == ["/since"]
        stats = await house.get(f"{path}/stats?since={FAR}")
        assert (stats["delivered"], stats["failed"], stats["series"]) == (0, 0, [])
        backwards = await house.ask("GET", f"{path}/stats?since={FAR}&until=2998-01-01T00:00:00Z")
        assert backwards.pointers() == ["/since"]

    tell(story)


@pytest.mark.parametrize(
    ("headers", "where"),
    [
        ({"X-A": 5}, "/headers/X-A"),
        ({"X-A": "a", "X-B": None}, "/headers/X-B"),
        ({"X-A": "a", "X/B~": ["b"], "X-C": 5}, "/headers/X~1B~0"),
    ],
)
def test_a_wrong_value_in_a_mapping_is_found(tell, headers, where):
    async def story(house):
        return await house.ask("POST", "/v1/endpoints", {"url": URL, "headers": headers})

    assert tell(story).pointers() == [where]


@pytest.mark.parametrize(
    ("patch", "where"),
    [
        ({"no_such": None}, ["/no_such"]),
        ({"no_such": None, "nor/this": None, "name": None}, ["/no_such", "/nor~1this"]),
        ({"rate_limit": {"count": 5, "per": 1, "burst": None}}, ["/rate_limit/burst"]),
        ({"auth": {"token": None, "pin": None}}, ["/auth/pin"]),
    ],
)
def test_null_is_no_way_around_the_names_of_fields(tell, patch, where):
    async def story(house):
        made = await house.endpoint(name="Archive")
        refused = await house.ask("PATCH", f"/v1/endpoints/{made['id']}", patch)
        assert (await house.get(f"/v1/endpoints/{made['id']}"))["name"] == "Archive"
        return refused, await house.ask("POST", "/v1/endpoints", {"url": URL, **patch})

    refused, made = tell(story)
    assert refused.pointers() == where
    assert set(made.pointers()) <= set(where)


def test_null_takes_a_field_that_there_is_back_to_its_default(tell):
    async def story(house):
        made = await house.endpoint(name="Archive", metadata={"a": 1, "b": 2}, auth={"type": "bearer", "token": "t"})
        patch = {"name": None, "timeout": None, "metadata": {"a": None, "c": None}, "created_at": None, "auth": None}
        return await house.patch(f"/v1/endpoints/{made['id']}", patch)

    changed = tell(story)
    assert (changed["name"], changed["timeout"], changed["metadata"]) == ("", 15, {"b": 2})
    assert changed["auth"] == {"type": "none"}


def test_an_event_id_may_hold_every_visible_character_but_the_dot(tell):
    async def story(house):
        assert (await house.publish(id=VISIBLE))["id"] == VISIBLE
        readable = VISIBLE.replace("?", "")
        await house.publish(id=readable)
        assert (await house.get(f"/v1/events/{readable}"))["id"] == readable
        await house.publish(id="x" * 128)
        for wrong in ("", "a.b", "a b", "a\n", "ü", "a\x7f", "x" * 129):
            answer = await house.ask("POST", "/v1/events", {"type": "asset.created", "data": {}, "id": wrong})
            assert answer.pointers() == ["/id"], wrong

    tell(story)
    assert all(bool(ID_RE.match(chr(code))) == (chr(code) in VISIBLE) for code in range(0x100))


def test_a_timeout_lies_between_a_tenth_of_a_second_and_two_minutes(tell):
    async def story(house):
        for good in (0.1, 61, 120):
            assert (await house.endpoint(timeout=good))["timeout"] == good
        for bad in (0.09, 120.1):
            answer = await house.ask("POST", "/v1/endpoints", {"url": URL, "timeout": bad})
            assert answer.pointers() == ["/timeout"]
            assert re.search(r"0\.1 to 120\b", answer.json()["errors"][0]["detail"])

    tell(story)


def test_a_patch_is_a_merge_patch_or_it_is_refused(tell):
    async def story(house):
        path = f"/v1/endpoints/{(await house.endpoint())['id']}"
        for kind in ("application/json-patch+json", "application/vnd.api+json", "text/json", "text/plain"):
            answer = await house.ask("PATCH", path, {"name": "n"}, {"content-type": kind})
            answer.problem(415, "unsupported-media-type")
        for kind in ("application/merge-patch+json", "Application/JSON; charset=utf-8", ""):
            assert (await house.ask("PATCH", path, {"name": kind}, {"content-type": kind})).ok(200)["name"] == kind

    tell(story)


@pytest.mark.parametrize("query", ["limit=2.0", "limit=1e1", "limit=%2B5", "limit=+5", "limit=٣", "limit=3&limit=4"])
def test_a_parameter_is_written_in_one_way_and_once(tell, query):
    async def story(house):
        path, _, text = f"/v1/endpoints?{query}".partition("?")
        return await house.ask("GET", f"{path}?{quote(text, safe='=&%+')}")

    assert tell(story).pointers() == ["/limit"]
