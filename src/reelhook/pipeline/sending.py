"""Sending: one exchange with one receiver, from prepare to judge. What it returns is all that the record needs."""

from typing import Final

import msgspec
import structlog

from reelhook.dialects.dialect import Message
from reelhook.errors import Invalid
from reelhook.model.attempt import Failure, PrepareFailed, Timing, Verdict
from reelhook.model.endpoint import OAuth2Auth
from reelhook.model.event import Event
from reelhook.model.http import Request, Response
from reelhook.model.ids import show
from reelhook.pipeline.directory import Route
from reelhook.pipeline.judge import judge
from reelhook.pipeline.prepare import Prepared, Preparing, identity
from reelhook.pipeline.shape import Shaped, shape
from reelhook.pipeline.sign import Head
from reelhook.ports import Clock, Wire

_log: Final = structlog.get_logger("reelhook")
_NO_HEAD: Final = Head(b"", b"")
_NOT_SENT: Final = Response(None, sent=False, timing=Timing())


class Exchange(msgspec.Struct, gc=False):
    """What was sent, what came back, what it means; `head` is the masked one."""

    shaped: Shaped | None
    head: bytes
    response: Response
    verdict: Verdict


class Sending:
    """Makes exchanges."""

    def __init__(self, preparing: Preparing, wire: Wire, clock: Clock) -> None:
        self._preparing = preparing
        self._wire = wire
        self._clock = clock

    async def attempt(self, route: Route, event: Event) -> Exchange:
        """Make one attempt; never raises for what the receiver, the event or its links do."""
        try:
            exchange = await self._exchange(route, event)
            if exchange.response.status == 401 and isinstance(route.endpoint.auth, OAuth2Auth):
                # The token may have been revoked before its time: once more, with a fresh one.
                exchange = await self._exchange(route, event, fresh=True)
        except PrepareFailed as error:
            return _unsent(error.failure, error.detail, transient=error.transient)
        except Invalid as error:
            return _unsent(Failure.PREPARE, error.detail, transient=False)
        except Exception:  # noqa: BLE001 - a fault of ours: the attempt fails and is made again, nothing is lost
            _log.exception("attempt.fault", event_id=event.public_id, endpoint_id=show("ep", route.endpoint.id))
            return _unsent(Failure.PREPARE, "an internal error; the server's log says more", transient=True)
        return exchange

    async def _exchange(self, route: Route, event: Event, *, fresh: bool = False) -> Exchange:
        endpoint = route.endpoint
        prepared = self._preparing.ready(endpoint) or await self._preparing.prepare(endpoint, event, fresh=fresh)
        shaped = shape(event, endpoint, route.dialect, prepared.context)
        head = self.sign(route, event, shaped, prepared)
        timeout = endpoint.timeout or route.dialect.defaults.timeout
        request = Request(route.letterhead.target, head.head, shaped.body.data, timeout, identity(endpoint))
        response = await self._wire.send(request)
        return Exchange(shaped, head.masked, response, judge(response))

    def sign(self, route: Route, event: Event, shaped: Shaped, prepared: Prepared) -> Head:
        """Write and sign the head of a request that is sent now."""
        message = Message(event.public_id, self._clock.wall(), prepared.context)
        return route.letterhead.sign(shaped.body.data, message, prepared.bearer)


def _unsent(failure: Failure, detail: str, *, transient: bool) -> Exchange:
    verdict = Verdict(succeeded=False, failure=failure, error=detail, transient=transient)
    return Exchange(None, _NO_HEAD.masked, _NOT_SENT, verdict)
