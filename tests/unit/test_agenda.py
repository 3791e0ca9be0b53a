"""The agenda: what a closed lane left in it disturbs nobody."""

import asyncio

from tests.unit.dispatch_scene import RULE
from tests.worker.virtual import LoopClock, virtually

from reelhook.worker.agenda import Agenda
from reelhook.worker.circuit import Circuit
from reelhook.worker.lanes import Lane


def test_a_lane_is_looked_at_in_time_though_one_of_the_same_endpoint_was_closed_before_that_moment() -> None:
    async def story() -> None:
        clock = LoopClock()
        looked_at: list[Lane] = []
        agenda = Agenda(clock, lambda: looked_at.extend(agenda.due(clock.now())))
        agenda.start()
        closed, opened_again = (Lane(1, "default", Circuit(RULE)) for _ in range(2))
        at = clock.now() + 1000
        agenda.put(closed, at)
        agenda.forget(closed)
        agenda.put(opened_again, at)
        await asyncio.sleep(2)
        assert looked_at == [opened_again]

    virtually(story())
