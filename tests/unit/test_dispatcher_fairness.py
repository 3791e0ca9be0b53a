"""The dispatcher in virtual time: one endpoint never delays another, and no limit is passed."""

import asyncio

import pytest
from tests.unit.dispatch_scene import Scene
from tests.unit.dispatch_story import limited, play
from tests.unit.samples import an_endpoint

from reelhook.model.endpoint import Ordering, RateLimit


@pytest.mark.fault("R19")
def test_an_endpoint_that_hangs_with_a_backlog_does_not_delay_the_others() -> None:
    async def story(scene: Scene) -> None:
        scene.receivers[1].seconds = None
        scene.enqueue(1, 2000, tell=True)
        scene.hand_over(1, 2000)
        await asyncio.sleep(1)
        for _ in range(100):
            began = len(scene.began)
            (made,) = scene.hand_over(2)
            await asyncio.sleep(0)
            assert scene.began[began][2] == made
            await asyncio.sleep(0.1)

    assert len(play(story, per_endpoint=64, in_flight=100).sent_to(1)) == 64


def test_endpoints_with_backlogs_take_turns() -> None:
    async def story(scene: Scene) -> None:
        for endpoint_id in (1, 2, 3):
            scene.enqueue(endpoint_id, 50, tell=True)
        await asyncio.sleep(5)

    scene = play(story, *(an_endpoint(id=number) for number in (1, 2, 3)), in_flight=3)
    order = [endpoint_id for _, endpoint_id, _ in scene.began]
    assert len(order) == 150
    assert all(abs(order[:seen].count(1) - order[:seen].count(3)) <= 4 for seen in range(150))


def test_no_endpoint_app_or_dispatcher_ever_has_more_in_flight_than_its_limit() -> None:
    async def story(scene: Scene) -> None:
        for endpoint_id in range(1, 7):
            scene.enqueue(endpoint_id, 30, tell=True)
        for _ in range(200):
            await asyncio.sleep(0.005)
            greedy = sum(scene.in_flight[endpoint_id] for endpoint_id in range(1, 5))
            assert greedy <= 8
            assert sum(scene.in_flight.values()) == scene.dispatcher.in_flight <= 10
        await asyncio.sleep(10)

    endpoints = [an_endpoint(id=number, app_id="greedy") for number in range(1, 5)]
    endpoints += [an_endpoint(id=number, app_id="modest", concurrency=1) for number in (5, 6)]
    scene = play(story, *endpoints, per_endpoint=3, per_app=8, in_flight=10)
    assert len(scene.recorded) == 180
    assert [scene.most_in_flight[number] for number in range(1, 7)] == [3, 3, 3, 3, 1, 1]


@pytest.mark.parametrize("way", ["enqueue", "hand_over"])
def test_a_rate_limit_is_kept_exactly_and_used_fully(way: str) -> None:
    async def story(scene: Scene) -> None:
        scene.enqueue(1, 9, tell=True) if way == "enqueue" else scene.hand_over(1, 9)
        await asyncio.sleep(10)

    times = play(story, *limited(rate_limit=RateLimit(3, 1.0))).times_of(1)
    assert len(times) == 9
    assert all(later - earlier >= 1.0 for earlier, later in zip(times, times[3:], strict=False))
    assert times[-1] < 2.1


def test_a_change_of_something_else_does_not_start_the_rate_limit_anew() -> None:
    async def story(scene: Scene) -> None:
        scene.hand_over(1, 6)
        await asyncio.sleep(0.1)
        scene.dispatcher.changed(an_endpoint(id=1, version=2, name="renamed", rate_limit=RateLimit(3, 1.0)))
        await asyncio.sleep(0.1)
        assert len(scene.sent_to(1)) == 3
        await asyncio.sleep(5)
        assert len(scene.sent_to(1)) == 6

    play(story, *limited(rate_limit=RateLimit(3, 1.0)))


def test_an_endpoint_that_is_ordered_as_a_whole_gets_one_at_a_time() -> None:
    async def story(scene: Scene) -> None:
        assert not scene.reserve(1)
        scene.enqueue(1, 5, tell=True)
        await asyncio.sleep(1)

    scene = play(story, *limited(ordering=Ordering.ENDPOINT))
    assert (len(scene.sent_to(1)), scene.most_in_flight[1]) == (5, 1)
