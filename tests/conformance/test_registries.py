"""Apps, tokens, endpoints, event types, the audit log and answers, as every store keeps them."""

import asyncio

import pytest
from msgspec.structs import replace
from tests.conformance.conftest import Teller
from tests.conformance.world import DAY, World

from reelhook.errors import Conflict, Invalid, NotFound
from reelhook.model.access import DEFAULT_APP
from reelhook.model.endpoint import BasicAuth, EndpointState, OAuth2Auth, RetiredSecret, ScheduleRetry
from reelhook.model.event_type import EventType
from reelhook.model.secret import Secret
from reelhook.ports import Key


def test_the_default_app_exists_from_the_first_start_and_cannot_be_deleted(tell: Teller) -> None:
    async def story(world: World) -> None:
        app = world.store.apps.get(DEFAULT_APP)
        assert app.id == DEFAULT_APP
        assert app.vimeo.capabilities == ("CAPABILITY_WEBHOOK_SCOPE",)
        with pytest.raises(Conflict):
            await world.store.apps.remove(DEFAULT_APP, world.entry())

    tell(story)
    tell(story)


def test_an_app_is_kept_with_every_change_and_its_audit_entry(tell: Teller) -> None:
    async def story(world: World) -> None:
        app = await world.app("acme")
        await world.store.apps.change(replace(app, name="Acme Studios"), world.entry("acme", "app.change"))
        with pytest.raises(Conflict):
            await world.app("acme")

    async def after(world: World) -> None:
        assert world.store.apps.get("acme").name == "Acme Studios"
        assert [entry.action for entry in (await world.store.audit.page("acme", None, 10)).items] == [
            "app.change",
            "test",
        ]

    tell(story)
    tell(after)


def test_apps_are_listed_newest_first_in_pages(tell: Teller) -> None:
    async def story(world: World) -> None:
        for name in ("a", "b", "c", "d"):
            world.clock.move(1)
            await world.app(name)
        first = world.store.apps.page(None, 3)
        second = world.store.apps.page(first.next, 3)
        assert [app.id for app in first.items] == ["d", "c", "b"]
        assert [app.id for app in second.items] == ["a", DEFAULT_APP]
        assert second.next is None
        assert {app.id for app in world.store.apps.all()} == {"a", "b", "c", "d", DEFAULT_APP}

    tell(story)


def test_with_an_app_go_its_endpoints_tokens_and_event_types(tell: Teller) -> None:
    async def story(world: World) -> None:
        await world.app("acme")
        token = await world.token("acme")
        endpoint = await world.endpoint("acme")
        kept = await world.endpoint()
        await world.store.event_types.put(EventType("acme.made", "acme", "", app_id="acme"), world.entry("acme"))
        assert world.store.tokens.by_hash(token.hash) == token
        await world.store.apps.remove("acme", world.entry("acme"))
        assert world.store.apps.get("acme") is None
        assert world.store.tokens.by_hash(token.hash) is None
        assert world.store.endpoints.get("acme", endpoint.id) is None
        assert world.store.event_types.of("acme") == []
        assert [one.id for one in world.store.endpoints.all()] == [kept.id]
        for late in (world.endpoint("acme"), world.token("acme", b"e" * 32)):
            with pytest.raises(NotFound):
                await late

    tell(story)


def test_a_token_opens_nothing_from_the_moment_its_removal_is_answered(tell: Teller) -> None:
    async def story(world: World) -> None:
        token = await world.token()
        assert world.store.tokens.by_hash(token.hash) == token
        assert world.store.tokens.get("default", token.id) == token
        assert world.store.tokens.get("other", token.id) is None
        with pytest.raises(NotFound):
            await world.store.tokens.remove("other", token.id, world.entry("other"))
        await world.store.tokens.remove("default", token.id, world.entry())
        assert world.store.tokens.by_hash(token.hash) is None
        assert world.store.tokens.page("default", None, 10).items == ()

    tell(story)


