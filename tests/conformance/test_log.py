"""The log: every filter, alone and together, before and after the indexes have caught up."""

from typing import Any

import pytest
from tests.conformance.conftest import Teller
from tests.conformance.town import Town, check_all
from tests.conformance.world import MINUTE, START, World

from reelhook.errors import Invalid, NotFound
from reelhook.model import ids
from reelhook.model.attempt import Failure
from reelhook.model.delivery import State, Trigger


@pytest.mark.parametrize("limit", [1, 3, 500])
def test_attempts_are_filtered_in_every_way_newest_first(tell: Teller, limit: int) -> None:
    async def story(world: World) -> None:
        town = await Town(world).build()
        await check_all(world, town, limit)
        await world.index()
        await check_all(world, town, limit)
        for endpoint in (town.one, town.two, town.far):
            await town.add(endpoint, 3, "asset.moved")
        await check_all(world, town, limit)

    tell(story)


def test_attempts_of_an_event_an_asset_or_a_span_are_found(tell: Teller) -> None:
    async def story(world: World) -> None:
        town = await Town(world).build()

        async def found(**filters: Any) -> list[int]:
            return [one.id for one in await world.attempts(limit=2, **filters)]

        for _ in range(2):
            event = town.attempts[5]
            assert await found(event=event["event"], app_id=event["app_id"]) == [event["id"]]
            assert await found(event=ids.show("evt", event["event_id"]), app_id=event["app_id"]) == [event["id"]]
            assert await found(event=event["event"], app_id="nobody") == []
            assert await found(event="evt_none") == []
            assert await found(text="v3") == town.expected(asset="v3")
            assert await found(text="v3", app_id="acme") == town.expected("acme", asset="v3")
            assert await found(text="v3", status="failed") == town.expected(asset="v3", status="failed")
            since, until = town.attempts[4]["at"], town.attempts[20]["at"]
            inside = [
                one["id"]
                for one in reversed(town.attempts)
                if since <= one["at"] < until and one["app_id"] == "default"
            ]
            assert await found(since=since, until=until) == inside
            assert await found(since=until, until=since) == []
            await world.index()

    tell(story)


def test_free_text_is_resolved_to_ids_keys_names_and_types(tell: Teller) -> None:
    async def story(world: World) -> None:
        town = await Town(world).build()

        async def found(text: str, **filters: Any) -> list[int]:
            return [one.id for one in await world.attempts(text=text, **filters)]

        for _ in range(2):
            known = next(one for one in town.attempts if one["app_id"] == "default")
            (attempt,) = await world.attempts(event=known["event"])
            assert await found(ids.show("att", attempt.id)) == [attempt.id]
            assert await found(ids.show("att", attempt.id), app_id="acme") == []
            assert await found(ids.show("dlv", attempt.delivery_id)) == [attempt.id]
            assert await found(ids.show("evt", attempt.event_id)) == [attempt.id]
            assert await found(known["event"]) == [attempt.id]
            assert await found("900") == [attempt.id], "what Vimeo calls the asset"
            assert await found(ids.show("ep", town.two.id)) == town.expected(endpoint_id=town.two.id)
            assert await found("archi") == town.expected(endpoint_id=town.two.id)
            assert await found("two.example") == town.expected(endpoint_id=town.two.id)
            assert await found("live.*") == town.expected(event_type="live.started")
            assert await found("studio", event_type="live.started") == town.expected(event_type="live.started")
            both = await found("asset.uploaded")
            assert both == town.expected(event_type="asset.uploaded")
            for nothing in ("nowhere", "att_0000000000000001", "*", "evt_zz", "studio far", "%", "\0"):
                assert await found(nothing) == []
            assert await found("  ") == town.expected()
            await world.index()

    tell(story)


def test_an_attempt_shows_the_exact_request_and_response(tell: Teller) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint(name="First", url="https://one.example/a")
        event = await world.publish(endpoint, data=b'{"n":  1.50}')
        (attempt_id,) = await world.send(endpoint)
        await world.change(endpoint, name="Second", url="https://two.example/b")
        detail = await world.store.log.attempt("default", attempt_id)
        assert (detail.method, detail.url) == ("POST", "https://one.example/a")
        assert detail.request_headers == (("Host", "receiver.example"), ("webhook-id", "evt_1"))
        assert detail.request_body == b'{"data":{"n":  1.50}}'
        assert (detail.response_status, detail.response_body) == (200, b"ok")
        assert detail.response_headers == (("Content-Type", "text/plain"),)
        assert (detail.timing.dns, detail.timing.tls, detail.timing.total) == (1.0, None, 12.5)
        assert (detail.remote_address, detail.truncated) == ("192.0.2.1", False)
        line = detail.attempt
        assert (line.endpoint_name, line.url) == ("First", "https://one.example/a")
        assert (line.event_public_id, line.event_name, line.number) == (event.public_id, "asset.uploaded", 1)
        assert (line.succeeded, line.failure, line.trigger) == (True, None, Trigger.SCHEDULE)
        assert await world.store.log.attempt("other", attempt_id) is None

    tell(story)


