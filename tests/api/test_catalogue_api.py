"""Event types, apps, and what needs no token."""

import pytest

SCHEMA = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}


def test_the_catalogue_lists_own_types_first_and_names_them_in_a_dialect(tell):
    async def story(house):
        made = await house.post("/v1/event-types", {"name": "invoice.paid", "category": "billing", "schema": SCHEMA})
        page = await house.get("/v1/event-types?limit=3&dialect=standard")
        rest = await house.get(f"/v1/event-types?limit=500&cursor={page['next']}")
        one = await house.get("/v1/event-types/asset.created?dialect=cloudevents")
        strange = await house.ask("GET", "/v1/event-types?dialect=klingon")
        return made, page, rest, one, strange

    made, page, rest, one, strange = tell(story)
    assert (made["category"], made["version"], made["validate"]) == ("billing", 1, False)
    assert "dialect_name" not in made
    assert [item["name"] for item in page["items"]][:2] == ["invoice.paid", "asset.created"]
    names = [item["name"] for item in page["items"] + rest["items"]]
    assert len(names) == len(set(names)) > 50
    assert rest["next"] is None
    assert one["dialect_name"] == "asset.created"
    assert strange.pointers() == ["/dialect"]


def test_an_own_type_is_changed_checked_and_deleted(tell):
    async def story(house):
        await house.post("/v1/event-types", {"name": "invoice.paid", "schema": SCHEMA})
        path = "/v1/event-types/invoice.paid"
        strict = await house.patch(path, {"validate": True})
        (await house.ask("POST", "/v1/events", {"type": "invoice.paid", "data": {"id": 5}})).problem(422)
        await house.post("/v1/events", {"type": "invoice.paid", "data": {"id": "x"}}, 202)
        newer = await house.patch(path, {"schema": {"properties": {"id": {"type": "integer"}}}, "example": {"id": 1}})
        renamed = await house.ask("PATCH", path, {"name": "other.name"})
        gone = await house.ask("DELETE", path)
        await house.post("/v1/events", {"type": "invoice.paid", "data": {"id": 5}}, 202)
        return strict, newer, renamed, gone, await house.ask("GET", path)

    strict, newer, renamed, gone, missing = tell(story)
    assert (strict["validate"], strict["version"], newer["version"]) == (True, 1, 2)
    assert renamed.pointers() == ["/name"]
    assert gone.status == 204
    missing.problem(404)


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({"name": "asset.created"}, 409, None),
        ({"name": "endpoint.custom"}, 422, "/name"),
        ({"name": "not a name"}, 422, "/name"),
        ({"name": "own.type", "schema": {"type": "nonsense"}}, 422, None),
        ({"name": "own.type", "schema": {"$ref": "https://evil.example/schema"}}, 422, None),
        ({"name": "own.type", "schema": SCHEMA, "example": {"id": 5}}, 422, "/example/id"),
        ({"name": "own.type", "version": 0}, 422, "/version"),
    ],
)
def test_a_type_that_cannot_be_is_refused(tell, body, status, pointer):
    async def story(house):
        return await house.ask("POST", "/v1/event-types", body)

    problem = tell(story).problem(status)
    assert pointer is None or [error["pointer"] for error in problem["errors"]] == [pointer]


def test_the_built_in_types_cannot_be_changed(tell):
    async def story(house):
        for method, body in (("PATCH", {"description": "mine"}), ("DELETE", None)):
            (await house.ask(method, "/v1/event-types/asset.created", body)).problem(409)

    tell(story)


def test_an_app_is_made_read_changed_and_removed_with_all_it_has(tell):
    async def story(house):
        body = {
            "id": "acme",
            "name": "Acme",
            "metadata": {"plan": "pro"},
            "link_refresh": {"url": "https://a.example/", "secret": "s"},
        }
        made = await house.post("/v1/apps", body)
        seen = await house.get("/v1/apps/acme")
        kept = await house.patch("/v1/apps/acme", seen | {"name": "Acme Two", "egress_ips": ["198.51.100.7"]})
        await house.endpoint_in("acme")
        token = await house.post("/v1/tokens", {"name": "t", "role": "viewer"}, app="acme")
        ips = await house.get("/v1/egress-ips", token=token["token"])
        gone = await house.ask("DELETE", "/v1/apps/acme")
        after = await house.ask("GET", "/v1/endpoints", token=token["token"])
        stored = house.store.apps.get("acme")
        named = await house.post("/v1/apps", {"name": "No id"})
        return made, seen, kept, ips, gone, after, stored, named

    made, seen, kept, ips, gone, after, stored, named = tell(story)
    assert made == seen
    assert made["link_refresh"] == {"url": "https://a.example/", "secret": "***"}
    assert (kept["name"], kept["metadata"], ips) == ("Acme Two", {"plan": "pro"}, {"items": ["198.51.100.7"]})
    assert gone.status == 204
    after.problem(401)
    assert stored is None
    assert named["id"].startswith("app_")


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/v1/apps", {"id": "default"}, 409),
        ("POST", "/v1/apps", {"id": "Not An Id"}, 422),
        ("POST", "/v1/apps", {"id": "a", "egress_ips": ["300.1.1.1"]}, 422),
        ("POST", "/v1/apps", {"id": "a", "limits": {"wishes": 3}}, 422),
        ("POST", "/v1/apps", {"id": "a", "vimeo": {"account_type": "royal"}}, 422),
        ("POST", "/v1/apps", {"id": "a", "link_refresh": {"url": "http://127.0.0.1/", "secret": "s"}}, 422),
        ("PATCH", "/v1/apps/default", {"id": "other"}, 422),
        ("DELETE", "/v1/apps/default", None, 409),
        ("GET", "/v1/apps/nobody", None, 404),
    ],
)
def test_what_an_app_cannot_be(tell, method, path, body, status):
    async def story(house):
        return await house.ask(method, path, body)

    tell(story).problem(status)


def test_a_strict_app_refuses_types_that_its_catalogue_does_not_know(tell):
    async def story(house):
        await house.patch("/v1/apps/default", {"limits": {"strict_types": True}})
        return await house.ask("POST", "/v1/events", {"type": "no.such", "data": 1})

    tell(story).problem(422)


@pytest.mark.interpreted
def test_health_readiness_and_metrics_need_no_token(tell, monkeypatch):
    async def story(house):
        answers = [await house.ask("GET", path, token=None) for path in ("/healthz", "/readyz", "/metrics")]
        house.engine.dispatcher.failing = lambda: "the dispatcher is dead"
        return [*answers, await house.ask("GET", "/readyz?probe=1", token=None)]

    alive, ready, metrics, dead = tell(story)
    assert (alive.status, ready.status, metrics.status) == (200, 200, 200)
    assert metrics.headers["content-type"].startswith("text/plain")
    assert b"reelhook_build_info" in metrics.body
    assert "dispatcher is dead" in dead.problem(503)["detail"]
    assert dead.headers["retry-after"]