def test_a_caller_that_hangs_up_does_not_leave_a_removed_token_in_memory(tell: Teller) -> None:
    async def story(world: World) -> None:
        token = await world.token()
        world.store.tokens.by_hash(token.hash)

        async def remove() -> None:
            await world.store.tokens.remove("default", token.id, world.entry())

        caller = asyncio.ensure_future(remove())
        await asyncio.sleep(0)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        await world.store.commit.drained()
        await world.entry_seen()
        assert world.store.tokens.by_hash(token.hash) is None

    tell(story)


def test_an_endpoint_comes_back_whole_after_a_restart(tell: Teller) -> None:
    async def story(world: World) -> None:
        return await world.endpoint(
            name="Studio",
            dialect="cloudevents",
            events=("asset.*", "category:live"),
            headers={"X-Api-Key": "k-canary"},
            auth=BasicAuth("user", Secret("p-canary")),
            secret=Secret("whsec_canary"),
            retired_secrets=(RetiredSecret(Secret("whsec_old"), world.clock.time + DAY),),
            signing_key=Secret("whsk_canary"),
            retry=ScheduleRetry((1, 2, 3)),
            timeout=7.5,
            options={"ed25519": True},
            metadata={"team": ["a", {"b": 1}]},
        )

    made = tell(story)

    async def after(world: World) -> None:
        assert world.store.endpoints.get("default", made.id) == made
        assert list(world.store.endpoints.all()) == [made]
        assert world.store.endpoints.get("other", made.id) is None

    tell(after)


def test_no_secret_of_an_endpoint_stands_readable_in_the_database(tell: Teller) -> None:
    canaries = [b"p-canary", b"k-canary", b"whsec_canary", b"c-canary"]

    async def story(world: World) -> None:
        auth = OAuth2Auth("password", "https://id.example/token", "u", Secret("p-canary"), "c", Secret("c-canary"))
        await world.endpoint(auth=auth, secret=Secret("whsec_canary"), headers={"X-Api-Key": "k-canary"})
        answer = b'{"secret": "whsec_canary"}'
        key = Key("token POST /v1/endpoints", "k1", b"f", answer, world.clock.time + DAY)
        await world.store.answers.keep("default", key)

    tell(story)
    stored = tell.everything_stored()
    assert [canary for canary in canaries if canary in stored] == []


def test_every_change_of_an_endpoint_is_a_version_and_all_versions_stay(tell: Teller) -> None:
    async def story(world: World) -> None:
        first = await world.endpoint(url="https://one.example/")
        second = await world.change(first, url="https://two.example/", state=EndpointState.PAUSED)
        assert world.store.endpoints.get("default", first.id) == second
        assert await world.store.endpoints.version(first.id, 1) == first
        assert await world.store.endpoints.version(first.id, 2) == second

    tell(story)


def test_two_changes_of_one_version_do_not_overwrite_each_other(tell: Teller) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        outcomes = await asyncio.gather(
            world.change(endpoint, name="mine"), world.change(endpoint, name="yours"), return_exceptions=True
        )
        assert [type(outcome) for outcome in outcomes] == [type(endpoint), Conflict]
        assert world.store.endpoints.get("default", endpoint.id).name == "mine"
        assert len((await world.store.audit.page("default", None, 10)).items) == 2, "the refused change left no entry"

    tell(story)


def test_an_endpoint_that_is_enabled_again_has_a_clean_record(tell: Teller) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        await world.publish(endpoint)
        failed_at = world.clock.time
        await world.send(endpoint, status=500)
        endpoint = await world.change(endpoint, name="renamed")
        assert (await world.store.health())[endpoint.id].failing_since == failed_at
        endpoint = await world.change(endpoint, state=EndpointState.DISABLED)
        assert (await world.store.health())[endpoint.id].failing_since == failed_at
        await world.change(endpoint, state=EndpointState.ACTIVE)
        assert (await world.store.health())[endpoint.id].failing_since is None

    tell(story)


