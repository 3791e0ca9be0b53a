"""Reading one response after the other from the bytes of a connection, without touching a socket.

llhttp (strict) decides what is well-formed; where a message ends we track ourselves, because it neither says how many
bytes it took nor knows of bodies that end with the connection (RFC 9112 §6.3).
"""

import re
from typing import Final, cast

from httptools import HttpParserError, HttpResponseParser

from reelhook.model.http import RESPONSE_BODY_CAP

HEAD_CAP: Final = 64 * 1024
HEADERS_CAP: Final = 200
INTERIM_CAP: Final = 5
"""So many 1xx answers may come before the real one."""

_WIRE_CAP: Final = 8 * RESPONSE_BODY_CAP
"""So many bytes of a chunked body are read, whatever it decodes to: chunk headers and trailers cost us time too."""

_KNOWN_HEAD_CAP: Final = 2048
_UNCLEAR_END: Final = "The receiver's answer does not say clearly where it ends."
# Where a body ends. Plain numbers, because looking up an enum's member costs as much as llhttp takes for a header.
_UNKNOWN: Final = 0
_BY_LENGTH: Final = 1
_BY_LAST_CHUNK: Final = 2
_BY_CONNECTION: Final = 3

_HEAD_END: Final = b"\r\n\r\n"
_VERSIONS: Final = (b"HTTP/1.1 ", b"HTTP/1.0 ")
_TLS_RECORDS: Final = (b"\x15\x03", b"\x16\x03")
_KEEP_SECONDS: Final = re.compile(rb"(?:^|[,; \t])timeout=([0-9]{1,6})")


class ProtocolBroken(Exception):
    """What the receiver sent is not HTTP/1.1 as we accept it; the argument is a sentence."""


