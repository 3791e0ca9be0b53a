"""One HTTP exchange as values: what is to be sent, and what came of it."""

import re
from typing import Final

import msgspec

from reelhook.model.attempt import Failure, Timing
from reelhook.model.secret import Secret

RESPONSE_BODY_CAP: Final = 64 * 1024
"""So many bytes of a response are kept; the rest is not read."""


class Target(msgspec.Struct, frozen=True):
    """A URL taken apart once, by the one parser that validation and sending share."""

    scheme: str
    host: str
    """The name or address literal, lower case, without brackets."""
    port: int
    authority: str
    """As it stands in the `Host` header: brackets round IPv6, the port left out when it is the scheme's own."""
    path: str
    """Path and query, as they stand in the request line."""

    @property
    def url(self) -> str:
        """The URL again, whole."""
        return f"{self.scheme}://{self.authority}{self.path}"


class ClientIdentity(msgspec.Struct, frozen=True):
    """A client certificate for mutual TLS; `key` separates its connections from everybody else's."""

    key: str
    certificate: str
    private_key: Secret


class Request(msgspec.Struct, frozen=True, gc=False):
    """A POST, ready to be written: `head` is the request line and all header lines, each ended by CR LF, without the
    empty line. `timeout` (s) is for everything: name look-up, connect, TLS, the whole response.
    """

    target: Target
    head: bytes
    body: bytes
    timeout: float
    identity: ClientIdentity | None = None


class Response(msgspec.Struct, frozen=True, gc=False):
    """What came of a request; a failure to get an answer is a value too.

    `failure` is set when there is no complete, well-formed answer (then `error` says why in plain words, and `status`
    may still hold what had arrived). `head` holds the response's header lines as they came. `sent` tells whether any
    byte of the request can have reached the receiver.
    """

    status: int | None
    head: bytes = b""
    body: bytes = b""
    truncated: bool = False
    failure: Failure | None = None
    error: str | None = None
    timing: Timing = Timing()
    remote_address: str | None = None
    replayed: bool = False
    sent: bool = True

    def header(self, name: str) -> list[str]:
        """Return all values of a header, in any case of its name."""
        found = re.findall(rb"(?im)^" + re.escape(name.encode()) + rb":[ \t]*(.*?)[ \t]*\r?$", self.head)
        return [value.decode("latin-1") for value in found]


def header_lines(head: bytes) -> tuple[tuple[str, str], ...]:
    """Take a block of header lines apart into pairs, for showing."""
    pairs = []
    for line in head.split(b"\r\n"):
        name, colon, value = line.partition(b":")
        if colon:
            pairs.append((name.decode("latin-1"), value.strip().decode("latin-1")))
    return tuple(pairs)
