"""The network: receivers whose mood changes in phases, and the wire that leads to them. No byte leaves the process."""

import asyncio
import random
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import NamedTuple

from tests.simulation.ledger import Exchange, Ledger
from tests.simulation.trace import Trace
from tests.simulation.virtual_loop import VirtualClock

from reelhook.model.attempt import Failure, Timing
from reelhook.model.http import Request, Response, header_lines


class Mood(NamedTuple):
    """How a receiver behaves for a while; times in seconds.

    `answer` says a status, `hang` waits until the caller gives up, `refuse` takes no connection, `reset` takes the
    request and then breaks the connection, `lose` breaks it before the request is whole.
    """

    kind: str
    status: int = 200
    quickest: float = 0.001
    slowest: float = 0.03
    retry_after: str | None = None


OK = Mood("answer")
SLOW = Mood("answer", 200, 0.5, 4.0)
BROKEN = Mood("answer", 500)
REFUSING = Mood("refuse")
HANGING = Mood("hang")
RESETTING = Mood("reset")
LOSING = Mood("lose")
GONE = Mood("answer", 410)
CONFUSED = Mood("answer", 404)
REDIRECTING = Mood("answer", 302)
THROTTLING = Mood("answer", 429, retry_after="7")
BUSY = Mood("answer", 503, retry_after="date")
SLOPPY = Mood("answer", 503, retry_after="abc")


@dataclass
class Receiver:
    """Somebody else's server. `phases` are (until true ms, mood), in order; after the last one it is well."""

    host: str
    dice: random.Random
    phases: list[tuple[int, Mood]] = field(default_factory=list)

    def mood(self, now: int) -> Mood:
        while self.phases and self.phases[0][0] <= now:
            self.phases.pop(0)
        return self.phases[0][1] if self.phases else OK


class ScriptedWire:
    """Implements `Wire` for one life of the process. `passed` is told of every step, so that a crash can fall there."""

    def __init__(self, receivers: dict[str, Receiver], ledger: Ledger, trace: Trace, clock: VirtualClock) -> None:
        self._receivers = receivers
        self._ledger = ledger
        self._trace = trace
        self._clock = clock
        self.passed = lambda _step: None

    async def send(self, request: Request) -> Response:
        """Carry one request there and its answer back."""
        return await self._carried(self._begin(request), request.timeout)

    async def _carried(self, exchange: Exchange, timeout: float) -> Response:
        receiver = self._receivers[exchange.host]
        mood = receiver.mood(self._clock.true())
        self.passed("begun")
        await asyncio.sleep(receiver.dice.uniform(0.0005, 0.02))
        if mood.kind == "refuse":
            return self._failed(exchange, Failure.REFUSED, sent=False)
        if mood.kind == "lose":
            return self._failed(exchange, Failure.RESET)
        self._arrive(exchange)
        return await self._answered(receiver, mood, exchange, timeout)

    async def _answered(self, receiver: Receiver, mood: Mood, exchange: Exchange, timeout: float) -> Response:
        thinks = receiver.dice.uniform(mood.quickest, mood.slowest)
        if mood.kind == "hang" or thinks >= timeout:
            await asyncio.sleep(timeout)
            return self._failed(exchange, Failure.TIMEOUT)
        await asyncio.sleep(thinks)
        exchange.answer = mood.status
        self._trace.add("receiver.answers", exchange=exchange.number, event=exchange.message_id, status=mood.status)
        self.passed("answered")
        if mood.kind == "reset":
            return self._failed(exchange, Failure.RESET)
        await asyncio.sleep(receiver.dice.uniform(0.0005, 0.01))
        head = self._head(exchange, mood.retry_after)
        self._end(exchange, mood.status, None)
        return Response(mood.status, head, b"said", timing=self._timing(exchange), remote_address="192.0.2.1")

    def _begin(self, request: Request) -> Exchange:
        headers = {name.lower(): value for name, value in header_lines(request.head)}
        number = len(self._ledger.exchanges)
        event = headers.get("webhook-id", "")
        where = {"host": request.target.host, "path": request.target.path}
        begun = self._trace.add("send.begins", exchange=number, event=event, **where)
        now, wall = self._clock.now(), self._clock.wall()
        exchange = Exchange(
            number, self._trace.life, headers=headers, body=request.body, begun=begun, begun_at=now, wall=wall, **where
        )
        self._ledger.exchanges.append(exchange)
        return exchange

    def _arrive(self, exchange: Exchange) -> None:
        exchange.arrived = self._trace.add("receiver.gets", exchange=exchange.number, event=exchange.message_id)
        self.passed("arrived")

    def _failed(self, exchange: Exchange, failure: Failure, *, sent: bool = True) -> Response:
        self._end(exchange, None, failure.value)
        return Response(None, failure=failure, error=f"simulated {failure.value}", timing=Timing(), sent=sent)

    def _end(self, exchange: Exchange, status: int | None, failure: str | None) -> None:
        exchange.status, exchange.failure = status, failure
        exchange.ended_at = self._clock.now()
        said = {"event": exchange.message_id, "status": status, "failure": failure}
        exchange.ended = self._trace.add("send.ends", exchange=exchange.number, **said)
        self.passed("ended")

    def _head(self, exchange: Exchange, retry_after: str | None) -> bytes:
        if retry_after is None:
            return b"Content-Type: text/plain\r\n"
        if retry_after == "date":
            # HTTP dates are whole seconds; who believes in another time understands another wait.
            at = self._clock.true() // 1000 + 20
            exchange.retry_after = max(0.0, at - self._clock.wall() / 1000)
            retry_after = formatdate(at, usegmt=True)
        elif retry_after.isdigit():
            exchange.retry_after = min(float(retry_after), 86400.0)
        return f"Retry-After: {retry_after}\r\n".encode()

    def _timing(self, exchange: Exchange) -> Timing:
        return Timing(total=float(self._clock.now() - exchange.begun_at))