class ResponseReader:
    """Takes bytes until a response is complete, or larger than what we keep of it.

    When `feed` or `end` has returned True the attributes hold the response: `head` is the header lines without the
    status line, each ended by CR LF; `truncated` says that the cap cut the body; `reusable` that the connection can
    carry another exchange (then call `next`), at the latest after idling `keep_seconds`, where the receiver said so.
    """

    __slots__ = (
        "_begun", "_ends", "_interim", "_known_head", "_known_size", "_left", "_message_complete", "_parser",
        "_pending", "_pieces", "_raw_head", "_size", "_tail", "_wire", "body", "head", "keep_seconds", "reusable",
        "status", "truncated",
    )  # fmt: skip

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        self._known_head = b""
        self._known_size = -1
        self.status: int | None = None
        self.head = b""
        self.keep_seconds: float | None = None
        self.reusable = True
        self.next()

    def next(self) -> None:
        """Make ready for the next response."""
        self._begun = False
        self._pending = bytearray()
        self._raw_head = b""
        self._ends = _UNKNOWN
        self._interim = 0
        self._left = 0
        self._size = 0
        self._wire = 0
        self._tail = b""
        self._pieces: list[bytes] = []
        self._message_complete = False
        self.body = b""
        self.truncated = False

    def discard(self) -> None:
        """Let go of the parser, which refers back to this object."""
        self._parser = cast("HttpResponseParser", None)  # and not deleted: a compiled class has all its attributes

    @property
    def started(self) -> bool:
        """Whether a byte of the response has arrived."""
        return self._begun

    @property
    def has_head(self) -> bool:
        """Whether the head of the real answer (not a 1xx) has arrived whole."""
        return self._ends != _UNKNOWN

    def feed(self, data: bytes) -> bool:
        """Take bytes; True when the response is complete or cut at the cap. ProtocolBroken when it is malformed."""
        if len(data) == self._known_size and not self._begun and data.startswith(self._known_head):
            # The very head that llhttp accepted last time on this connection, and a body of just the length it says:
            # there is nothing left to find out. Receivers repeat themselves until the second in `Date` changes.
            self.body = data[len(self._known_head) :]
            return True
        self._known_size = -1
        self._begun = True
        rest = self._read_head(data) if self._ends == _UNKNOWN else data
        return rest is not None and self._read_body(rest)

    def end(self) -> bool:
        """Hear that the receiver closed its side properly; True when that is how this response ends."""
        if self._ends != _BY_CONNECTION:
            return False
        return self._finish()

    def cut(self) -> None:
        """Make do with what has arrived of the body."""
        self.truncated = True
        self._finish()

    # Called by llhttp.

    def on_headers_complete(self) -> None:
        """Note whether the connection may live on; a head after a complete message means that it may not."""
        self.reusable = self._parser.should_keep_alive() and not self._message_complete

    def on_body(self, piece: bytes) -> None:
        """Keep a piece of the body."""
        if not self._message_complete:
            self._pieces.append(piece)
            self._size += len(piece)

    def on_message_complete(self) -> None:
        """Note that llhttp saw the message's end."""
        self._message_complete = True

    # Heads.

    def _read_head(self, data: bytes) -> bytes | None:
        """Collect the head; return what follows it, None while it is incomplete."""
        pending = self._pending
        if not pending and (end := data.find(_HEAD_END) + len(_HEAD_END)) >= len(_HEAD_END):
            head, data = data[:end], data[end:]  # mostly the head comes in one piece
            if self._take_head(head):
                return data
        searched = max(0, len(pending) - len(_HEAD_END) + 1)
        pending += data
        while (end := pending.find(_HEAD_END, searched)) >= 0:
            end += len(_HEAD_END)
            head = bytes(pending[:end])
            del pending[:end]
            searched = 0
            if self._take_head(head):
                return bytes(pending)
        _check_beginning(pending)
        return None

    def _take_head(self, head: bytes) -> bool:
        """Parse a whole head; False when it was only a 1xx."""
        _check_beginning(head)
        if head[9:12] == b"101":
            raise ProtocolBroken("The receiver wants to switch to another protocol (101), which nobody asked for.")
        if head.count(b"\r\n") - 2 > HEADERS_CAP:
            raise ProtocolBroken(f"The receiver's answer has more than {HEADERS_CAP} headers.")
        self._message_complete = False
        self._parse(head)
        status = self._parser.get_status_code()
        if status < 100:
            raise ProtocolBroken(f"The receiver's answer has the status {status:03}, which HTTP does not know.")
        if status < 200:
            self._interim += 1
            if self._interim > INTERIM_CAP:
                raise ProtocolBroken(f"The receiver sent more than {INTERIM_CAP} interim (1xx) answers.")
            return False
        self._frame(head, status)
        return True

    def _frame(self, head: bytes, status: int) -> None:
        """Find out where the body ends (RFC 9112 §6.3), and make sure that llhttp thinks the same."""
        lowered = head.lower()
        length = _field(lowered, b"\r\ncontent-length:")
        ends = _BY_CONNECTION
        if status in (204, 304):
            ends = _BY_LENGTH
        elif _field(lowered, b"\r\ntransfer-encoding:") is not None:
            _check_coding(lowered)
            ends = _BY_LAST_CHUNK
        elif length is not None:
            ends = _BY_LENGTH
            self._left = int(length)
        if self._message_complete != (ends == _BY_LENGTH and self._left == 0):
            raise ProtocolBroken(_UNCLEAR_END)
        self._ends = ends
        self._raw_head = head
        self.status = status
        self.head = head[head.index(b"\r\n") + 2 : -2]
        keep_alive = _field(lowered, b"\r\nkeep-alive:")
        kept = None if keep_alive is None else _KEEP_SECONDS.search(keep_alive)
        self.keep_seconds = None if kept is None else float(kept[1])

    # Bodies.

    def _read_body(self, data: bytes) -> bool:
        if self._ends == _BY_LENGTH:
            return self._read_counted(data)
        if self._ends == _BY_LAST_CHUNK:
            return self._read_chunked(data)
        self._parse(data)
        return self._size > RESPONSE_BODY_CAP and self._finish()

    def _read_counted(self, data: bytes) -> bool:
        if len(data) > self._left:
            self.reusable = False
            data = data[: self._left]
        if data:
            self._parse(data)
            self._left -= len(data)
        if self._left == 0:
            if not self._message_complete:
                raise ProtocolBroken(_UNCLEAR_END)
            return self._finish()
        if self._size >= RESPONSE_BODY_CAP:
            self.truncated = True
            return self._finish()
        return False

    def _read_chunked(self, data: bytes) -> bool:
        self._wire += len(data)
        self._tail = (self._tail + data[-5:])[-5:]
        try:
            self._parse(data)
        except ProtocolBroken:
            if not self._message_complete:
                raise
            self.reusable = False
        if self._message_complete:
            # llhttp skips line ends between messages, so that stray ones show only in how the bytes end.
            if not self._tail.endswith(_HEAD_END) or self._tail.startswith(b"\n"):
                self.reusable = False
            return self._finish()
        if self._size > RESPONSE_BODY_CAP or self._wire > _WIRE_CAP:
            self.truncated = True
            return self._finish()
        return False

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except HttpParserError as error:
            raise ProtocolBroken(f"The receiver's answer is not valid HTTP/1.1: {error}.") from error

    def _finish(self) -> bool:
        body = b"".join(self._pieces)
        if len(body) > RESPONSE_BODY_CAP:
            self.truncated = True
            body = body[:RESPONSE_BODY_CAP]
        self.body = body
        if self.truncated:
            self.reusable = False
        elif (
            self._ends == _BY_LENGTH and self.reusable and not self._interim and len(self._raw_head) <= _KNOWN_HEAD_CAP
        ):
            self._known_head = self._raw_head
            self._known_size = len(self._raw_head) + len(body)
        return True


def _field(lowered: bytes, name: bytes) -> bytes | None:
    """Return the value of a head's first field of that name, which is given with its line's beginning and colon."""
    at = lowered.find(name)
    if at < 0:
        return None
    begin = at + len(name)
    return lowered[begin : lowered.index(b"\r\n", begin)].strip(b" \t")


def _check_coding(lowered: bytes) -> None:
    once = lowered.count(b"\r\ntransfer-encoding:") == 1
    if not once or _field(lowered, b"\r\ntransfer-encoding:") != b"chunked" or lowered.startswith(b"http/1.0"):
        raise ProtocolBroken("The receiver's answer is transfer-encoded otherwise than chunked.")


def _check_beginning(head: bytes | bytearray) -> None:
    """Refuse early what can never become a head of HTTP/1."""
    if len(head) > HEAD_CAP:
        raise ProtocolBroken(f"The header of the receiver's answer is larger than {HEAD_CAP // 1024} KiB.")
    beginning = bytes(head[:9])
    if beginning in _VERSIONS:
        return
    if any(version.startswith(beginning) for version in _VERSIONS):
        return  # not yet enough of it
    if beginning.startswith(_TLS_RECORDS):
        raise ProtocolBroken("The receiver speaks TLS on this port; use https.")
    raise ProtocolBroken("The receiver's answer is not HTTP/1.1: it does not begin with a status line.")
