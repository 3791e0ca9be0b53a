"""Sending: one exchange with one receiver, from prepare to judge. What it returns is all that the record needs."""

from typing import Final

import msgspec
import structlog

from reelhook.dialects.dialect import Context, Message
from reelhook.errors import Invalid
from reelhook.model.attempt import Failure, PrepareFailed, Timing, Verdict
from reelhook.model.event import Event
from reelhook.model.http import Request, Response
from reelhook.model.ids import show
from reelhook.model.quota import Quota
from reelhook.pipeline.directory import Route
from reelhook.pipeline.judge import judge
from reelhook.pipeline.prepare import Preparing, identity
from reelhook.pipeline.shape import shape
from reelhook.pipeline.sign import Head
from reelhook.pipeline.values import Exchange, Prepared, Shaped
from reelhook.ports import Clock, Wire

_log: Final = structlog.get_logger("reelhook")
_NO_HEAD: Final = Head(b"", b"")
_REFUSED_TWICE: Final = "It had answered the same to the access token of earlier attempts, so this is a new one."
_NOT_SENT: Final = Response(None, sent=False, timing=Timing())


class Sending:
    """Makes exchanges."""

    def __init__(self, preparing: Preparing, wire: Wire, clock: Clock) -> None:
        self._preparing = preparing
        self._wire = wire
        self._clock = clock

    async def attempt(
        self, route: Route, event: Event, quota: Quota | None = None, *, example: bool = False
    ) -> Exchange:
        """Make one attempt, with which the app's quota stands so; never raises for what the receiver, the event or its
        links do. Nobody is asked for fresh links of an `example`.
        """
        try:
            endpoint, dialect = route.endpoint, route.dialect
            prepared = self._preparing.prepare(endpoint, dialect, event, links=not example)
            if not isinstance(prepared, Prepared):
                prepared = await prepared
            if quota is not None:
                prepared = prepared.under(quota)
            exchange = await self._exchange(route, event, prepared)
            if prepared.kept and exchange.response.status == 401:
                exchange = await self._renewed(route, event, prepared, exchange)
        except PrepareFailed as error:
            return _unsent(error.failure, error.detail, transient=error.transient)
        except Invalid as error:
            return _unsent(Failure.PREPARE, error.detail, transient=False)
        except Exception:  # noqa: BLE001 - a fault of ours: the attempt fails and is made again, nothing is lost
            _log.exception("attempt.fault", event_id=event.public_id, endpoint_id=show("ep", route.endpoint.id))
            return _unsent(Failure.PREPARE, "an internal error; the server's log says more", transient=True)
        return exchange

    async def _renewed(self, route: Route, event: Event, prepared: Prepared, refused: Exchange) -> Exchange:
        """Send once more with another token, as the kept one may have been revoked before its time; where there is
        none, the refusal is what the attempt has led to.
        """
        try:
            renewed = await self._preparing.renew(route.endpoint, prepared)
        except PrepareFailed as error:
            return _noted(refused, error.detail)
        if renewed is None:
            return refused
        exchange = await self._exchange(route, event, renewed)
        exchange.renewed = True
        return _noted(exchange, _REFUSED_TWICE) if exchange.response.status == 401 else exchange

    async def _exchange(self, route: Route, event: Event, prepared: Prepared) -> Exchange:
        endpoint = route.endpoint
        shaped = shape(prepared.event or event, endpoint, route.dialect, prepared.context)
        if prepared.event is not None:
            shaped = shaped.whole()
        head = self.sign(route, event, shaped, prepared)
        timeout = endpoint.timeout or route.dialect.defaults.timeout
        request = Request(route.letterhead.target, head.head, shaped.body.data, timeout, identity(endpoint))
        response = await self._wire.send(request)
        return Exchange(shaped, head.masked, response, judge(response))

    async def context(self, route: Route, event: Event) -> Context:
        """Return what a body for an event says of the world beside it."""
        return await self._preparing.context(route.dialect, event)

    def sign(self, route: Route, event: Event, shaped: Shaped, prepared: Prepared) -> Head:
        """Write and sign the head of a request that is sent now."""
        message = Message(event.public_id, self._clock.wall(), prepared.context)
        return route.letterhead.sign(shaped.body.data, message, prepared.bearer)


def _noted(exchange: Exchange, note: str) -> Exchange:
    """Add a sentence to the error of a failed exchange."""
    error = f"{exchange.verdict.error or ''} {note}".strip()
    exchange.verdict = msgspec.structs.replace(exchange.verdict, error=error)
    return exchange


def _unsent(failure: Failure, detail: str, *, transient: bool) -> Exchange:
    verdict = Verdict(succeeded=False, failure=failure, error=detail, transient=transient)
    return Exchange(None, _NO_HEAD.masked, _NOT_SENT, verdict)
