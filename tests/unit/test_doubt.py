"""Doubt: what was handed over in a commit of which nobody knows whether it happened goes back to the queue."""

import asyncio

import pytest
from tests.unit.dispatch_scene import Scene
from tests.unit.dispatch_story import play


@pytest.mark.fault("R8")
def test_what_may_be_committed_is_released_and_its_places_are_free_again() -> None:
    async def story(scene: Scene) -> None:
        for endpoint_id in (1, 1, 2):
            assert scene.reserve(endpoint_id)
        doubtful = [scene._claimed(1, 70, 70), scene._claimed(1, 71, 71), scene._claimed(2, 72, 72)]
        scene.dispatcher.doubt(doubtful)
        assert scene.dispatcher.in_hand() == {70, 71, 72}, "the sweeper leaves them alone until they are released"
        await asyncio.sleep(1)
        assert sorted(scene.released) == [70, 71, 72]

    scene = play(story)
    assert (scene.dispatcher.in_memory, scene.dispatcher.bytes_in_memory) == (0, 0)
    assert sorted(delivery_id for _, _, delivery_id in scene.began) == [70, 71, 72], "claimed like all that waits"
