"""Operational events and mails: what is told, to whom, and how often at most."""

import asyncio

import jsonschema_rs
import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs
from tests.worker.scene import DISABLED, ENDPOINT, Scene
from tests.worker.virtual import running, virtually

from reelhook.errors import Invalid, StorageFull, Unavailable
from reelhook.model.catalogue import operational
from reelhook.model.delivery import State
from reelhook.model.endpoint import DisabledReason, EndpointState
from reelhook.worker.notifier import MOST_WAITING

HOUR = 3600


def play(scene: Scene, scenario) -> list[dict]:
    with capture_logs() as logs:
        virtually(running(scene.notifier, scenario))
    return logs


def once(scene: Scene, *facts) -> list[dict]:
    """Tell the facts, each a call, and let it settle."""

    async def scenario() -> None:
        for fact in facts:
            fact()
        await asyncio.sleep(1)

    return play(scene, scenario())


@pytest.mark.fault("R16")
def test_a_disabled_endpoint_is_told_to_its_app_to_the_operator_and_to_its_owners():
    scene = Scene()
    once(scene, lambda: scene.notifier.changed(ENDPOINT, DISABLED, "asset.created"))
    assert [(app, kind) for app, kind, _ in scene.published] == [
        ("studio", "endpoint.disabled"),
        ("default", "endpoint.disabled"),
    ]
    told = scene.published[0][2]["endpoint"]
    assert (told["id"], told["state"], told["disabled_reason"]) == ("ep_0000000000000005", "disabled", "gone")
    assert sorted(mail.to for mail in scene.outbox.mails) == ["app@example.org", "endpoint@example.org"]
    assert "410 Gone" in scene.outbox.mails[0].text


@pytest.mark.fault("S28")
def test_neither_events_nor_mails_show_more_of_a_url_than_its_host():
    scene = Scene()
    once(
        scene,
        lambda: scene.notifier.changed(ENDPOINT, DISABLED),
        lambda: scene.fails(6, state=State.FAILED),
        scene.succeeds,
    )
    said = repr(scene.published) + repr(scene.outbox.mails)
    assert "hooks.example.org" in said
    assert "canary" not in said
    assert "secret-path" not in said


def test_every_event_fits_its_schema_in_the_catalogue():
    scene = Scene(None)
    once(
        scene,
        lambda: scene.notifier.changed(None, ENDPOINT),
        lambda: scene.notifier.changed(ENDPOINT, replace(ENDPOINT, name="")),
        lambda: scene.fails(6, state=State.FAILED),
        scene.succeeds,
        lambda: scene.notifier.changed(ENDPOINT, DISABLED),
        lambda: scene.notifier.changed(DISABLED, ENDPOINT),
        lambda: scene.notifier.changed(ENDPOINT, None),
    )
    schemas = {each.name: each.schema for each in operational.TYPES}
    assert set(scene.types()) == set(schemas)
    for _, event_type, data in scene.published:
        jsonschema_rs.validate(schemas[event_type], data)


@pytest.mark.parametrize(
    ("before", "after", "event_type"),
    [
        (None, ENDPOINT, "endpoint.created"),
        (ENDPOINT, None, "endpoint.deleted"),
        (ENDPOINT, replace(ENDPOINT, name="Other"), "endpoint.updated"),
        (DISABLED, ENDPOINT, "endpoint.enabled"),
        (replace(ENDPOINT, state=EndpointState.PAUSED), ENDPOINT, "endpoint.enabled"),
        (ENDPOINT, replace(ENDPOINT, state=EndpointState.PAUSED), "endpoint.updated"),
        (ENDPOINT, replace(DISABLED, disabled_reason=DisabledReason.MANUAL), "endpoint.disabled"),
    ],
)
def test_what_people_do_to_an_endpoint_is_an_event_and_no_mail(before, after, event_type):
    scene = Scene()
    once(scene, lambda: scene.notifier.changed(before, after))
    assert scene.types() == [event_type]
    assert scene.outbox.mails == []


