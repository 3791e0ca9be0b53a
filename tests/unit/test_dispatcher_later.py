"""The dispatcher over a queue that answers later: what is told meanwhile is not lost, and nothing is asked twice."""

import asyncio
from collections.abc import Awaitable, Collection

import pytest
from tests.unit.dispatch_scene import Scene
from tests.worker.virtual import virtually

from reelhook.ports import Taken


class LateScene(Scene):
    """A queue that looks at once, and answers after a while."""

    answers_after = 0.5
    claim_takes = 0.0

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.surveys = 0
        self.fails = 0

    def next_due(self, endpoint_id: int) -> "asyncio.Future[int | None]":
        self.asked += 1
        return asyncio.ensure_future(self._later(super().next_due(endpoint_id)))

    def waiting(self, shards: Collection[int] | None = None) -> Awaitable[dict[int, int]]:
        self.surveys += 1
        return asyncio.ensure_future(self._later(super().waiting(shards)))

    async def _claim(self, *asked: int) -> Taken:
        taken = await super()._claim(*asked)
        await asyncio.sleep(self.claim_takes)
        return taken

    async def _later(self, answer):
        await asyncio.sleep(self.answers_after)
        if self.fails:
            self.fails -= 1
            raise OSError("the connection was lost")
        return answer


def test_what_waits_at_the_start_is_sent_when_the_queue_has_answered() -> None:
    async def story() -> None:
        scene = LateScene()
        made = scene.enqueue(1, 200)
        scene.dispatcher.start()
        await asyncio.sleep(60)
        assert scene.sent_to(1) == made

    virtually(story())


def test_what_is_told_while_the_queue_is_asked_is_not_lost_in_an_older_answer() -> None:
    async def story() -> None:
        scene = LateScene()
        scene.dispatcher.start()
        scene.enqueue(1, tell=True, after=30)
        await asyncio.sleep(0.2)  # asked what comes first: what is due in half a minute, says the answer on its way
        (earlier,) = scene.enqueue(1, tell=True, after=0.1)
        await asyncio.sleep(2)
        assert scene.asked == 1
        assert scene.sent_to(1) == [earlier]

    virtually(story())


def test_what_is_told_while_a_claim_is_under_way_is_not_lost_in_its_answer() -> None:
    async def story() -> None:
        scene = LateScene()
        scene.claim_takes = 0.5
        scene.dispatcher.start()
        (first,) = scene.enqueue(1, tell=True)
        await asyncio.sleep(0.7)  # claimed, and nothing is left, says the answer on its way
        (later,) = scene.enqueue(1, tell=True)
        await asyncio.sleep(2)
        assert scene.sent_to(1) == [first, later]

    virtually(story())


def test_a_claim_that_tells_what_comes_next_saves_a_question() -> None:
    async def story() -> None:
        scene = LateScene()
        scene.dispatcher.start()
        made = scene.enqueue(1, tell=True) + scene.enqueue(1, after=5) + scene.enqueue(1, after=9)
        await asyncio.sleep(20)
        assert scene.sent_to(1) == made
        assert scene.times_of(1)[1:] == pytest.approx([5, 9], abs=0.1)
        assert (scene.asked, scene.claims) == (1, 3)

    virtually(story())


def test_while_the_queue_is_asked_nothing_is_claimed() -> None:
    async def story() -> None:
        scene = LateScene()
        scene.dispatcher.start()
        scene.enqueue(1, 20, tell=True)
        await asyncio.sleep(10)
        assert len(scene.began) == 20
        assert scene.claims <= 3

    virtually(story())


def test_a_question_that_fails_is_asked_again_and_a_survey_that_fails_is_forgotten() -> None:
    async def story() -> None:
        scene = LateScene()
        scene.fails = 3
        made = scene.enqueue(1, 3)
        scene.dispatcher.start()
        for _ in range(5):
            await asyncio.sleep(2)
            scene.dispatcher.survey()
        assert scene.sent_to(1) == made

    virtually(story())


def test_surveys_that_are_asked_for_during_one_are_one_after_it() -> None:
    async def story() -> None:
        scene = LateScene()
        scene.dispatcher.start()
        made = scene.enqueue(1)
        for _ in range(5):
            scene.dispatcher.survey()
        await asyncio.sleep(5)
        assert scene.sent_to(1) == made, "which the first survey could not see"
        assert scene.surveys == 2

    virtually(story())


def test_two_questions_at_once_are_one_and_the_later_one_counts() -> None:
    async def story() -> None:
        scene = LateScene()
        scene.dispatcher.start()
        assert not scene.dispatcher.in_memory
        scene.dispatcher.changed(scene.endpoints[1])  # asks
        made = scene.enqueue(1, 2)
        scene.dispatcher.changed(scene.endpoints[1])  # asks again, while the first answer says that nothing waits
        await asyncio.sleep(5)
        assert scene.sent_to(1) == made

    virtually(story())
