"""The dispatcher in virtual time: who waits while too much is ready, and who does not."""

import asyncio

import pytest
from tests.unit.dispatch_scene import Scene
from tests.unit.dispatch_story import play
from tests.unit.samples import an_endpoint


def test_accepting_waits_while_quick_endpoints_have_too_much_ready() -> None:
    async def story(scene: Scene) -> None:
        await scene.prove(1)
        scene.hand_over(1, 30)
        assert scene.dispatcher.congested()
        await asyncio.sleep(1)
        assert not scene.dispatcher.congested()

    play(story, per_endpoint=4, congestion=20)


def test_only_the_publishers_of_the_app_that_is_overloaded_wait() -> None:
    async def story(scene: Scene) -> None:
        await scene.prove(1)
        await scene.prove(2)
        scene.hand_over(1, 30)
        scene.hand_over(2, 2)
        assert set(scene.dispatcher.congested()) == {"default"}
        await asyncio.sleep(1)
        assert not scene.dispatcher.congested()

    play(story, an_endpoint(id=1), an_endpoint(id=2, app_id="other"), per_endpoint=4, congestion=20)


def test_nobody_waits_for_an_endpoint_whose_backlog_has_been_in_the_queue_for_long() -> None:
    async def story(scene: Scene) -> None:
        await scene.prove(1)
        scene.receivers[1].seconds = 0.09
        scene.enqueue(1, 2000, tell=True)
        await asyncio.sleep(1)
        assert scene.dispatcher.congested()
        await asyncio.sleep(12)
        assert scene.dispatcher.in_memory > 20
        assert not scene.dispatcher.congested()

    play(story, per_endpoint=4, congestion=20)


@pytest.mark.fault("R19")
def test_accepting_does_not_wait_for_an_endpoint_that_hangs() -> None:
    async def story(scene: Scene) -> None:
        await scene.prove(1)
        scene.receivers[1].seconds = None
        scene.hand_over(1, 30)
        await asyncio.sleep(1)
        assert scene.dispatcher.in_memory > 20
        assert not scene.dispatcher.congested()

    play(story, per_endpoint=4, congestion=20)


@pytest.mark.fault("R19")
def test_many_slow_endpoints_leave_permits_and_memory_to_the_quick_ones() -> None:
    slow = range(10, 30)

    async def story(scene: Scene) -> None:
        await scene.prove(1)
        for endpoint_id in slow:
            scene.receivers[endpoint_id].seconds = 14
            scene.enqueue(endpoint_id, 200, tell=True)
            scene.hand_over(endpoint_id, 50)
        await asyncio.sleep(1)
        for _ in range(20):
            scene.hand_over(1)
            await asyncio.sleep(0.1)
        assert len(scene.sent_to(1)) == 20
        await asyncio.sleep(14 * 200)
        assert all(len(scene.sent_to(endpoint_id)) == 250 for endpoint_id in slow)

    play(
        story,
        an_endpoint(id=1),
        *(an_endpoint(id=number) for number in slow),
        in_flight=40,
        per_app=40,
        per_endpoint=8,
        in_memory=400,  # of which an app has a half
    )