def test_the_operators_own_app_gets_everything_once():
    scene = Scene("studio")
    once(scene, lambda: scene.notifier.changed(None, ENDPOINT))
    assert [app for app, _, _ in scene.published] == ["studio"]


def test_an_endpoint_is_failing_after_five_attempts_in_a_row_and_that_is_said_once():
    scene = Scene()

    async def scenario() -> None:
        scene.fails(3)
        scene.succeeds()
        scene.fails(4)
        await asyncio.sleep(1)
        assert scene.types() == []
        scene.fails(50)
        await asyncio.sleep(1)

    play(scene, scenario())
    assert scene.types() == ["endpoint.failing"]
    told = scene.published[0][2]
    assert (told["failures"], told["last_attempt"]["status_code"]) == (5, 503)
    assert len(scene.outbox.subjects()) == 1


def test_an_endpoint_is_failing_after_an_hour_however_few_its_attempts_are():
    scene = Scene()

    async def scenario() -> None:
        scene.fails(1)
        await asyncio.sleep(HOUR - 1)
        scene.fails(1)
        assert scene.types() == []
        await asyncio.sleep(1)
        scene.fails(1)
        await asyncio.sleep(1)

    play(scene, scenario())
    assert scene.types() == ["endpoint.failing"]


def test_recovery_is_told_after_failing_was_told_and_only_then():
    scene = Scene()
    once(scene, lambda: scene.fails(1), scene.succeeds, lambda: scene.fails(5), scene.succeeds, scene.succeeds)
    assert scene.types() == ["endpoint.failing", "endpoint.recovered"]


def test_an_endpoint_that_comes_and_goes_is_told_of_once_an_hour():
    scene = Scene()

    async def scenario() -> None:
        for _ in range(300):
            scene.fails(5)
            scene.succeeds()
            await asyncio.sleep(60)

    play(scene, scenario())
    assert scene.types().count("endpoint.failing") == 5
    assert scene.types().count("endpoint.recovered") == 5


def test_enabling_an_endpoint_begins_its_count_anew():
    scene = Scene()
    once(scene, lambda: scene.fails(4), lambda: scene.notifier.changed(DISABLED, ENDPOINT), lambda: scene.fails(4))
    assert scene.types() == ["endpoint.enabled"]


def test_each_exhausted_delivery_is_an_event_but_the_mails_are_one_now_and_one_with_the_count_after_an_hour():
    scene = Scene()

    async def scenario() -> None:
        scene.fails(4, state=State.FAILED)
        await asyncio.sleep(HOUR / 2)
        assert scene.outbox.subjects() == ["[Reelhook] A delivery was given up: endpoint Archive"]
        await asyncio.sleep(HOUR)
        assert scene.outbox.subjects()[1:] == ["[Reelhook] 3 deliveries were given up: endpoint Archive"]
        await asyncio.sleep(3 * HOUR)
        scene.fails(1, state=State.FAILED)
        await asyncio.sleep(60)

    play(scene, scenario())
    assert scene.types().count("delivery.exhausted") == 5
    [*_, (_, _, data)] = [each for each in scene.published if each[1] == "delivery.exhausted"]
    assert data["delivery"]["id"] == "dlv_0000000000000009"
    assert data["delivery"]["event_type"] == "asset.created"


def test_operational_events_cause_no_operational_events():
    scene = Scene()
    once(
        scene,
        lambda: scene.fails(20, state=State.FAILED, event_type="endpoint.failing"),
        lambda: scene.notifier.changed(ENDPOINT, DISABLED, "delivery.exhausted"),
    )
    assert scene.published == []
    assert scene.outbox.subjects() == ["[Reelhook] Endpoint Archive was disabled"]


def test_the_success_of_an_operational_event_says_nothing_about_the_others():
    scene = Scene()
    once(scene, lambda: scene.fails(5), lambda: scene.succeeds(event_type="endpoint.failing"))
    assert scene.types() == ["endpoint.failing"]


