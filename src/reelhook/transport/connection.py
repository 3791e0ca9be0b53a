"""One connection: an asyncio protocol that carries one exchange after the other, and reports each as a value."""

import asyncio
import ssl
from collections.abc import Callable
from typing import Final, Protocol, cast

from reelhook.model.attempt import Failure, Timing
from reelhook.model.http import Request, Response
from reelhook.transport.dial import Opened
from reelhook.transport.failures import tls_sentence
from reelhook.transport.response_reader import ProtocolBroken, ResponseReader

ConnectionKey = tuple[str, str, int, str | None]
"""Scheme, host, port, and the client certificate's key: who may share a connection."""

_JOINED_CAP: Final = 64 * 1024
"""Up to this size head and body are joined and written at once; larger bodies are not copied."""

_LONGEST_KEEP: Final = 60.0
"""Whatever a receiver advertises, an idle connection is not kept longer (s)."""


class Keeper(Protocol):
    """Where a connection goes between exchanges."""

    idle_seconds: float

    def add(self, connection: "Connection") -> None:
        """Hear that it is open."""
        ...

    def put(self, connection: "Connection", now: float) -> None:
        """Keep it for the next exchange."""
        ...

    def write(self, transport: asyncio.Transport, data: bytes) -> None:
        """Write before the loop's next turn is over, unless the transport is closed by then."""
        ...

    def forget(self, connection: "Connection") -> None:
        """Hear that it is closed."""
        ...


