"""The dispatcher in virtual time: its memory is bounded, by number and by bytes."""

import asyncio

import pytest
from tests.unit.dispatch_scene import Scene
from tests.unit.dispatch_story import play
from tests.unit.samples import an_endpoint

from reelhook.errors import Unavailable
from reelhook.worker import memory as memory_module


def test_large_events_fill_the_memory_by_their_bytes_and_not_by_their_number() -> None:
    async def story(scene: Scene) -> None:
        scene.event_size = 1000
        scene.receivers[1].seconds = 5
        assert [scene.reserve(1) for _ in range(11)] == [True] * 10 + [False]
        scene.cancel([1] * 10)
        assert scene.dispatcher.bytes_in_memory == 0
        scene.hand_over(1, 30)
        await asyncio.sleep(1)
        assert len(scene.began) == 10, "what is under way is still in memory"
        assert scene.dispatcher.bytes_in_memory == 10_000
        await asyncio.sleep(20)
        assert len(scene.recorded) == 30

    assert play(story, in_memory_bytes=20_000).dispatcher.bytes_in_memory == 0


@pytest.mark.interpreted
def test_a_claim_brings_in_no_more_bytes_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_module, "_SMALLEST_CLAIM", 3000)

    async def story(scene: Scene) -> None:
        scene.event_size = 1000
        scene.receivers[1].seconds = 5
        scene.enqueue(1, 40, tell=True)
        for _ in range(100):
            await asyncio.sleep(0.1)
            assert scene.dispatcher.bytes_in_memory <= 10_000 + 3000
        await asyncio.sleep(60)
        assert len(scene.recorded) == 40

    assert play(story, in_memory_bytes=20_000).dispatcher.bytes_in_memory == 0


def test_one_apps_backlog_leaves_half_of_the_memory_to_the_others() -> None:
    async def story(scene: Scene) -> None:
        scene.receivers[1].seconds = None
        scene.enqueue(1, 50, tell=True)
        scene.hand_over(1, 50)
        await asyncio.sleep(1)
        assert scene.dispatcher.in_memory == 10
        scene.hand_over(2, 5)
        scene.enqueue(2, 5, tell=True)
        await asyncio.sleep(1)
        assert len(scene.sent_to(2)) == 10

    play(story, an_endpoint(id=1), an_endpoint(id=2, app_id="other"), in_memory=20, per_endpoint=10)


def test_a_result_that_cannot_be_stored_keeps_its_bytes_until_it_is_back_in_the_queue() -> None:
    async def story(scene: Scene) -> None:
        scene.record_fails.append(Unavailable("a fault"))
        scene.hand_over(1)
        await asyncio.sleep(1)
        assert scene.dispatcher.bytes_in_memory == scene.event_size
        await asyncio.sleep(60)
        assert len(scene.recorded) == 1

    assert play(story).dispatcher.bytes_in_memory == 0


def test_places_are_counted_and_given_back() -> None:
    async def story(scene: Scene) -> None:
        assert [scene.reserve(1) for _ in range(4)] == [True, True, True, False]
        assert scene.dispatcher.in_memory == 3
        scene.cancel([1, 1, 1])
        assert scene.dispatcher.in_memory == 0
        assert scene.reserve(1)

    play(story, room=3)


def test_when_the_memory_is_full_nothing_more_is_handed_over_but_the_queue_waits_its_turn() -> None:
    async def story(scene: Scene) -> None:
        scene.receivers[1].seconds = 5
        assert [scene.reserve(1) for _ in range(11)] == [True] * 10 + [False]
        assert not scene.reserve(2)
        scene.enqueue(2, 1, tell=True)
        await asyncio.sleep(60)
        assert not scene.began
        scene.cancel([1] * 10)
        await asyncio.sleep(1)
        assert len(scene.sent_to(2)) == 1

    play(story, in_memory=20)  # of which an app has a half


def test_what_waits_is_claimed_when_the_places_that_filled_the_lane_are_given_back() -> None:
    async def story(scene: Scene) -> None:
        assert all(scene.reserve(1) for _ in range(10))
        scene.enqueue(1, 1, tell=True)
        await asyncio.sleep(60)
        assert not scene.began
        scene.cancel([1] * 10)
        await asyncio.sleep(1)
        assert len(scene.began) == 1

    play(story, room=10)