def test_while_the_store_is_busy_events_wait():
    scene = Scene(None)
    scene.failures = [Unavailable("busy"), StorageFull("full"), Unavailable("busy")]

    async def scenario() -> None:
        scene.notifier.changed(None, ENDPOINT)
        scene.notifier.changed(ENDPOINT, DISABLED)
        await asyncio.sleep(10)

    play(scene, scenario())
    assert sorted(scene.types()) == ["endpoint.created", "endpoint.disabled"]


def test_an_event_that_nobody_takes_is_given_up_loudly_and_does_not_hold_up_the_others():
    scene = Scene(None)
    scene.failures = [Invalid("not like this"), ValueError("ours")]

    async def scenario() -> None:
        scene.notifier.changed(None, ENDPOINT)
        await asyncio.sleep(0)
        scene.notifier.changed(None, ENDPOINT)
        scene.notifier.changed(ENDPOINT, DISABLED)
        await asyncio.sleep(0.1)

    logs = play(scene, scenario())
    assert scene.types() == ["endpoint.disabled"]
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["notice.given_up"] * 2
    assert scene.metrics.notices_dropped == 2


def test_a_store_that_never_takes_it_ends_in_the_log():
    scene = Scene(None)
    scene.failures = [Unavailable("broken")] * 8
    logs = play(scene, _after(scene, lambda: scene.notifier.changed(None, ENDPOINT), 600))
    assert scene.published == []
    assert "notice.given_up" in [line["event"] for line in logs]


async def _after(scene: Scene, fact, seconds: float) -> None:
    fact()
    await asyncio.sleep(seconds)


def test_a_storm_of_exhausted_deliveries_is_bounded_and_leaves_room_for_news_of_endpoints():
    scene = Scene(None, mails=False)

    async def scenario() -> None:
        scene.fails(MOST_WAITING + 10, state=State.FAILED)
        scene.notifier.changed(ENDPOINT, DISABLED)
        await asyncio.sleep(60)

    logs = play(scene, scenario())
    assert scene.types().count("delivery.exhausted") == MOST_WAITING - 1
    assert scene.types()[-1] == "endpoint.disabled"
    assert scene.metrics.notices_dropped == 11
    assert sum(line["event"] == "notice.given_up" for line in logs) == 11


@pytest.mark.fault("R27")
def test_what_waits_at_the_stop_is_published_and_mailed():
    scene = Scene()

    async def scenario() -> None:
        await asyncio.sleep(1)
        scene.fails(200, state=State.FAILED)

    play(scene, scenario())
    assert scene.types().count("delivery.exhausted") == 200
    assert any("199 deliveries were given up" in mail.subject + mail.text for mail in scene.outbox.mails)


def test_a_streak_known_from_before_a_restart_goes_on():
    scene = Scene()

    async def scenario() -> None:
        scene.notifier.streaks.remember(5, scene.clock.now() - 7_200_000, scene.clock.now() - 3_600_000)
        scene.fails(10)
        scene.succeeds()
        await asyncio.sleep(1)

    play(scene, scenario())
    assert scene.types() == ["endpoint.recovered"]


def test_it_is_noted_once_when_an_owner_was_told_so_that_a_restart_does_not_tell_it_again():
    scene = Scene()

    async def scenario() -> None:
        scene.note_failures.append(Unavailable("busy"))
        scene.fails(20)
        await asyncio.sleep(60)

    play(scene, scenario())
    [noted] = scene.noted
    assert list(noted) == [5]
    assert scene.types().count("endpoint.failing") == 1


def test_a_notifier_that_stops_notes_first_whom_it_has_told():
    scene = Scene()

    async def scenario() -> None:
        await asyncio.sleep(1)
        scene.fails(20)

    play(scene, scenario())
    assert [list(noted) for noted in scene.noted] == [[5]]
