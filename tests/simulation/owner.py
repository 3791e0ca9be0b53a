"""The owners of the endpoints, and the operator: they pause, edit, delete, resend, cancel, recover and replay."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from msgspec.structs import replace
from tests.simulation import plan
from tests.simulation.ledger import History, Ledger, Order, Version
from tests.simulation.process import Process
from tests.simulation.trace import Trace

from reelhook.errors import Conflict, ReelhookError, StorageFull, Unavailable
from reelhook.model.access import App
from reelhook.model.delivery import State, Trigger
from reelhook.model.endpoint import DisabledReason, Endpoint, EndpointState, Ordering, RetiredSecret
from reelhook.model.task import Selection, Task, TaskKind, TaskState


class Owner:
    """All owners of one world; what they know outlives the process."""

    def __init__(self, drawn: plan.Plan, ledger: Ledger, trace: Trace) -> None:
        self._plan = drawn
        self._ledger = ledger
        self._trace = trace
        self._chance = plan.dice(drawn.seed, "owner")
        self._wanted = list(drawn.endpoints)
        self._due = sorted(self._chance.randint(0, drawn.span) for _ in range(drawn.interventions))

    @property
    def finished(self) -> bool:
        return not self._due and not self._wanted

    async def run(self, process: Process, began: int) -> None:
        """Go on where the last life of the process ended."""
        self.catch_up(process)
        while self._wanted:
            wanted = self._wanted[0]
            try:
                await self._create_app(process, wanted.app_id)
                await self._create(process, wanted)
            except (StorageFull, Unavailable):
                await asyncio.sleep(1)
        acting = []
        while self._due:
            await asyncio.sleep(max(0, began + self._due[0] - process.clock.true()) / 1000)
            self._due.pop(0)
            # Now and then two act at once.
            acting.extend(
                asyncio.create_task(process.request(self._intervene, process))
                for _ in range(self._chance.choice((1, 1, 2)))
            )
        await asyncio.gather(*acting)

    def catch_up(self, process: Process) -> None:
        """Read anew what became of changes that were never answered, as an owner would after a lost connection."""
        for history in self._ledger.endpoints.values():
            stored = process.store.endpoints.get(history.app_id, history.id)
            now = self._trace.add("endpoint.read", endpoint=history.id, version=stored.version if stored else None)
            if history.removal_asked is not None and history.removal_settled is None:
                history.removal_settled = now if stored is None else None
                history.removal_asked = history.removal_asked if stored is None else None
            for version in history.versions:
                if version.settled is None and not version.void:
                    taken = process.store.endpoints.version(history.id, version.endpoint.version) == version.endpoint
                    version.settled, version.void = (now, False) if taken else (None, True)
        for endpoint in list(self._wanted):
            if any(history.versions[0].endpoint.name == endpoint.name for history in self._there()):
                self._wanted.remove(endpoint)

    async def resume_all(self, process: Process) -> None:
        """Make everything active that is not; the last thing that owners do."""
        for history in list(self._there()):
            while (stored := process.store.endpoints.get(history.app_id, history.id)) is not None:
                if stored.state is EndpointState.ACTIVE:
                    break
                try:
                    await self._change(process, history, stored, state=EndpointState.ACTIVE, disabled_reason=None)
                except (Conflict, StorageFull, Unavailable):
                    await asyncio.sleep(1)

    def _there(self) -> list[History]:
        return [
            history
            for history in self._ledger.endpoints.values()
            if history.removal_asked is None and not history.versions[0].void
        ]

    async def _intervene(self, process: Process) -> None:
        name, act = self._chance.choices(*zip(*self._acts(), strict=True))[0]  # type: ignore[misc]
        try:
            await act(process)
        except ReelhookError as error:
            self._trace.add("owner.refused", act=name, error=error.slug)

    def _acts(self) -> list[tuple[tuple[str, Callable[[Process], Awaitable[None]]], float]]:
        acts: list[tuple[Callable[[Process], Awaitable[None]], float]] = [
            (self._switch, 6),
            (self._edit, 4),
            (self._remove, 0.5),
            (self._add, 1),
            (self._resend, 8),
            (self._cancel, 3),
            (self._begin_task, 4),
            (self._change_task, 1.5),
        ]
        return [((act.__name__, act), weight) for act, weight in acts]

    # Endpoints

    async def _create_app(self, process: Process, app_id: str) -> None:
        if process.store.apps.get(app_id) is None:
            wall = process.clock.wall()
            app = App(app_id, app_id, wall, wall)
            await process.store.apps.add(app, process.entry(app_id, "app.create"))
            process.engine.changes.app(app)

    async def _create(self, process: Process, wanted: Endpoint) -> None:
        wall = process.clock.wall()
        endpoint = replace(wanted, id=process.ids.take(wall), created_at=wall, updated_at=wall)
        asked = self._trace.add("endpoint.create", endpoint=endpoint.id, name=endpoint.name, app=endpoint.app_id)
        version = Version(endpoint, asked)
        self._ledger.endpoints[endpoint.id] = History([version])
        await self._settle(version, process.add_endpoint(endpoint))
        if wanted in self._wanted:
            self._wanted.remove(wanted)

    async def _change(self, process: Process, history: History, stored: Endpoint, **fields: Any) -> None:
        wall = process.clock.wall()
        changed = replace(stored, version=stored.version + 1, updated_at=wall, **fields)
        asked = self._trace.add("endpoint.change", endpoint=changed.id, version=changed.version, **_shown(fields))
        version = Version(changed, asked)
        history.versions.append(version)
        await self._settle(version, process.change_endpoint(changed))

    async def _settle(self, version: Version, change: Awaitable[None]) -> None:
        try:
            await change
        except ReelhookError as error:
            version.void = True
            self._trace.add("endpoint.refused", endpoint=version.endpoint.id, error=error.slug)
            raise
        version.settled = self._trace.add(
            "endpoint.settled", endpoint=version.endpoint.id, version=version.endpoint.version
        )

    async def _switch(self, process: Process) -> None:
        """Pause, disable, or make active again."""
        history, stored = self._pick_endpoint(process)
        if stored.state is not EndpointState.ACTIVE:
            await self._change(process, history, stored, state=EndpointState.ACTIVE, disabled_reason=None)
        elif self._chance.random() < 0.6:
            await self._change(process, history, stored, state=EndpointState.PAUSED)
        else:
            why = DisabledReason.MANUAL
            await self._change(process, history, stored, state=EndpointState.DISABLED, disabled_reason=why)

    async def _edit(self, process: Process) -> None:
        history, stored = self._pick_endpoint(process)
        chance = self._chance
        fields = {
            "url": f"{stored.url.split('?')[0]}?v={stored.version + 1}",
            "rate_limit": plan.new_rate(chance),
            "retry": plan.new_retry(chance, long=False),
            "concurrency": chance.choice((None, 1, 3)),
            "ordering": chance.choice(tuple(Ordering)),
            "events": chance.choice(plan.SUBSCRIPTIONS),
            "secret": plan.new_secret(chance),
            "timeout": chance.choice((1.0, 5.0)),
        }
        chosen = chance.sample(sorted(fields), chance.randint(1, 3))
        if "secret" in chosen:
            assert stored.secret is not None
            fields["retired_secrets"] = (RetiredSecret(stored.secret, process.clock.wall() + 20_000),)
            chosen.append("retired_secrets")
        await self._change(process, history, stored, **{name: fields[name] for name in chosen})

    async def _remove(self, process: Process) -> None:
        history, stored = self._pick_endpoint(process)
        history.removal_asked = self._trace.add("endpoint.remove", endpoint=stored.id)
        try:
            await process.remove_endpoint(stored)
        except ReelhookError:
            history.removal_asked = None
            raise
        history.removal_settled = self._trace.add("endpoint.removed", endpoint=stored.id)

    async def _add(self, process: Process) -> None:
        number = len(self._plan.endpoints)
        chance = self._chance
        app_id = chance.choice(self._plan.apps)
        await self._create_app(process, app_id)
        endpoint = plan.new_endpoint(chance, app_id, number, long=self._plan.long)
        # A new endpoint of somebody whose receiver is known already.
        host = plan.host_of(chance.choice(self._plan.endpoints))
        endpoint = replace(endpoint, url=f"https://{host}/more{len(self._ledger.endpoints)}")
        await self._create(process, replace(endpoint, name=f"more{len(self._ledger.endpoints)}"))

    def _pick_endpoint(self, process: Process) -> tuple[History, Endpoint]:
        found = [
            (history, stored)
            for history in self._there()
            if (stored := process.store.endpoints.get(history.app_id, history.id)) is not None
        ]
        if not found:
            raise _NothingToDo("no endpoint is there")
        return self._chance.choice(found)

    # Deliveries

    async def _resend(self, process: Process) -> None:
        app_id, delivery_id, endpoint_id = self._pick_delivery(process, tuple(State))
        order = self._order("resend", app_id, delivery_id=delivery_id)
        now = process.clock.now()
        await self._settle_order(order, process.store.queue.resend(app_id, delivery_id, Trigger.RESEND, now))
        process.woken(endpoint_id)

    async def _cancel(self, process: Process) -> None:
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
            raise _NothingToDo("no such delivery")
        return self._chance.choice(found)

    # Tasks

    async def _begin_task(self, process: Process) -> None:
        history, stored = self._pick_endpoint(process)
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

    async def _change_task(self, process: Process) -> None:
        unfinished = process.store.tasks.unfinished()
        if not unfinished:
            raise _NothingToDo("no task is unfinished")
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
            order.error = error.slug
            self._trace.add(f"{order.kind}.refused", subject=subject, error=error.slug)
            raise
        order.settled = self._trace.add(f"{order.kind}.settled", subject=subject)


class _NothingToDo(ReelhookError):
    slug = "nothing-to-do"


def _shown(fields: dict[str, Any]) -> dict[str, str]:
    return {f"new_{name}": str(value) for name, value in fields.items()}
