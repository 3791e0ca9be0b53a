"""The dispatcher in virtual time: what is sent when, and how it ends."""

import asyncio

import pytest
from tests.unit.dispatch_scene import DOWN, OK, Scene
from tests.unit.dispatch_story import play
from tests.worker.virtual import virtually


def test_what_waits_at_the_start_is_sent() -> None:
    async def story() -> Scene:
        scene = Scene()
        made = scene.enqueue(1, 3)
        scene.dispatcher.start()
        await asyncio.sleep(1)
        assert scene.sent_to(1) == made
        return scene

    scene = virtually(story())
    assert {one.delivery_id for one in scene.recorded} == set(scene.sent_to(1))


def test_what_nobody_told_of_is_found_by_the_survey() -> None:
    async def story(scene: Scene) -> None:
        made = scene.enqueue(2, 2)
        await asyncio.sleep(5)
        assert scene.sent_to(2) == []
        scene.dispatcher.survey()
        await asyncio.sleep(1)
        assert scene.sent_to(2) == made

    play(story)


def test_what_is_handed_over_is_sent_at_once_without_the_queue() -> None:
    async def story(scene: Scene) -> None:
        made = scene.hand_over(1, 3)
        await asyncio.sleep(0.001)
        assert scene.sent_to(1) == made

    assert play(story).claims == 0


@pytest.mark.fault("R14")
def test_nothing_is_sent_before_it_is_due() -> None:
    async def story(scene: Scene) -> None:
        scene.enqueue(1, after=3600, tell=True)
        await asyncio.sleep(7200)

    (at,) = play(story).times_of(1)
    assert 3600 <= at < 3601


def test_a_delivery_that_is_retried_waits_for_its_time_and_then_goes() -> None:
    async def story(scene: Scene) -> None:
        scene.receivers[1].verdict, scene.receivers[1].retries_after = DOWN, 300
        scene.hand_over(1)
        await asyncio.sleep(1)
        scene.receivers[1].verdict = OK
        await asyncio.sleep(600)

    first, second = play(story).times_of(1)
    assert 300 <= second - first < 301


def test_a_long_backlog_is_worked_off_in_order() -> None:
    async def story(scene: Scene) -> None:
        made = scene.enqueue(1, 5000, tell=True)
        await asyncio.sleep(60)
        assert scene.sent_to(1) == made

    assert play(story, room=100).dispatcher.in_memory == 0


def test_a_retry_far_away_does_not_pile_up_wake_ups_while_others_pass_it_by() -> None:
    async def story(scene: Scene) -> None:
        scene.enqueue(1, after=36_000, tell=True)
        for _ in range(500):
            scene.enqueue(1, tell=True)
            await asyncio.sleep(0.1)
        assert len(scene.began) == 500
        assert len(scene.dispatcher._agenda) < 100
        await asyncio.sleep(36_000)

    assert len(play(story).began) == 501


# The end


@pytest.mark.fault("R27")
def test_a_drain_lets_what_has_begun_end_and_gives_the_rest_back() -> None:
    async def story(scene: Scene) -> None:
        await scene.prove(1)
        scene.receivers[1].seconds = 2
        made = scene.hand_over(1, 5)
        await asyncio.sleep(0.1)
        await scene.dispatcher.drain(10)
        await asyncio.sleep(0.1)
        assert [one.delivery_id for one in scene.recorded] == made[:2]
        assert scene.released == made[2:]
        assert not scene.reserve(2)
        assert scene.dispatcher.failing() == "the dispatcher is not running"
        await asyncio.sleep(60)

    scene = play(story, per_endpoint=2)
    assert (len(scene.began), scene.dispatcher.in_memory) == (2, 0)


@pytest.mark.fault("R27")
def test_a_drain_ends_in_time_and_leaves_what_hangs_to_the_next_start() -> None:
    async def story(scene: Scene) -> None:
        scene.receivers[1].seconds = None
        scene.hand_over(1)
        await asyncio.sleep(0.1)
        began = asyncio.get_running_loop().time()
        await scene.dispatcher.drain(5)
        assert asyncio.get_running_loop().time() - began == pytest.approx(5)

    assert not play(story).recorded


def test_what_is_claimed_or_committed_during_a_drain_goes_back() -> None:
    async def story(scene: Scene) -> None:
        made = scene.enqueue(1, 3, tell=True)
        assert scene.reserve(2)
        await asyncio.sleep(0.0005)
        await scene.dispatcher.drain(1)
        scene.dispatcher.take([scene._claimed(2, 77, 77, from_queue=False)])
        await asyncio.sleep(1)
        assert sorted(scene.released) == sorted([*made, 77])

    scene = play(story)
    assert not scene.began
    assert scene.dispatcher.in_memory == 0