def test_a_body_that_is_no_frame_round_the_event_is_kept_whole(tell: Teller) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        await world.publish(endpoint)
        (attempt_id,) = await world.send(endpoint, status=404, frame=None, body=b"<x/>", event_name="video-uploaded")
        detail = await world.store.log.attempt("default", attempt_id)
        assert detail.request_body == b"<x/>"
        assert detail.attempt.event_name == "video-uploaded"
        assert (detail.attempt.failure, detail.attempt.error) == (Failure.STATUS, "the receiver answered 404")

    tell(story)


def test_a_test_attempt_is_in_the_log_though_it_has_no_delivery(tell: Teller) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        await world.publish(endpoint)
        (claimed,) = await world.claim(endpoint)
        attempt = world.attempt(claimed, endpoint, 401, delivery_id=None, trigger=Trigger.TEST)
        await world.store.journal.record_test(attempt)
        for _ in range(2):
            (line,) = await world.attempts()
            assert (line.delivery_id, line.event_id, line.trigger) == (None, None, Trigger.TEST)
            assert [one.id for one in await world.attempts(text=ids.show("att", attempt.id))] == [attempt.id]
            assert await world.deliveries(text=ids.show("att", attempt.id)) == []
            assert await world.events(text=ids.show("att", attempt.id)) == []
            await world.index()

    tell(story)


def test_the_attempts_of_a_delivery_are_told_oldest_first(tell: Teller) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        event = await world.publish(endpoint)
        retry: dict[str, Any] = {"status": 500, "state": State.RETRYING}
        first = await world.send(endpoint, **retry, due_at=world.clock.time + MINUTE)
        world.clock.move(MINUTE)
        second = await world.send(endpoint, **retry, due_at=world.clock.time + MINUTE)
        world.clock.move(MINUTE)
        third = await world.send(endpoint)
        told = await world.store.log.attempts_of("default", event.id + 1)
        assert [one.id for one in told] == [*first, *second, *third]
        assert [one.number for one in told] == [1, 2, 3]
        assert await world.store.log.attempts_of("other", event.id + 1) == []
        assert [one.id for one in await world.attempts(event=event.public_id)] == [*third, *second, *first]
        delivery = await world.store.log.delivery("default", event.id + 1)
        assert (delivery.state, delivery.attempts, delivery.event_public_id) == (State.DELIVERED, 3, event.public_id)
        assert await world.store.log.delivery("other", event.id + 1) is None

    tell(story)


def test_deliveries_are_filtered_by_state_endpoint_type_event_and_text(tell: Teller) -> None:
    async def story(world: World) -> None:
        town = await Town(world).build()
        waiting = (await world.publish(town.one, type="live.ended")).id + 1
        cancelled = (await world.publish(town.two, type="live.ended")).id + 1
        await world.store.queue.cancel("default", cancelled, world.clock.time)
        sending = (await world.publish(town.two, type="live.ended")).id + 1
        await world.claim(town.two)

        async def found(**filters: Any) -> list[int]:
            return [one.id for one in await world.deliveries(limit=3, **filters)]

        def deliveries(app_id: str = "default", **wanted: Any) -> list[int]:
            chosen = town.expected(app_id, **wanted)
            return [one["event_id"] + 1 for one in reversed(town.attempts) if one["id"] in chosen]

        for _ in range(2):
            assert await found() == [sending, cancelled, waiting, *deliveries()]
            assert await found(app_id="acme") == deliveries("acme")
            assert await found(state="pending") == [waiting]
            assert await found(state="pending", endpoint_id=town.two.id) == []
            assert await found(state="sending") == [sending]
            assert await found(state="cancelled") == [cancelled]
            assert await found(state="failed") == deliveries(status="failed")
            assert await found(state="failed", endpoint_id=town.one.id) == deliveries(
                status="failed", endpoint_id=town.one.id
            )
            assert await found(state="delivered") == deliveries(status="succeeded")
            assert await found(status="succeeded") == deliveries(status="succeeded")
            assert await found(status_code=503) == deliveries(status_code=503)
            assert await found(endpoint_id=town.one.id) == [waiting, *deliveries(endpoint_id=town.one.id)]
            assert await found(event_type="live.ended") == [sending, cancelled, waiting]
            assert await found(event_type="live.ended", app_id="acme") == []
            assert await found(text="v3") == deliveries(asset="v3")
            assert await found(text="archive") == [sending, cancelled, *deliveries(endpoint_id=town.two.id)]
            assert await found(text="live.s") == deliveries(event_type="live.started")
            assert await found(event=town.attempts[0]["event"]) == [town.attempts[0]["event_id"] + 1]
            await world.index()

    tell(story)


