"""Publishing over HTTP, and what repeats itself."""

import asyncio

import pytest
from tests.api.house import URL

EVENT = {"type": "asset.created", "data": {"asset": {"id": "a"}}}


def test_an_event_is_accepted_and_can_be_read_again(tell):
    async def story(house):
        await house.endpoint()
        event = {**EVENT, "id": "order-17", "occurred_at": "2026-02-03T04:05:06Z", "ordering_key": "a"}
        receipt = await house.post("/v1/events", event, 202)
        listed = await house.get("/v1/events?event_type=asset.created")
        return receipt, await house.get(f"/v1/events/{receipt['id']}"), listed

    receipt, read, listed = tell(story)
    assert receipt.keys() == {"id", "type", "accepted_at", "deliveries"}
    assert (receipt["id"], receipt["deliveries"]) == ("order-17", 1)
    assert (read["data"], read["occurred_at"], read["source"]) == (EVENT["data"], "2026-02-03T04:05:06.000Z", None)
    assert listed == {"items": [read], "next": None}


def test_a_number_beyond_a_double_is_kept_as_it_was_posted_and_reaches_every_dialect(tell):
    body = b'{"type": "asset.processed", "data": {"asset": {"id": "a", "kind": "video", "duration": 1e400}}}'

    async def story(house):
        dialects = ("standard", "cloudevents", "videocloud", "vidizmo", "wochit")
        for dialect in dialects:
            await house.endpoint(dialect=dialect)
        made = await house.endpoint(dialect="vimeo", events=["video-transcode-complete"])
        tested = len(house.wire.sent)  # an endpoint of VIDIZMO's was tested before it was saved
        receipt = (await house.ask("POST", "/v1/events", body)).ok(202)
        await house.delivery(endpoint_id=made["id"])
        while len(house.wire.sent) < tested + receipt["deliveries"]:
            await asyncio.sleep(0.005)
        read = [await house.ask("GET", path) for path in (f"/v1/events/{receipt['id']}", "/v1/events")]
        return receipt, read, [request.body for request in house.wire.sent[tested:]]

    receipt, read, bodies = tell(story)
    assert receipt["deliveries"] == len(bodies) == 6
    assert all(b"1e400" in answer.body for answer in read)
    assert sum(b"1e400" in body for body in bodies) == 2


def test_a_batch_is_answered_in_order_and_taken_whole_or_not_at_all(tell):
    async def story(house):
        types = [f"own.type_{number}" for number in range(5)]
        good = await house.post("/v1/events/batch", [{"type": name, "data": 1} for name in types], 202)
        bad = await house.ask("POST", "/v1/events/batch", [EVENT, {"type": "not a type", "data": 1}])
        empty = await house.ask("POST", "/v1/events/batch", [])
        return types, good, bad, empty, await house.get("/v1/events")

    types, good, bad, empty, stored = tell(story)
    assert [item["type"] for item in good["items"]] == types
    assert bad.pointers() == ["/1/type"]
    empty.problem(422)
    assert len(stored["items"]) == 5


def test_an_id_of_the_clients_own_may_hold_slashes(tell):
    async def story(house):
        for given in ("orders/17", "a/replay/b", "x@y:z=1"):
            assert (await house.publish(id=given))["id"] == given
            assert (await house.get(f"/v1/events/{given}"))["id"] == given
            await house.post(f"/v1/events/{given}/replay", {}, 202)

    tell(story)


@pytest.mark.fault("S13")
@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"id": "a.b"}, "/id"),
        ({"id": "a" * 1_000_000}, "/id"),
        ({"id": "a\nb"}, "/id"),
        ({"id": ""}, "/id"),
        ({"type": "a..b"}, "/type"),
        ({"type": ".a"}, "/type"),
        ({"type": "a\r\nb"}, "/type"),
        ({"type": "a" * 200}, "/type"),
        ({"occurred_at": "yesterday"}, "/occurred_at"),
        ({"occurred_at": "2026-01-01T00:00:00"}, "/occurred_at"),
        ({"colour": "red"}, "/colour"),
        ({"type": 5}, "/type"),
    ],
)
def test_an_event_with_something_wrong_is_refused_with_its_place(tell, fields, pointer):
    async def story(house):
        return await house.ask("POST", "/v1/events", {**EVENT, **fields})

    assert tell(story).pointers() == [pointer]


