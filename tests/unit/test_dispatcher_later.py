"""The dispatcher over a queue that answers later: what is told meanwhile is not lost, and nothing is asked twice."""

import asyncio
from collections.abc import Awaitable

from tests.unit.dispatch_scene import Scene
from tests.worker.virtual import virtually


class LateScene(Scene):
    """A queue that looks at once, and answers after a while."""

    answers_after = 0.5

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.fails = 0

    def next_due(self, endpoint_id: int) -> "asyncio.Future[int | None]":
        self.asked += 1
        return asyncio.ensure_future(self._later(super().next_due(endpoint_id)))

    def waiting(self) -> Awaitable[dict[int, int]]:
        return asyncio.ensure_future(self._later(super().waiting()))

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
        scene.enqueue(1, tell=True)
        await asyncio.sleep(1.2)  # claimed, and asked what comes next: nothing, says the answer that is on its way
        asked = scene.asked
        (later,) = scene.enqueue(1, tell=True, after=0.1)
        await asyncio.sleep(2)
        assert scene.asked > asked
        assert scene.sent_to(1)[-1] == later

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
