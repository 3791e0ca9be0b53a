"""The dispatcher in virtual time: a store or an attempt that fails, and a fault of ours."""

import asyncio

import pytest
from tests.unit.dispatch_scene import Scene
from tests.unit.dispatch_story import limited, play

from reelhook.errors import Unavailable
from reelhook.worker import permits as permits_module


def test_a_delivery_whose_result_cannot_be_stored_goes_back_to_the_queue() -> None:
    async def story(scene: Scene) -> None:
        scene.record_fails.append(Unavailable("a fault"))
        made = scene.hand_over(1)
        await asyncio.sleep(60)
        assert scene.released == made
        assert [one.delivery_id for one in scene.recorded] == made

    play(story)


@pytest.mark.fault("R7")
@pytest.mark.interpreted
def test_while_results_cannot_be_stored_nothing_new_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permits_module, "_MOST_UNRECORDED", 5)

    async def story(scene: Scene) -> None:
        scene.unstored = asyncio.Event()
        scene.enqueue(1, 20, tell=True)
        await asyncio.sleep(60)
        assert len(scene.began) <= 5 + 2
        assert not scene.reserve(2)
        scene.unstored.set()
        await asyncio.sleep(5)
        assert len(scene.recorded) == 20

    play(story, per_endpoint=2)


def test_a_claim_that_fails_is_asked_for_again() -> None:
    async def story(scene: Scene) -> None:
        scene.claim_fails = [Unavailable("not now"), Unavailable("nor now")]
        scene.enqueue(1, tell=True)
        await asyncio.sleep(10)

    assert len(play(story).began) == 1


def test_a_queue_that_cannot_be_read_is_asked_again() -> None:
    async def story(scene: Scene) -> None:
        scene.claim_raises = [RuntimeError("the reader broke")]
        scene.enqueue(1, tell=True)
        await asyncio.sleep(0.5)
        assert not scene.began
        await asyncio.sleep(5)
        assert len(scene.began) == 1

    assert play(story).dispatcher.in_memory == 0


@pytest.mark.interpreted
def test_a_fault_of_ours_is_told_until_it_is_overcome(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(scene: Scene) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(scene.dispatcher._senders, "_send_ready", lambda: 1 / 0)
            scene.hand_over(1)
            assert "ZeroDivisionError" in (scene.dispatcher.failing() or "")
        await asyncio.sleep(2)
        assert scene.dispatcher.failing() is None
        assert len(scene.began) == 1

    play(story)


def test_an_attempt_that_meets_a_fault_of_ours_gives_its_permit_back_and_the_rest_goes_on() -> None:
    async def story(scene: Scene) -> None:
        scene.receivers[1].fault = RuntimeError("a bug")
        scene.hand_over(1, 2)
        await asyncio.sleep(0.015)
        scene.receivers[1].fault = None
        await asyncio.sleep(1)
        assert len(scene.began) == 2
        assert scene.dispatcher.in_flight == 0

    assert len(play(story, *limited(concurrency=1)).recorded) == 1