class Connection(asyncio.BufferedProtocol):
    """Writes a request, reads its response, within a deadline; then idles until the next.

    All connections of a process read into the same `buffer`: each read is taken out of it before the loop goes on.
    `usable_until` and `expires` are times on the clock `now`; 0 means closed.
    """

    __slots__ = (
        "_answer", "_armed_for", "_buffer", "_deadline", "_error", "_first_byte", "_keeper", "_loop", "_now",
        "_opened", "_paused", "_reader", "_replayed", "_reused", "_spoke_first", "_started", "_timeout", "_timer",
        "_transport", "_written",
        "expires", "idle_seconds", "key", "remote_address", "usable_until",
    )  # fmt: skip

    def __init__(self, key: ConnectionKey, keeper: Keeper, buffer: memoryview, now: Callable[[], float]) -> None:
        self.key = key
        self.remote_address: str | None = None
        self.idle_seconds = keeper.idle_seconds
        self.expires = 0.0
        self.usable_until = 0.0
        self._keeper = keeper
        self._buffer = buffer
        self._now = now
        self._loop = asyncio.get_running_loop()
        self._reader = ResponseReader()
        self._transport: asyncio.Transport | None = None
        self._opened: Timing | None = None
        self._answer: asyncio.Future[Response | None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._armed_for = float("inf")
        self._deadline = self._started = self._written = self._first_byte = self._timeout = 0.0
        self._paused = self._reused = self._replayed = self._spoke_first = False
        self._error: Exception | None = None

    def start(self, opened: Opened, expires: float) -> None:
        """Note what opening it took, for the first exchange to report. Only now it is counted as open: when opening is
        cancelled at the last moment, the loop closes the transport without saying so to anybody.
        """
        self.remote_address = opened.address
        self.expires = expires
        self._opened = opened.timing
        if self._transport is not None:
            self._keeper.add(self)

    def exchange(
        self, request: Request, started: float, written: float, *, replayed: bool
    ) -> "asyncio.Future[Response | None]":
        """Write a request; the future holds the response, or None when this connection, used before, turned out to be
        closed without a byte of an answer, so that the request may be replayed on a fresh one.

        `started` is when the attempt began, from which its timeout counts; `written` is now.
        """
        self._answer = answer = self._loop.create_future()
        self._started = started
        self._written = written
        self._first_byte = 0.0
        self._replayed = replayed
        self._timeout = request.timeout
        self._deadline = started + request.timeout
        transport = self._transport
        if transport is None or self._spoke_first:
            self._never_began()
            return answer
        if self._deadline < self._armed_for:
            self._arm(self._deadline, written)
        if len(request.body) <= _JOINED_CAP:
            self._keeper.write(transport, b"".join((request.head, b"\r\n", request.body)))
        else:
            transport.writelines((request.head + b"\r\n", request.body))
        return answer

    def abandon(self, answer: "asyncio.Future[Response | None]") -> None:
        """Close at once, because nobody waits for this answer any more. When the answer is there already, the
        connection may be somebody else's by now and is left alone.
        """
        if self._answer is answer:
            self.abort()

    def abort(self) -> None:
        """Close at once; an exchange under way is dropped without a report."""
        self._answer = None
        self.usable_until = 0.0
        if self._transport is not None:
            self._transport.abort()

    def interrupt(self) -> None:
        """Close at once; an exchange under way is reported as interrupted."""
        if self._answer is None:
            self.abort()
        else:
            self._fail(Failure.INTERRUPTED, "Reelhook stopped before the receiver had answered.")

    # Called by the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask to be told when anything of a request stays unwritten."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=1, low=0)

    def pause_writing(self) -> None:
        """Note that part of the request waits for the receiver to read."""
        self._paused = True

    def resume_writing(self) -> None:
        """Note that all of the request is on its way."""
        self._paused = False

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asked for by asyncio
        """Return where to read into."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Take what was read; a byte that belongs to no exchange closes the connection, else it could pass for the
        answer to the next one, which may be somebody else's.
        """
        if self._answer is None:
            self._spoke_first = not self._reused
            self.abort()
            return
        now = self._now()
        if not self._first_byte:
            self._first_byte = now
        try:
            complete = self._reader.feed(bytes(self._buffer[:nbytes]))
        except ProtocolBroken as broken:
            self._fail(Failure.PROTOCOL, str(broken))
            return
        if complete:
            self._complete(now)

    def eof_received(self) -> bool:
        """Hear that the receiver has nothing more to say; over TLS only when it said so properly."""
        if self._answer is None:
            self.abort()
        elif self._reader.end():
            self._complete(self._now())
        else:
            self._lost(None)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of everything."""
        self.usable_until = 0.0
        self._error = exc
        if self._answer is not None:
            self._lost(exc)
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._reader.discard()
        self._keeper.forget(self)

    # The deadline: one timer, armed anew only when it rings too early.

    def _arm(self, deadline: float, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed_for = deadline
        self._timer = self._loop.call_later(max(0.001, deadline - now), self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._armed_for = float("inf")
        if self._answer is None:
            return
        now = self._now()
        if now < self._deadline:
            self._arm(self._deadline, now)
            return
        within = f"within {self._timeout:g} s"
        if self._reader.has_head:
            self._fail(Failure.TIMEOUT, f"The receiver did not finish its answer {within}.")
        elif self._paused:
            self._fail(Failure.TIMEOUT, f"The receiver did not take the whole request {within}.")
        else:
            self._fail(Failure.TIMEOUT, f"The receiver did not answer {within}.")

    # What an exchange comes to.

    def _complete(self, now: float) -> None:
        reader = self._reader
        response = Response(
            reader.status,
            reader.head,
            reader.body,
            reader.truncated,
            None,
            None,
            self._timing(now),
            self.remote_address,
            self._replayed,
        )
        answer = self._answer
        if reader.reusable and not self._paused:
            self._answer = None
            self._reused = True
            if reader.started:
                self._note_keep_alive()
                reader.next()
            self._keeper.put(self, now)
        else:
            self.abort()
        _settle(answer, response)

    def _note_keep_alive(self) -> None:
        kept = self._reader.keep_seconds
        # A second less than advertised, so that the receiver does not close while our request is on its way.
        self.idle_seconds = self._keeper.idle_seconds if kept is None else min(max(0.0, kept - 1), _LONGEST_KEEP)

    def _never_began(self) -> None:
        """Judge an exchange whose connection was spoilt between its opening and the request."""
        if self._spoke_first:
            self._fail(Failure.PROTOCOL, "The receiver spoke before it was asked; it is no HTTP server.")
        else:
            self._lost(self._error)

    def _lost(self, error: Exception | None) -> None:
        """Judge an exchange whose connection is gone."""
        reader = self._reader
        if reader.has_head and self._paused:
            # It answered without wanting the rest of the request: the answer counts, not our failed write.
            reader.cut()
            self._complete(self._now())
        elif self._reused and not reader.started:
            answer = self._answer
            self.abort()
            _settle(answer, None)
        elif isinstance(error, ssl.SSLError):
            self._fail(Failure.TLS, tls_sentence(error))
        elif reader.has_head:
            self._fail(Failure.RESET, "The receiver closed the connection before its answer was complete.")
        elif reader.started:
            self._fail(Failure.RESET, "The receiver closed the connection in the middle of its answer's header.")
        else:
            self._fail(Failure.RESET, "The receiver closed the connection without an answer.")

    def _fail(self, failure: Failure, sentence: str) -> None:
        reader = self._reader
        arrived = reader.has_head
        if arrived:
            reader.cut()
        response = Response(
            status=reader.status if arrived else None,
            head=reader.head if arrived else b"",
            body=reader.body if arrived else b"",
            truncated=arrived,
            failure=failure,
            error=sentence,
            timing=self._timing(self._now()),
            remote_address=self.remote_address,
            replayed=self._replayed,
        )
        answer = self._answer
        self.abort()
        _settle(answer, response)

    def _timing(self, now: float) -> Timing:
        first_byte = (self._first_byte - self._written) * 1000 if self._first_byte else None
        total = (now - self._started) * 1000
        opened = self._opened
        if opened is None:
            return Timing(None, None, None, first_byte, total)
        self._opened = None
        return Timing(opened.dns, opened.connect, opened.tls, first_byte, total)


def _settle(answer: "asyncio.Future[Response | None] | None", response: Response | None) -> None:
    """Hand over, unless the one who waited has gone."""
    if answer is not None and not answer.done():
        answer.set_result(response)