def test_a_removed_endpoint_is_gone_for_everybody_but_its_log(tell: Teller) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        await world.publish(endpoint)
        await world.send(endpoint)
        with pytest.raises(NotFound):
            await world.store.endpoints.remove("other", endpoint.id, world.entry("other"))
        await world.store.endpoints.remove("default", endpoint.id, world.entry())
        assert world.store.endpoints.get("default", endpoint.id) is None
        assert world.store.endpoints.page("default", None, 10).items == ()
        assert await world.store.endpoints.version(endpoint.id, 1) == endpoint
        for late in (world.change(endpoint), world.store.endpoints.remove("default", endpoint.id, world.entry())):
            with pytest.raises(NotFound):
                await late
        assert [one.url for one in await world.attempts()] == [endpoint.url]

    tell(story)


def test_endpoints_are_listed_newest_first_in_pages_of_one_app(tell: Teller) -> None:
    async def story(world: World) -> None:
        await world.app("acme")
        mine = [(await world.endpoint()).id for _ in range(5)]
        await world.endpoint("acme")
        first = world.store.endpoints.page("default", None, 2)
        second = world.store.endpoints.page("default", first.next, 3)
        assert [one.id for one in (*first.items, *second.items)] == mine[::-1]
        assert second.next is None
        with pytest.raises(Invalid):
            world.store.endpoints.page("acme", first.next, 2)
        with pytest.raises(Invalid):
            world.store.endpoints.page("default", "no cursor", 2)

    tell(story)


def test_an_app_has_event_types_of_its_own(tell: Teller) -> None:
    async def story(world: World) -> None:
        made = EventType("studio.booked", "studio", "A studio was booked.", {"type": "object"}, {"room": 1})
        await world.store.event_types.put(made, world.entry())
        await world.store.event_types.put(replace(made, version=2), world.entry())
        await world.store.event_types.put(replace(made, name="a.first"), world.entry())

    async def after(world: World) -> None:
        types = world.store.event_types
        assert [(one.name, one.version, one.app_id) for one in types.of("default")] == [
            ("a.first", 1, "default"),
            ("studio.booked", 2, "default"),
        ]
        assert types.get("default", "studio.booked").schema == {"type": "object"}
        assert types.get("other", "studio.booked") is None
        await types.remove("default", "a.first", world.entry())
        assert [one.name for one in types.all()] == ["studio.booked"]
        with pytest.raises(NotFound):
            await types.remove("default", "a.first", world.entry())

    tell(story)
    tell(after)


def test_the_audit_log_is_listed_newest_first_and_by_app(tell: Teller) -> None:
    async def story(world: World) -> None:
        await world.app("acme")
        for number in range(3):
            await world.store.audit.add(world.entry(action=f"reveal.{number}"))
        page = await world.store.audit.page("default", None, 2)
        rest = await world.store.audit.page("default", page.next, 2)
        assert [entry.action for entry in (*page.items, *rest.items)] == ["reveal.2", "reveal.1", "reveal.0"]
        assert len((await world.store.audit.page("acme", None, 10)).items) == 1

    tell(story)


def test_an_answer_is_remembered_for_its_app_kind_and_key_until_it_expires(tell: Teller) -> None:
    async def story(world: World) -> None:
        key = Key("tok POST /v1/endpoints", "k1", b"print", b'{"secret": "whsec_once"}', world.clock.time + DAY)
        await world.store.answers.keep("default", key)
        await world.store.answers.keep("default", Key(key.kind, "k1", b"other", b"{}", world.clock.time + DAY))
        stored = await world.store.answers.recall("default", key.kind, "k1")
        assert (stored.fingerprint, stored.answer) == (b"print", key.answer), "the first one stays"
        assert await world.store.answers.recall("other", key.kind, "k1") is None
        assert await world.store.answers.recall("default", "tok POST /v1/tokens", "k1") is None
        world.clock.move(DAY)
        assert await world.store.answers.recall("default", key.kind, "k1") is None
        await world.store.answers.keep("default", Key(key.kind, "k1", b"next", b"{}", world.clock.time + DAY))
        assert (await world.store.answers.recall("default", key.kind, "k1")).fingerprint == b"next"

    tell(story)