@pytest.mark.fault("R25")
def test_fifty_at_once_with_one_key_make_one_thing(tell):
    async def story(house):
        async def fifty(path, body, status):
            key = {"idempotency-key": "the-one-key"}
            return await asyncio.gather(*[house.post(path, body, status, headers=key) for _ in range(50)])

        events = await fifty("/v1/events", EVENT, 202)
        endpoints = await fifty("/v1/endpoints", {"url": URL}, 201)
        tokens = await fifty("/v1/tokens", {"name": "t", "role": "viewer"}, 201)
        counts = [len((await house.get(f"/v1/{noun}"))["items"]) for noun in ("events", "endpoints", "tokens")]
        return events, endpoints, tokens, counts

    *answers, counts = tell(story)
    for fifty in answers:
        assert all(answer == fifty[0] for answer in fifty)
    assert answers[1][0]["secret"].startswith("whsec_")
    assert answers[2][0]["token"].startswith("rhk_")
    assert counts[1] == 1
    assert counts[2] == 2  # the operator's own beside it


@pytest.mark.fault("R26")
@pytest.mark.parametrize(
    ("path", "body", "other"),
    [("/v1/events", EVENT, {**EVENT, "data": 1}), ("/v1/endpoints", {"url": URL}, {"url": URL + "2"})],
)
def test_a_key_with_another_body_is_refused_and_another_app_is_another_world(tell, path, body, other):
    async def story(house):
        await house.post("/v1/apps", {"id": "acme"})
        key = {"idempotency-key": '"quoted-key"'}
        bare = {"idempotency-key": "quoted-key"}
        first = await house.ask("POST", path, body, key)
        again = await house.ask("POST", path, body, bare)
        changed = await house.ask("POST", path, other, key)
        elsewhere = await house.ask("POST", path, other, key, app="acme")
        return first, again, changed, elsewhere

    first, again, changed, elsewhere = tell(story)
    assert (again.status, again.body) == (first.status, first.body)
    changed.problem(422)
    assert elsewhere.status == first.status
    assert elsewhere.body != first.body


def test_a_key_is_for_one_route_and_what_failed_may_be_sent_again(tell):
    async def story(house):
        key = {"idempotency-key": "k"}
        failed = await house.ask("POST", "/v1/endpoints", {}, key)
        made = await house.ask("POST", "/v1/endpoints", {"url": URL}, key)
        task = {"since": "2026-01-01T00:00:00Z"}
        path = f"/v1/endpoints/{made.json()['id']}"
        one = await house.ask("POST", f"{path}/recover", task, key)
        two = await house.ask("POST", f"{path}/replay", task, key)
        again = await house.ask("POST", f"{path}/replay", task, key)
        return failed, made, one, two, again

    failed, made, one, two, again = tell(story)
    failed.problem(422)
    assert made.status == 201
    assert one.json()["id"] != two.json()["id"] == again.json()["id"]


@pytest.mark.parametrize("key", ["", '""', "two words", '"open', "ü", "x" * 256, 'a"b'])
def test_a_key_that_is_none_is_refused(tell, key):
    async def story(house):
        for path, body in (("/v1/endpoints", {"url": URL}), ("/v1/events", EVENT)):
            (await house.ask("POST", path, body, {"idempotency-key": key})).problem(400)
        assert (await house.get("/v1/endpoints"))["items"] == []

    tell(story)


def test_an_event_is_sent_again_to_all_or_to_one(tell):
    async def story(house):
        endpoint = await house.endpoint()
        event = await house.publish()
        await house.delivery()
        task = await house.post(f"/v1/events/{event['id']}/replay", {"endpoint_id": endpoint["id"]}, 202)
        missing = await house.ask("POST", f"/v1/events/{event['id']}/replay", {"endpoint_id": "ep_0000000000000001"})
        for _ in range(1000):
            if len(house.wire.sent) == 2:
                break
            await asyncio.sleep(0.005)
        return task, missing, len(house.wire.sent), await house.get(f"/v1/tasks/{task['id']}")

    task, missing, sent, later = tell(story)
    assert (task["kind"], task["state"], task["count"]) == ("replay_event", "queued", 1)
    missing.problem(404)
    assert sent == 2
    assert later["done"] == 1
