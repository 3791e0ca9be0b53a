"""Lanes that find the dispatcher's memory full wait their turn: each gets one, and nobody looks at them in vain."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.dispatch_scene import RULE, Scene
from tests.unit.dispatch_story import play
from tests.unit.samples import an_endpoint

from reelhook.worker.circuit import Circuit
from reelhook.worker.lanes import Lane
from reelhook.worker.refusals import Refusals

MANY = 10_000


def lanes_of(app_id: str, *ids: int) -> list[Lane]:
    return [Lane(each, app_id, Circuit(RULE)) for each in ids]


def waiting(*lanes: Lane) -> Refusals:
    refusals = Refusals()
    for lane in lanes:
        refusals.add(lane)
    return refusals


def taken(refusals: Refusals, may_ask: Callable[[str], bool] = lambda _app: True) -> list[int]:
    found = []
    while (lane := refusals.take(may_ask)) is not None:
        found.append(lane.endpoint_id)
    return found


def test_the_first_that_was_refused_is_the_first_that_is_asked() -> None:
    lanes = lanes_of("default", 3, 1, 2)
    refusals = waiting(*lanes, lanes[0])
    assert len(refusals) == 3
    assert taken(refusals) == [3, 1, 2]
    assert not refusals


def test_apps_take_turns_however_many_lanes_each_has() -> None:
    refusals = waiting(*lanes_of("many", 1, 2, 3, 4), *lanes_of("few", 11, 12))
    assert taken(refusals) == [1, 11, 2, 12, 3, 4]


def test_lanes_of_an_app_without_room_keep_their_places_and_hold_up_nobody() -> None:
    refusals = waiting(*lanes_of("full", 1, 2), *lanes_of("other", 11, 12))
    assert taken(refusals, lambda app: app == "other") == [11, 12]
    assert (refusals.of("full"), refusals.of("other")) == (True, False)
    assert taken(refusals) == [1, 2]


def test_a_lane_that_is_forgotten_gets_no_turn() -> None:
    lanes = lanes_of("default", 1, 2)
    refusals = waiting(*lanes)
    refusals.forget(lanes[0])
    assert taken(refusals) == [2]
    refusals.forget(lanes[1])
    assert not refusals


@pytest.mark.parametrize("count", [10, MANY])
def test_an_app_that_is_full_is_asked_once_and_not_for_each_of_its_lanes(count: int) -> None:
    asked: list[str] = []

    def may_ask(app_id: str) -> bool:
        asked.append(app_id)
        return False

    assert waiting(*lanes_of("default", *range(count))).take(may_ask) is None
    assert asked == ["default"]


def backlog(scene: Scene, count: int, *, each: int = 1, seconds: float = 1.0) -> None:
    for endpoint_id in range(1, count + 1):
        scene.receivers[endpoint_id].seconds = seconds
        scene.enqueue(endpoint_id, each, tell=True)


def endpoints(count: int, **more: Any) -> list[Any]:
    return [an_endpoint(id=number, **more) for number in range(1, count + 1)]


@pytest.mark.interpreted
def test_looks_at_ten_thousand_lanes_are_as_many_as_there_are_deliveries_however_long_it_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Regression: each lane that was refused was looked at again twenty times a second."""
    looks: list[int] = []
    claimable = Lane.claimable

    def counted(lane: Lane, now: int) -> int:
        looks.append(lane.endpoint_id)
        return claimable(lane, now)

    monkeypatch.setattr(Lane, "claimable", counted)

    async def story(scene: Scene) -> None:
        backlog(scene, MANY)
        await asyncio.sleep(0.5)
        looks.clear()
        await asyncio.sleep(0.4)
        assert not looks, "the memory is full, so there is nothing to look for"
        await asyncio.sleep(130)
        assert len(scene.recorded) == MANY
        assert len(looks) < 4 * MANY

    play(story, *endpoints(MANY), in_memory=200, in_flight=100)


def test_every_lane_gets_its_turn_in_the_order_in_which_they_were_refused() -> None:
    async def story(scene: Scene) -> None:
        asked: list[int] = []
        claim = scene.claim

        def noted(endpoint_id: int, *more: Any) -> Any:
            asked.append(endpoint_id)
            return claim(endpoint_id, *more)

        scene.claim = noted
        backlog(scene, 300, each=3)
        await asyncio.sleep(120)
        assert len(scene.recorded) == 900
        assert asked[:300] == list(range(1, 301)), "none is asked again before all have been"

    play(story, *endpoints(300, concurrency=1), in_memory=40, in_flight=10)


def test_a_lane_that_goes_on_sending_does_not_keep_those_out_that_were_refused() -> None:
    async def story(scene: Scene) -> None:
        scene.receivers[1].seconds = scene.receivers[2].seconds = 0.2
        scene.enqueue(1, 500, tell=True)
        await asyncio.sleep(0.1)
        scene.enqueue(2, 1, tell=True)
        await asyncio.sleep(2)
        assert scene.sent_to(2)
        assert len(scene.recorded) < 500

    play(story, in_memory=40, per_endpoint=20, room=20)


def test_a_lane_whose_endpoint_is_gone_while_it_waits_claims_nothing_any_more() -> None:
    async def story(scene: Scene) -> None:
        assert all(scene.reserve(1) for _ in range(10))
        scene.enqueue(2, 1, tell=True)
        await asyncio.sleep(1)
        del scene.endpoints[2]
        scene.dispatcher.survey()
        scene.cancel([1] * 10)
        await asyncio.sleep(1)
        assert not scene.claims

    play(story, in_memory=20)


def test_what_waited_for_room_when_all_was_held_is_sent_when_it_goes_on() -> None:
    async def story(scene: Scene) -> None:
        assert all(scene.reserve(1) for _ in range(10))
        scene.enqueue(2, 1, tell=True)
        await asyncio.sleep(1)
        scene.dispatcher.suspend()
        await asyncio.sleep(1)
        scene.cancel([1] * 10)
        await asyncio.sleep(1)
        assert not scene.began
        scene.dispatcher.start()
        await asyncio.sleep(1)
        assert len(scene.sent_to(2)) == 1

    play(story, in_memory=20)
