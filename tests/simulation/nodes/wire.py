"""The wire of a node: what it sent is on its way, and does not stop because the node does."""

import asyncio
from contextlib import suppress

from tests.simulation.ledger import Exchange, Ledger
from tests.simulation.network import Receiver, ScriptedWire
from tests.simulation.nodes.loops import SharedLoop
from tests.simulation.trace import Trace
from tests.simulation.virtual_loop import VirtualClock

from reelhook.model.http import Response


class DistantWire(ScriptedWire):
    """The network lives in the loop outside; a node hears its answers when it runs."""

    def __init__(
        self,
        receivers: dict[str, Receiver],
        ledger: Ledger,
        trace: Trace,
        clock: VirtualClock,
        here: SharedLoop,
        outside: SharedLoop,
    ) -> None:
        super().__init__(receivers, ledger, trace, clock)
        self._here = here
        self._outside = outside

    async def _carried(self, exchange: Exchange, timeout: float) -> Response:
        heard: asyncio.Future[Response] = self._here.create_future()
        travels = self._outside.create_task(self._travel(exchange, timeout, heard))
        try:
            return await heard
        finally:
            if exchange.ended is None:
                exchange.cut = self._trace.add("send.cut", exchange=exchange.number, event=exchange.message_id)
                travels.cancel()

    async def _travel(self, exchange: Exchange, timeout: float, heard: "asyncio.Future[Response]") -> None:
        with suppress(asyncio.CancelledError):
            response = await super()._carried(exchange, timeout)
            self._here.call_soon(_hear, heard, response)


def _hear(heard: "asyncio.Future[Response]", response: Response) -> None:
    if not heard.done():
        heard.set_result(response)