def test_events_are_filtered_by_type_endpoint_span_and_text(tell: Teller) -> None:
    async def story(world: World) -> None:
        town = await Town(world).build()
        nobody = await world.publish(type="user.created", data=b"[1]")

        async def found(**filters: Any) -> list[int]:
            return [one.id for one in await world.events(limit=3, **filters)]

        def events(app_id: str = "default", **wanted: Any) -> list[int]:
            chosen = town.expected(app_id, **wanted)
            return [one["event_id"] for one in reversed(town.attempts) if one["id"] in chosen]

        for _ in range(2):
            assert await found() == [nobody.id, *events()]
            assert await found(app_id="acme") == events("acme")
            assert await found(event_type="live.started") == events(event_type="live.started")
            assert await found(endpoint_id=town.two.id) == events(endpoint_id=town.two.id)
            assert await found(text="v3") == events(asset="v3")
            assert await found(text="asset.del") == events(event_type="asset.deleted")
            assert await found(text="two.example") == events(endpoint_id=town.two.id)
            assert await found(until=START) == []
            assert await found(event=nobody.public_id) == [nobody.id]
            await world.index()
        assert await world.store.log.event("default", nobody.public_id) == nobody
        assert await world.store.log.event("acme", nobody.public_id) is None
        given = town.attempts[0]["event"]
        assert (await world.store.log.event("default", given)).given_id == given

    tell(story)


def test_a_cursor_is_good_only_for_its_own_list_and_filters(tell: Teller) -> None:
    async def story(world: World) -> None:
        await Town(world).build()
        page = await world.store.log.attempts(world.where(), None, 2)
        assert page.next is not None
        for where, cursor in ((world.where(status="failed"), page.next), (world.where(), "nonsense")):
            with pytest.raises(Invalid):
                await world.store.log.attempts(where, cursor, 2)
        with pytest.raises(Invalid):
            await world.store.log.events(world.where(), page.next, 2)
        with pytest.raises(Invalid):
            await world.store.log.attempts(world.where(status="odd"), None, 2)

    tell(story)


def test_new_attempts_do_not_shift_the_pages_that_follow(tell: Teller) -> None:
    async def story(world: World) -> None:
        town = await Town(world).build()
        before = town.expected()
        page = await world.store.log.attempts(world.where(), None, 5)
        await town.add(town.one, 1, "asset.uploaded")
        rest = await world.store.log.attempts(world.where(), page.next, 500)
        assert [one.id for one in (*page.items, *rest.items)] == before

    tell(story)


def test_an_export_yields_everything_in_parts(tell: Teller) -> None:
    async def story(world: World) -> None:
        town = await Town(world).build()
        exported = [one.id async for part in world.store.log.export(world.where(status="failed")) for one in part]
        assert exported == town.expected(status="failed")

    tell(story)


def test_figures_come_from_rollups(tell: Teller) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        start = START // MINUTE * MINUTE + MINUTE
        world.clock.time = start
        for minute in range(3):
            world.clock.time = start + minute * MINUTE
            await world.publish(endpoint)
            await world.publish(endpoint)
            await world.send(endpoint, status=200 if minute else 500)
        await world.publish(endpoint)
        read = world.store.log.stats
        stats = await read("default", endpoint.id, start, start + 4 * MINUTE, 2 * MINUTE)
        assert (stats.delivered, stats.failed, stats.pending) == (4, 2, 1)
        assert [(point.at, point.delivered, point.failed) for point in stats.series] == [
            (start, 2, 2),
            (start + 2 * MINUTE, 2, 0),
        ]
        assert 12.5 <= stats.p50 == stats.p99 <= 12.5 * 1.25
        empty = await read("default", endpoint.id, start - 9 * MINUTE, start, MINUTE)
        assert (empty.delivered, empty.p99, len(empty.series)) == (0, None, 9)
        with pytest.raises(Invalid):
            await read("default", endpoint.id, 0, start, MINUTE)
        with pytest.raises(NotFound):
            await read("other", endpoint.id, start, start + MINUTE, MINUTE)

    tell(story)


def test_an_attempt_says_that_it_was_made_again_with_a_fresh_connection_or_a_new_token(tell: Teller) -> None:
    async def story(world: World) -> None:
        endpoint = await world.endpoint()
        for again in ({}, {"replayed": True}, {"renewed": True}):
            await world.publish(endpoint)
            (attempt_id,) = await world.send(endpoint, **again)
            detail = await world.store.log.attempt("default", attempt_id)
            said = (detail.replayed_on_fresh_connection, detail.repeated_with_new_token)
            assert said == ("replayed" in again, "renewed" in again)

    tell(story)
