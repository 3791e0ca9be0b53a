"""The owners of the endpoints: they add, pause, edit and delete them, and give orders about their deliveries."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from msgspec.structs import replace
from tests.simulation import plan
from tests.simulation.ledger import History, Ledger, Version
from tests.simulation.orders import Orders, pick_endpoint
from tests.simulation.process import Process
from tests.simulation.trace import Trace

from reelhook.errors import Conflict, ReelhookError, StorageFull, Unavailable
from reelhook.model.access import App
from reelhook.model.endpoint import DisabledReason, Endpoint, EndpointState, Ordering, RetiredSecret


class Owner:
    """All owners of one world; what they know outlives the process.

    Who hears that the store is unavailable does not know whether his change was made before it broke.
    """

    def __init__(self, drawn: plan.Plan, ledger: Ledger, trace: Trace) -> None:
        self._plan = drawn
        self._ledger = ledger
        self._trace = trace
        self._chance = plan.dice(drawn.seed, "owner")
        self._orders = Orders(ledger, trace, self._chance)
        self._wanted = list(drawn.endpoints)
        self._due = sorted(self._chance.randint(0, drawn.span) for _ in range(drawn.interventions))

    async def run(self, process: Process, began: int) -> None:
        """Go on where the last life of the process ended."""
        await self.catch_up(process)
        while self._wanted:
            wanted = self._wanted[0]
            await process.request(self._settle_in, wanted)
            if wanted in self._wanted:
                await asyncio.sleep(1)
        acting = []
        while self._due:
            await asyncio.sleep(max(0, began + self._due[0] - process.clock.true()) / 1000)
            self._due.pop(0)
            # Now and then two act at once.
            acting.extend(
                asyncio.create_task(process.request(self._intervene)) for _ in range(self._chance.choice((1, 1, 2)))
            )
        await asyncio.gather(*acting)

    async def catch_up(self, process: Process) -> None:
        """Read anew what became of changes that were never answered, as an owner would after a lost connection."""
        for history in self._ledger.endpoints.values():
            stored = process.store.endpoints.get(history.app_id, history.id)
            now = self._trace.add("endpoint.read", endpoint=history.id, version=stored.version if stored else None)
            if history.removal_asked is not None and history.removal_settled is None and not history.leaving:
                history.removal_settled = now if stored is None else None
                history.removal_asked = history.removal_asked if stored is None else None
            for version in history.versions:
                if version.settled is None and not version.void and not version.under_way:
                    stored = await process.store.endpoints.version(history.id, version.endpoint.version)
                    version.settled, version.void = (now, False) if stored == version.endpoint else (None, True)
        for endpoint in list(self._wanted):
            if any(history.versions[0].endpoint.name == endpoint.name for history in self._ledger.present()):
                self._wanted.remove(endpoint)

    async def resume_all(self, process: Process) -> None:
        """Make everything active that is not; the last thing that owners do."""
        for history in list(self._ledger.present()):
            while (stored := process.store.endpoints.get(history.app_id, history.id)) is not None:
                if stored.state is EndpointState.ACTIVE:
                    break
                try:
                    await self._change(process, history, stored, state=EndpointState.ACTIVE, disabled_reason=None)
                except (Conflict, StorageFull, Unavailable):
                    await asyncio.sleep(1)

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
            (self._orders.resend, 8),
            (self._orders.cancel, 3),
            (self._orders.begin_task, 4),
            (self._orders.change_task, 1.5),
        ]
        return [((act.__name__, act), weight) for act, weight in acts]

    async def _settle_in(self, process: Process, wanted: Endpoint) -> None:
        """Make an endpoint that shall be there from the beginning, and its app, as soon as the store can take them."""
        try:
            await self._create_app(process, wanted.app_id)
            await self._create(process, wanted)
        except (StorageFull, Unavailable):
            self._trace.add("owner.refused", act="settle in")

    async def _create_app(self, process: Process, app_id: str) -> None:
        if process.store.apps.get(app_id) is None:
            wall = process.clock.wall()
            app = App(app_id, app_id, wall, wall)
            with suppress(Conflict):  # somebody made it at this moment
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
        version.under_way = True
        try:
            await change
        except ReelhookError as error:
            version.void = not isinstance(error, Unavailable)
            self._trace.add("endpoint.refused", endpoint=version.endpoint.id, error=error.slug)
            raise
        finally:
            version.under_way = False
        version.settled = self._trace.add(
            "endpoint.settled", endpoint=version.endpoint.id, version=version.endpoint.version
        )

    async def _switch(self, process: Process) -> None:
        """Pause, disable, or make active again."""
        history, stored = pick_endpoint(process, self._ledger, self._chance)
        if stored.state is not EndpointState.ACTIVE:
            await self._change(process, history, stored, state=EndpointState.ACTIVE, disabled_reason=None)
        elif self._chance.random() < 0.6:
            await self._change(process, history, stored, state=EndpointState.PAUSED)
        else:
            why = DisabledReason.MANUAL
            await self._change(process, history, stored, state=EndpointState.DISABLED, disabled_reason=why)

    async def _edit(self, process: Process) -> None:
        history, stored = pick_endpoint(process, self._ledger, self._chance)
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
        history, stored = pick_endpoint(process, self._ledger, self._chance)
        history.removal_asked = self._trace.add("endpoint.remove", endpoint=stored.id)
        history.leaving = True
        try:
            await process.remove_endpoint(stored)
        except ReelhookError as error:
            if not isinstance(error, Unavailable):
                history.removal_asked = None
            raise
        finally:
            history.leaving = False
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


def _shown(fields: dict[str, Any]) -> dict[str, str]:
    return {f"new_{name}": str(value) for name, value in fields.items()}
