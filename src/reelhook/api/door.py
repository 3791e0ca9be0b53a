"""The door: answers the hot routes inside the HTTP parser's callbacks; everything else passes on to the application.

A subclass of uvicorn's httptools protocol, whose version is pinned. For `POST /v1/events` and its batch no scope is
built and no task is started: head and body are collected, the caller comes out of the cache, and the answer is written
when the commit is on disk. Pipelined requests are answered in their order; what cannot be kept in order ends the
connection after the last answer, and the client sends it again.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from reelhook.api.desk import Desk, HotRequest, refuse, too_large
from reelhook.api.familiar import FamiliarHead
from reelhook.api.outbox import Outbox, Reply
from reelhook.api.problem import HeadersTooLarge, TimedOut
from reelhook.api.services import Services
from reelhook.errors import Malformed, ReelhookError
from reelhook.ports import Committing

LARGEST_HEAD: Final = 64 * 1024
"""Bytes of the request line and all headers; as much again as the body may go to the framing of chunks."""
MOST_OUTSTANDING: Final = 64
"""So many answers may be outstanding on one connection before nothing more is read."""
DEADLINE: Final = 30.0
"""Seconds in which a whole request must have come in."""
_LINGER: Final = 1.0
_LOOKS: Final = 6
"""A connection is looked at so many times within the deadline."""
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class _Over(Exception):
    """Nothing more of this connection is read."""


def make_door(services: Services, *, deadline: float = DEADLINE) -> type[HttpToolsProtocol]:
    """Make the protocol class that uvicorn is given as `http`."""
    return type("ReelhookDoor", (Door,), {"desk": Desk(services), "deadline": deadline})


class Door(HttpToolsProtocol):
    """One connection."""

    desk: ClassVar[Desk]
    deadline: ClassVar[float] = DEADLINE

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._outbox = Outbox()
        self._hot: HotRequest | None = None
        self._familiar: FamiliarHead | None = None
        self._published_last: HotRequest | None = None
        self._in_head = False
        self._ending = False
        self._deaf = False
        self._head_size = 0
        self._overhead = 0
        self._body_size = 0
        self._since = self.loop.time()
        self._watch: asyncio.TimerHandle | None = None

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn declares it
        """Begin."""
        super().connection_made(transport)
        self._watch = self.loop.call_later(self.deadline / _LOOKS, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """End; what was handed over is committed all the same."""
        if self._watch is not None:
            self._watch.cancel()
        self._outbox.clear()
        self._hot = None
        self._deaf = True
        super().connection_lost(exc)

    def eof_received(self) -> bool | None:  # type: ignore[override] # uvicorn never stays
        """Hear that the client sends no more; stay while it is owed answers."""
        self._ending = True
        return bool(self._outbox) and self.scheme != "https"

    def data_received(self, data: bytes) -> None:
        """Feed the parser; whatever cannot be read is answered and ends the connection."""
        if self._deaf:
            return
        if self.timeout_keep_alive_task is not None:
            self._unset_keepalive_if_required()
        between = not self._ending and not self._is_reading() and not self._application_is_busy()
        if between and self._familiar is not None and self._take_familiar(self._familiar, data):
            return
        self._published_last = None
        self._overhead += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # answered as an ordinary request (RFC 9110 §7.8)
        except httptools.HttpParserError as error:
            self._stumble(error.__context__)
        else:
            if self._overhead > LARGEST_HEAD + self._body_size and self._is_reading():
                self._fail(_headers_too_large())
            elif between and self._published_last is not None:
                self._familiar = FamiliarHead.learn(data, self._published_last, self.headers)

    def pause_writing(self) -> None:
        """Read nothing more from a client that does not read."""
        super().pause_writing()
        self.flow.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        super().resume_writing()
        self._read_on()

    def shutdown(self) -> None:
        """Answer what is under way, then close."""
        if self._hot is None and not self._outbox:
            super().shutdown()
        else:
            self._ending = True

    def on_response_complete(self) -> None:
        """Hear that the application has answered."""
        self._since = self.loop.time()
        super().on_response_complete()

    # The parser

    def on_message_begin(self) -> None:
        """Begin to collect a request."""
        if self._ending:
            raise _Over
        self.url = b""
        self.headers = []
        self._in_head = True
        self._head_size = 0
        self._since = self.loop.time()

    def on_url(self, url: bytes) -> None:
        """Take a piece of the request target."""
        self._head_size += len(url)
        if self._head_size > LARGEST_HEAD:
            raise _headers_too_large()
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header."""
        self._head_size += len(name) + len(value) + 4
        if self._head_size > LARGEST_HEAD:
            raise _headers_too_large()
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Decide who answers."""
        self._in_head = False
        hot = self.desk.routes.get(self.url) if self.parser.get_method() == b"POST" else None
        headers = dict(self.headers)
        if hot is None or b"upgrade" in headers or self._application_is_busy():
            self._pass_on(headers)
            return
        request = self._hot = HotRequest(hot)
        try:
            if len(headers) != len(self.headers):
                self.desk.refuse_repeated(self.headers)
            self.desk.admit(request, headers)
        except ReelhookError as error:
            self._refuse(request, error)
            if b"expect" in headers:
                # The client may send the body or not: only the end of the connection is certain.
                self._hot = None
                raise _Over from None
            return
        if b"expect" in headers and not self._outbox and headers[b"expect"].lower() == b"100-continue":
            self.transport.write(_CONTINUE)

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        size = len(body)
        self._overhead -= size
        self._body_size += size
        request = self._hot
        if request is None:
            super().on_body(body)
            return
        request.size += size
        if request.answered:
            return
        if request.size > request.hot.limit:
            self._refuse(request, too_large(request))
            return
        request.parts.append(body)

    def on_message_complete(self) -> None:
        """Publish what has come in whole."""
        self._overhead = self._body_size = 0
        request = self._hot
        if request is None:
            super().on_message_complete()
            return
        self._hot = None
        if request.answered:
            self._part()
            return
        if not self.parser.should_keep_alive() or self.parser.get_http_version() == "1.0":
            self._ending = True
        self._published_last = request
        self._publish(request.hot.path, partial(self.desk.publish, request))

    # Answers

    def _take_familiar(self, familiar: FamiliarHead, data: bytes) -> bool:
        """Publish a request whose head was read before on this connection; False when it must go the long way."""
        body = familiar.body_in(data)
        if body is None:
            return False
        hot = familiar.hot
        try:
            known = self.desk.still(hot, familiar.known, familiar.authorization, familiar.app)
        except ReelhookError:
            return False
        familiar.known = known
        self._publish(hot.path, partial(self.desk.publish_body, hot, known, body))
        return True

    def _publish(self, path: str, publish: Callable[[], Committing[bytes]]) -> None:
        reply = self._outbox.owe()
        if len(self._outbox) >= MOST_OUTSTANDING:
            self.flow.pause_reading()
        try:
            promised = publish()
        except Exception as error:  # noqa: BLE001 - whatever goes wrong ends as an answer
            refuse(reply, error, path)
            self._flush()
            return
        promised.add_done_callback(partial(self._published, reply, path))

    def _published(self, reply: Reply, path: str, promised: Committing[bytes]) -> None:
        self.desk.fill(reply, path, promised)
        self.desk.flush_soon(self._flush)

    def _refuse(self, request: HotRequest, error: ReelhookError) -> None:
        """Answer now, skip the body as it comes, and close then: nobody has to send it all to hear of it."""
        request.answered = True
        request.parts.clear()
        self._ending = True
        refuse(self._outbox.owe(), error, request.hot.path)
        self._flush()

    def _flush(self) -> None:
        """Write the answers that are there, in the order of the requests."""
        common = self._common() if self.server_state.default_headers else b""
        ready = self._outbox.take(common, ending=self._ending)
        if not ready or self.transport.is_closing():
            return
        self.transport.write(ready[0] if len(ready) == 1 else b"".join(ready))
        self.server_state.total_requests += len(ready)
        self._since = self.loop.time()
        if self._ending:
            self._part()
        elif self.flow.read_paused:
            self._read_on()

    def _common(self) -> bytes:
        """Return what the server's configuration puts on every answer (the date, if anything)."""
        return b"".join([b"%b: %b\r\n" % pair for pair in self.server_state.default_headers])

    def _read_on(self) -> None:
        if not self.flow.write_paused and not self.pipeline and len(self._outbox) < MOST_OUTSTANDING:
            self.flow.resume_reading()

    # The application

    def _application_is_busy(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _pass_on(self, headers: dict[bytes, bytes]) -> None:
        """Let uvicorn run the application for this request."""
        if self._outbox:
            # Its answer could overtake ours. The last one says close, and the client repeats what got no answer.
            self._ending = True
            raise _Over
        url, collected = self.url, self.headers
        super().on_message_begin()
        self.url = url
        self.headers += collected
        self.expect_100_continue = headers.get(b"expect", b"").lower() == b"100-continue"
        super().on_headers_complete()

    # The end

    def _is_reading(self) -> bool:
        """Tell whether a request has begun to come in and is not whole yet."""
        if self._in_head or self._hot is not None:
            return True
        return self._application_is_busy() and self.cycle.more_body

    def _look(self) -> None:
        """Close connections that are idle for too long, or whose request does not come to its end."""
        if self.transport.is_closing():
            return
        waited = self.loop.time() - self._since
        if self._is_reading():
            if waited > self.deadline:
                self._fail(TimedOut(f"the whole request must come in within {self.deadline:g} seconds"))
        elif not self._outbox and not self._application_is_busy() and waited > self.timeout_keep_alive:
            self.transport.close()
        self._watch = self.loop.call_later(self.deadline / _LOOKS, self._look)

    def _stumble(self, reason: BaseException | None) -> None:
        """End after the parser could not go on, or was stopped by us."""
        if isinstance(reason, _Over):
            self._deaf = True
            self._part()
            return
        self._fail(reason if isinstance(reason, ReelhookError) else Malformed("this is not HTTP/1.1 that can be read"))

    def _fail(self, error: ReelhookError) -> None:
        """Answer what cannot be read any further, after everything before it, and hear no more."""
        answered = self._hot is not None and self._hot.answered
        self._hot = None
        self._in_head = False
        self._ending = self._deaf = True
        if self._application_is_busy():
            self._fail_application(error)
            return
        if not answered:
            refuse(self._outbox.owe(), error, self.url.decode("latin-1").partition("?")[0] or "/")
        self._flush()
        self._part()

    def _fail_application(self, error: ReelhookError) -> None:
        """Let the application finish an answer for a request that came whole; else it can never be answered."""
        cycle = self.cycle
        cycle.keep_alive = False
        if not cycle.more_body:
            return
        untouched = not cycle.response_started and not self.pipeline
        cycle.disconnected = True
        cycle.message_event.set()
        if untouched:
            refuse(self._outbox.owe(), error, cycle.scope["path"])
            self._flush()
        self._part()

    def _part(self) -> None:
        """Close once nothing is owed; a client that may still be sending gets the time to read the answer first."""
        if not self._ending or self._outbox or self._hot is not None or self.transport.is_closing():
            return
        if not self._deaf or not self.transport.can_write_eof():
            self.transport.close()
            return
        self.transport.write_eof()
        self.loop.call_later(_LINGER, self.transport.close)


def _headers_too_large() -> HeadersTooLarge:
    return HeadersTooLarge(f"the request line and headers may have {LARGEST_HEAD} bytes")
