"""What is ordered about deliveries: to send them again, to cancel them, to recover or replay many by a task."""

import random
from collections.abc import Awaitable
from typing import Any

from tests.simulation.ledger import History, Ledger, Order
from tests.simulation.process import Process
from tests.simulation.trace import Trace

from reelhook.errors import ReelhookError, Unavailable
from reelhook.model.delivery import State, Trigger
from reelhook.model.endpoint import Endpoint
from reelhook.model.task import Selection, Task, TaskKind, TaskState


class NothingToDo(ReelhookError):
    """There is nothing of the kind that somebody wanted to change."""

    slug = "nothing-to-do"


class Orders:
    """Gives orders at random, and notes what was answered."""

    def __init__(self, ledger: Ledger, trace: Trace, chance: random.Random) -> None:
        self._ledger = ledger
        self._trace = trace
        self._chance = chance

    async def resend(self, process: Process) -> None:
        app_id, delivery_id, endpoint_id = self._pick_delivery(process, tuple(State))
        order = self._order("resend", app_id, delivery_id=delivery_id)
        now = process.clock.now()
        await self._settle_order(order, process.store.queue.resend(app_id, delivery_id, Trigger.RESEND, now))
        process.woken(endpoint_id)

    async def cancel(self, process: Process) -> None:
        app_id, delivery_id, endpoint_id = self._pick_delivery(process, (State.PENDING, State.RETRYING))
        order = self._order("cancel", app_id, delivery_id=delivery_id)
        now = process.clock.now()
        await self._settle_order(order, process.store.queue.cancel(app_id, delivery_id, now))
        process.woken(endpoint_id)

    def _pick_delivery(self, process: Process, states: tuple[State, ...]) -> tuple[str, int, int]:
        """Choose from what the owner would see in the list; it may have changed when the request arrives."""
        wanted = {state.value for state in states}
        rows = process.rows("SELECT app_id, id, endpoint_id, state FROM deliveries ORDER BY id")
        found = [row[:3] for row in rows if row[3] in wanted]
        if not found:
            raise NothingToDo("no such delivery")
        return self._chance.choice(found)

    async def begin_task(self, process: Process) -> None:
        history, stored = pick_endpoint(process, self._ledger, self._chance)
        kind = self._chance.choice((TaskKind.RECOVER, TaskKind.RECOVER, TaskKind.REPLAY))
        states = (State.FAILED, State.CANCELLED) if kind is TaskKind.RECOVER else ()
        selection = Selection(history.id, None, 0, None, states, held=kind is TaskKind.RECOVER)
        count = await process.store.tasks.count(history.app_id, selection)
        wall = process.clock.wall()
        rate = self._chance.choice((None, None, 1.0, 5.0))
        number = process.ids.take(wall)
        task = Task(number, stored.app_id, kind, TaskState.QUEUED, selection, wall, wall, count, rate=rate)
        order = self._order(kind.value, stored.app_id, task_id=number, selection=selection)
        await self._settle_order(order, process.store.tasks.add(task, process.entry(stored.app_id, "task")))
        process.engine.tasks.take(task)

    async def change_task(self, process: Process) -> None:
        unfinished = await process.store.tasks.unfinished()
        if not unfinished:
            raise NothingToDo("no task is unfinished")
        task = self._chance.choice(list(unfinished))
        entry = process.entry(task.app_id, "task")
        if self._chance.random() < 0.5:
            await process.engine.tasks.cancel(task.app_id, task.id, entry)
        else:
            rate = self._chance.choice((None, 2.0))
            await process.engine.tasks.set_rate(task.app_id, task.id, rate, entry)
        self._trace.add("task.changed", task=task.id)

    def _order(self, kind: str, app_id: str, **facts: Any) -> Order:
        shown = {name: value for name, value in facts.items() if name != "selection"}
        order = Order(kind, self._trace.add(f"{kind}.asked", **shown), self._trace.life, app_id, **facts)
        self._ledger.orders.append(order)
        return order

    async def _settle_order(self, order: Order, done: Awaitable[Any]) -> None:
        subject = order.delivery_id or order.task_id
        try:
            await done
        except ReelhookError as error:
            order.error = None if isinstance(error, Unavailable) else error.slug
            self._trace.add(f"{order.kind}.refused", subject=subject, error=error.slug)
            raise
        order.settled = self._trace.add(f"{order.kind}.settled", subject=subject)


def pick_endpoint(process: Process, ledger: Ledger, chance: random.Random) -> tuple[History, Endpoint]:
    """Choose one of the endpoints that are there, with what is stored of it now."""
    found = [
        (history, stored)
        for history in ledger.present()
        if (stored := process.store.endpoints.get(history.app_id, history.id)) is not None
    ]
    if not found:
        raise NothingToDo("no endpoint is there")
    return chance.choice(found)
