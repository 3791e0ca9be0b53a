"""Who may do what: every route declares it, nobody sees another app's things, tokens that are nobody's open nothing."""

import asyncio

import pytest

from reelhook.api.app import ROUTES
from reelhook.model.access import Role, Scope

OPEN = {"/healthz", "/readyz", "/metrics"}
GUARDED = [route for route in ROUTES if route.access is not None]
BODIES = {
    "/v1/endpoints/preview": {"event": {"type": "asset.created", "data": {}}},
    "/v1/endpoints/{id}/recover": {"since": "2026-01-01T00:00:00Z"},
    "/v1/endpoints/{id}/replay": {"since": "2026-01-01T00:00:00Z"},
}
KINDS = {"endpoints": "ep", "deliveries": "dlv", "logs": "att", "tasks": "tsk", "tokens": "tok", "events": "evt"}


def filled(route, ids):
    """Put the ids of another app's things into a path."""
    noun = route.path.split("/")[2]
    return route.path.replace("{id}", ids.get(noun, "x")).replace("{name}", ids["event-types"])


def name(route):
    return f"{route.method} {route.path}"


@pytest.mark.fault("S22")
def test_every_route_but_the_open_ones_declares_who_may_call_it():
    assert {route.path for route in ROUTES if route.access is None} == OPEN
    assert all(route.path.startswith("/v1/") for route in GUARDED)


@pytest.mark.fault("S22")
@pytest.mark.parametrize("route", GUARDED, ids=name)
def test_a_route_opens_to_its_role_and_scope_and_to_no_less(tell, route):
    async def story(house):
        access = route.access
        lesser = [role for role in Role if role.rank < access.role.rank]
        tokens = {role: await house.add_token(f"token-{role}", role) for role in Role}
        wrong = [scope for scope in Scope if scope is not access.scope]
        narrow = await house.add_token("narrow-token", access.role, *wrong)
        right = await house.add_token("right-token", access.role, *([access.scope] if access.scope else []))
        path = filled(route, {"event-types": "no.such"})

        async def status(token):
            return (await house.ask(route.method, path, BODIES.get(route.path, {}), token=token)).status

        assert {await status(tokens[role]) for role in lesser} <= {403}
        assert await status(tokens[access.role]) not in {401, 403}
        assert await status(right) not in {401, 403}
        assert await status(narrow) == 403 or access.any_scope
        assert await status(None) == 401

    tell(story)


@pytest.mark.fault("S21")
def test_another_apps_things_do_not_exist_on_any_route(tell):
    async def story(house):
        for app in ("ours", "theirs"):
            await house.post("/v1/apps", {"id": app})
        await house.endpoint_in("theirs")
        stranger = await house.add_token("stranger", Role.ADMIN, app="ours")
        ids = await belongings(house, "theirs")
        walked = 0
        for route in GUARDED:
            if "{" not in route.path or route.access.role is Role.OPERATOR:
                continue
            answer = await house.ask(route.method, filled(route, ids), BODIES.get(route.path, {}), token=stranger)
            assert answer.status == 404, (name(route), answer.body)
            answer.problem(404, "not-found")
            walked += 1
        assert walked >= 20
        for noun in KINDS:
            if noun != "tokens":
                assert (await house.get(f"/v1/{noun}", token=stranger))["items"] == [], noun
        event = {"type": "asset.created", "data": {}}
        for body in (
            {"endpoint_id": ids["endpoints"], "event": event},
            {"url": "https://a.example/", "event": {"id": ids["events"]}},
        ):
            (await house.ask("POST", "/v1/endpoints/preview", body, token=stranger)).problem(404)

    tell(story)


async def belongings(house, app):
    """Make one thing of each kind in an app; return their ids by noun."""
    made = {"apps": app, "event-types": "their.type"}
    endpoint = (await house.get("/v1/endpoints", app=app))["items"][0]
    event = await house.post("/v1/events", {"type": "their.type", "data": {}}, 202, app=app)
    await house.post("/v1/event-types", {"name": "their.type"}, app=app)
    task = await house.post(f"/v1/endpoints/{endpoint['id']}/replay", {"since": "2026-01-01T00:00:00Z"}, 202, app=app)
    token = await house.post("/v1/tokens", {"name": "t", "role": "viewer"}, app=app)
    for _ in range(1000):
        attempts = (await house.get("/v1/logs", app=app))["items"]
        if attempts:
            break
        await asyncio.sleep(0.005)
    made |= {"endpoints": endpoint["id"], "events": event["id"], "tasks": task["id"], "tokens": token["id"]}
    return made | {"logs": attempts[0]["id"], "deliveries": attempts[0]["delivery_id"]}


