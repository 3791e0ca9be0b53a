"""The desk behind the door: what all connections share when a hot route is called."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import structlog

from reelhook.api.access import Known, only
from reelhook.api.app import served
from reelhook.api.armour import ARMOUR
from reelhook.api.fault import fault
from reelhook.api.idempotency import read_idempotency_key
from reelhook.api.manners import manner_of
from reelhook.api.outbox import Reply
from reelhook.api.problem import phrase
from reelhook.api.reading import check_media_type
from reelhook.api.route import Route
from reelhook.api.services import Services
from reelhook.errors import ReelhookError, TooLarge, Unavailable
from reelhook.ports import Committing

_log: Final = structlog.get_logger("reelhook")
_MOST_ADMITTED: Final = 4096
_ARMOUR: Final = b"".join(b"%b: %b\r\n" % pair for pair in ARMOUR)
_JSON: Final = b"application/json"
_SINGLE: Final = (b"authorization", b"reelhook-app", b"idempotency-key")


class HotRoute:
    """A route that the door answers itself."""

    __slots__ = ("batch", "limit", "path", "route")

    def __init__(self, route: Route, services: Services) -> None:
        self.route = route
        self.path = route.path
        self.batch = route.limit == "batch"
        self.limit = services.max_batch_bytes if self.batch else services.max_event_bytes


class HotRequest:
    """A request while its body comes in; `answered` when it was refused before its end."""

    __slots__ = ("answered", "hot", "key", "known", "parts", "size")

    def __init__(self, hot: HotRoute) -> None:
        self.hot = hot
        self.known: Known | None = None
        self.key: str | None = None
        self.parts: list[bytes] = []
        self.size = 0
        self.answered = False


class Desk:
    """Admits callers, publishes, and writes answers."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._authenticator = services.authenticator
        self._publish = services.publish
        self._admitted: dict[int, Known] = {}
        self._due: list[Callable[[], None]] = []
        hot = [HotRoute(route, services) for route in served(services) if route.limit != "body"]
        self.routes: Mapping[bytes, HotRoute] = {one.path.encode(): one for one in hot}

    def refuse_repeated(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Refuse a head that says twice who calls, for which app or under which key."""
        for name in _SINGLE:
            only(headers, name)

    def admit(self, request: HotRequest, headers: Mapping[bytes, bytes]) -> None:
        """Say who calls and under which key; refuse before the body is read where the head is enough for that.

        Raises:
            ReelhookError: the request is not let in.
        """
        known = self.known(request.hot, headers.get(b"authorization"), headers.get(b"reelhook-app"))
        length = headers.get(b"content-length")
        if length is not None and int(length) > request.hot.limit:
            raise too_large(request)
        if headers.get(b"content-type") != _JSON or b"content-encoding" in headers:
            check_media_type(_text(headers, b"content-type"), _text(headers, b"content-encoding"))
        request.known = known
        if b"idempotency-key" in headers:
            request.key = read_idempotency_key(headers[b"idempotency-key"])

    def known(self, hot: HotRoute, authorization: bytes | None, app: bytes | None) -> Known:
        """Return who calls, who may do so.

        Raises:
            ReelhookError: nobody, or somebody who may not.
        """
        known = self._authenticator.known(authorization, app)
        # The authenticator gives the same value as long as it remembers it, so one check is enough for it.
        if self._admitted.get(id(known)) is not known:
            self._check(known, hot.route)
        return known

    def still(self, hot: HotRoute, known: Known, authorization: bytes | None, app: bytes | None) -> Known:
        """Return who calls with a head that `known` was read from: the same, or looked up anew where that is over.

        Raises:
            ReelhookError: nobody, or somebody who may not.
        """
        return known if self._authenticator.holds(known) else self.known(hot, authorization, app)

    def publish(self, request: HotRequest) -> Committing[bytes]:
        """Hand the body over; what it returns is done when it is on disk."""
        assert request.known is not None  # noqa: S101 - only requests that were admitted get here
        parts = request.parts
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        return self._publish(request.known.caller, body, request.hot.batch, request.key)

    def publish_body(self, hot: HotRoute, known: Known, body: bytes) -> Committing[bytes]:
        """Hand over the body of a request that came without an `Idempotency-Key`."""
        return self._publish(known.caller, body, hot.batch, None)

    def fill(self, reply: Reply, path: str, promised: Committing[bytes]) -> None:
        """Write the answer that a publish has led to."""
        if promised.cancelled():
            refuse(reply, Unavailable("the server is stopping"), path)
            return
        error = promised.exception()
        if error is None:
            reply.head, reply.body = _ACCEPTED, promised.result()
        else:
            refuse(reply, error, path)

    def flush_soon(self, flush: Callable[[], None]) -> None:
        """Have a connection write its answers together with all the others whose events came with the same commit: one
        after the other they cost less than each between the work for the next.
        """
        if not self._due:
            asyncio.get_running_loop().call_soon(self._flush)
        self._due.append(flush)

    def _flush(self) -> None:
        due, self._due = self._due, []
        for flush in due:
            try:
                flush()
            except Exception:  # noqa: BLE001 - one connection's trouble must not cost the others their answers
                _log.exception("answer.not_written")

    def _check(self, known: Known, route: Route) -> None:
        if route.access is not None:
            route.access.require(known.caller)
        if len(self._admitted) >= _MOST_ADMITTED:
            self._admitted.clear()
        self._admitted[id(known)] = known


def refuse(reply: Reply, error: BaseException, path: str) -> None:
    """Write an error as the answer."""
    known = error if isinstance(error, ReelhookError) else fault(error, "POST", path)
    refusal = manner_of(path).refuse(known, path)
    headers = "".join(f"{name}: {value}\r\n" for name, value in refusal.headers)
    reply.head = _head(refusal.status, headers.encode("latin-1"))
    reply.body = refusal.body


def too_large(request: HotRequest) -> TooLarge:
    """Say how large the body may be."""
    return TooLarge(f"the body may have {request.hot.limit} bytes at most")


def _head(status: int, headers: bytes) -> bytes:
    return b"HTTP/1.1 %d %b\r\n%b%b" % (status, phrase(status).encode(), headers, _ARMOUR)


_ACCEPTED: Final = _head(202, b"content-type: application/json\r\n")


def _text(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")
