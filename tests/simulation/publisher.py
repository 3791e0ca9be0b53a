"""The publishers: they publish what the plan says, ask again where they got no answer, and remember what they heard."""

import asyncio
import random
from typing import Any

import msgspec
from tests.simulation.ledger import Ask, Draft, Ledger, Publish
from tests.simulation.process import Process
from tests.simulation.trace import Trace

from reelhook.errors import ReelhookError

_MOST_ASKS = 60


class Publisher:
    """All publishers of one world; what they know outlives the process."""

    def __init__(
        self, publishes: list[Publish], ledger: Ledger, trace: Trace, chance: random.Random, span: int
    ) -> None:
        self._ledger = ledger
        self._trace = trace
        self._chance = chance
        self._due = sorted((chance.randint(0, span), publish.number) for publish in publishes)
        self._publishes = {publish.number: publish for publish in publishes}
        self._open: dict[int, Publish] = {}

    async def run(self, process: Process, began: int) -> None:
        """Go on where the last life of the process ended; `began` is when the world began (true ms)."""
        asking = [asyncio.create_task(self._again(process, publish)) for publish in self._open.values()]
        while self._due:
            at, number = self._due[0]
            await asyncio.sleep(max(0, began + at - process.clock.true()) / 1000)
            self._due.pop(0)
            publish = self._open[number] = self._publishes[number]
            self._ledger.publishes.append(publish)
            asking.append(asyncio.create_task(self._first(process, publish)))
        await asyncio.gather(*asking)

    async def _first(self, process: Process, publish: Publish) -> None:
        """Ask for the first time: now and then several times at once."""
        copies = self._chance.choice((1, 1, 1, 2, 5)) if publish.repeatable else 1
        await asyncio.gather(*(process.request(self._ask, publish) for _ in range(copies)))
        await self._again(process, publish)

    async def _again(self, process: Process, publish: Publish) -> None:
        """Ask until it is answered, then sometimes once more."""
        while not publish.answered() and publish.repeatable and len(publish.asks) < _MOST_ASKS:
            await asyncio.sleep(self._chance.uniform(0.05, 5.0))
            await process.request(self._ask, publish)
        if publish.repeatable and self._chance.random() < 0.3:
            await asyncio.sleep(self._chance.uniform(0.0, 5.0))
            await process.request(self._ask, publish)
        del self._open[publish.number]

    async def _ask(self, process: Process, publish: Publish) -> None:
        said = {"publish": publish.number, "nonces": " ".join(draft.nonce for draft in publish.drafts)}
        ask = Ask(self._trace.add("publish.asked", **said), self._trace.life)
        publish.asks.append(ask)
        body = write_body(publish)
        try:
            answer = await process.engine.flow.publish(publish.app_id, body, batch=publish.batch, once=publish.once)
        except ReelhookError as error:
            ask.error = error.slug
            ask.ended = self._trace.add("publish.refused", publish=publish.number, error=error.slug)
            return
        ask.receipts = _receipts(answer)
        events = " ".join(one["id"] for one in ask.receipts)
        ask.ended = self._trace.add("publish.answered", publish=publish.number, events=events)


def write_body(publish: Publish) -> bytes:
    drafts = [_draft(draft) for draft in publish.drafts]
    return msgspec.json.encode(drafts if publish.batch else drafts[0])


def _draft(draft: Draft) -> dict[str, Any]:
    given = {"id": draft.id, "ordering_key": draft.ordering_key}
    return {"type": draft.type, "data": draft.data} | {
        name: value for name, value in given.items() if value is not None
    }


def _receipts(answer: bytes) -> tuple[dict[str, Any], ...]:
    decoded = msgspec.json.decode(answer)
    return tuple(decoded["items"]) if "items" in decoded else (decoded,)