def test_a_token_is_asked_for_in_any_case_of_its_scheme(tell):
    async def story(house):
        for scheme in ("Bearer", "bearer", "BEARER"):
            headers = {"authorization": f"{scheme} operator-token-of-these-tests"}
            assert (await house.ask("GET", "/v1/endpoints", None, headers, token=None)).status == 200
        for wrong in (
            "",
            "Basic abc",
            "Bearer",
            "Bearer ",
            "Bearer nobody",
            "operator-token-of-these-tests",
            "Bearer \xff",
        ):
            answer = await house.ask("GET", "/v1/endpoints", None, {"authorization": wrong}, token=None)
            answer.problem(401, "unauthorized")
            assert answer.headers["www-authenticate"].startswith("Bearer")

    tell(story)


def test_a_token_that_has_expired_or_was_deleted_opens_nothing_any_more(tell):
    async def story(house):
        old = await house.add_token("old", Role.VIEWER, expires_at=house.clock.wall() - 1)
        (await house.ask("GET", "/v1/endpoints", token=old)).problem(401)
        made = await house.post("/v1/tokens", {"name": "t", "role": "viewer"})
        assert (await house.ask("GET", "/v1/endpoints", token=made["token"])).status == 200
        assert (await house.ask("DELETE", f"/v1/tokens/{made['id']}")).status == 204
        (await house.ask("GET", "/v1/endpoints", token=made["token"])).problem(401)

    tell(story)


def test_the_text_of_a_token_is_shown_once_and_nobody_makes_a_mightier_one(tell):
    async def story(house):
        admin = await house.add_token("admin", Role.ADMIN)
        made = await house.post("/v1/tokens", {"name": "ci", "role": "member", "scopes": ["events:write"]}, token=admin)
        listed = await house.get("/v1/tokens", token=admin)
        mighty = await house.ask("POST", "/v1/tokens", {"name": "x", "role": "operator"}, token=admin)
        past = await house.ask(
            "POST", "/v1/tokens", {"name": "x", "role": "viewer", "expires_at": "2001-01-01T00:00:00Z"}
        )
        strange = await house.ask("POST", "/v1/tokens", {"name": "x", "role": "viewer", "scopes": ["all"]})
        return made, listed, mighty, past, strange

    made, listed, mighty, past, strange = tell(story)
    assert made["token"].startswith("rhk_")
    assert (made["role"], made["scopes"]) == ("member", ["events:write"])
    assert all("token" not in item for item in listed["items"])
    mighty.problem(403)
    assert past.pointers() == ["/expires_at"]
    assert strange.pointers() == ["/scopes/0"]


def test_only_the_operator_chooses_the_app(tell):
    async def story(house):
        await house.post("/v1/apps", {"id": "acme"})
        await house.endpoint_in("acme")
        admin = await house.add_token("admin-of-default", Role.ADMIN)
        own = await house.ask("GET", "/v1/endpoints", token=admin, app="default")
        other = await house.ask("GET", "/v1/endpoints", token=admin, app="acme")
        nowhere = await house.ask("GET", "/v1/endpoints", app="no-such-app")
        return own, other, nowhere, await house.get("/v1/endpoints", app="acme")

    own, other, nowhere, chosen = tell(story)
    assert own.status == 200
    other.problem(403)
    nowhere.problem(404)
    assert len(chosen["items"]) == 1


def test_an_admin_looks_after_the_own_app_but_not_after_its_limits(tell):
    async def story(house):
        await house.post("/v1/apps", {"id": "acme", "limits": {"endpoints": 3}})
        admin = await house.add_token("admin-of-acme", Role.ADMIN, app="acme")
        named = await house.patch("/v1/apps/acme", {"name": "Acme"}, token=admin)
        more = await house.ask("PATCH", "/v1/apps/acme", {"limits": {"endpoints": 99}}, token=admin)
        other = await house.ask("GET", "/v1/apps/default", token=admin)
        everybody = await house.ask("GET", "/v1/apps", token=admin)
        return named, more, other, everybody, await house.ask("DELETE", "/v1/apps/acme", token=admin)

    named, more, other, everybody, gone = tell(story)
    assert (named["name"], named["limits"]) == ("Acme", {"endpoints": 3})
    more.problem(403)
    other.problem(404)
    everybody.problem(403)
    gone.problem(403)
