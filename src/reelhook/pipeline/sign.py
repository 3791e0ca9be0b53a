"""Sign: the head of a request, with the headers that identify, authenticate and sign it.

What is the same for every attempt of one endpoint version is written once, as bytes, in a letterhead; an attempt adds
its own lines. Each head comes with a twin for the log, in which credentials are masked.
"""

import base64
import re
from typing import Final, NamedTuple

from reelhook import __version__
from reelhook.dialects.dialect import Dialect, Message, SigningKeys
from reelhook.dialects.signing_keys import HmacKey, HmacKeys
from reelhook.errors import Invalid
from reelhook.model.endpoint import Auth, BasicAuth, BearerAuth, Endpoint
from reelhook.model.http import Target
from reelhook.model.secret import MASK
from reelhook.model.url import parse_target

USER_AGENT: Final = f"Reelhook/{__version__}"

_SECRETIVE: Final = re.compile(
    r"auth|token|secret|password|passwd|credential|session|signature|api-?key|(?:^|-)key(?:$|-)", re.IGNORECASE
)
_LINE: Final = re.compile(r"[\t\x20-\x7e]+\Z")
_MASKED_AUTHORIZATION: Final = f"Authorization: {MASK}\r\n".encode()


class Head(NamedTuple):
    """A request's head: the request line and its header lines, each ended by CR LF, without the empty line."""

    head: bytes
    masked: bytes


class Letterhead:
    """What all requests of one endpoint version begin with, where they go, and the keys that sign them.

    Raises:
        ValueError: the endpoint's URL or one of its keys is none; both were checked when they were saved.
        Invalid: a custom header could not be sent.
    """

    __slots__ = ("_dialect", "_endpoint", "_head", "_keys", "_masked", "target")

    def __init__(self, endpoint: Endpoint, dialect: Dialect) -> None:
        self.target: Final = parse_target(endpoint.url)
        self._dialect = dialect
        self._endpoint = endpoint
        self._keys = signing_keys(endpoint, dialect)
        lines = _lines(endpoint, dialect, self.target)
        first = f"POST {self.target.path} HTTP/1.1"
        self._head = _write([first, *(f"{name}: {value}" for name, value in lines)])
        self._masked = _write([first, *(f"{name}: {masked(name, value)}" for name, value in lines)])

    def sign(self, body: bytes, message: Message, bearer: str | None = None) -> Head:
        """Return the head for one attempt.

        `bearer` is the access token of an endpoint with OAuth2. Header names are written as their specifications do,
        lower case for `webhook-*`; receivers must not mind (RFC 9110 §5.1).

        Raises:
            Invalid: the access token holds characters that no header may carry.
        """
        signed = self._dialect.sign(body, message, self._keys, self._endpoint)
        tail = "".join([f"{name}: {value}\r\n" for name, value in signed]) + f"Content-Length: {len(body)}\r\n"
        own = tail.encode("ascii")
        if bearer is None:
            return Head(self._head + own, self._masked + own)
        authorization = _write([f"Authorization: Bearer {bearer}"])
        return Head(self._head + authorization + own, self._masked + _MASKED_AUTHORIZATION + own)

    def __repr__(self) -> str:
        return f"Letterhead({MASK})"


def signing_keys(endpoint: Endpoint, dialect: Dialect) -> SigningKeys:
    """Make an endpoint's keys ready: the current secret, then retired ones until they expire, then Ed25519."""
    keys = []
    if endpoint.secret is not None:
        keys.append(HmacKey(dialect.key(endpoint.secret)))
    keys += [HmacKey(dialect.key(retired.secret), retired.expires_at) for retired in endpoint.retired_secrets]
    return HmacKeys(keys, endpoint.signing_key)


def masked(name: str, value: str) -> str:
    """Return a header's value as the log may show it: masked where the name speaks of a secret."""
    return MASK if _SECRETIVE.search(name.replace("_", "-")) else value


def _write(lines: list[str]) -> bytes:
    """Write header lines. All were checked when they came; one that could end early never reaches the wire."""
    if not all(_LINE.match(line) for line in lines):
        raise Invalid("A header of this endpoint holds control or non-ASCII characters; save it again without them.")
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


def _lines(endpoint: Endpoint, dialect: Dialect, target: Target) -> list[tuple[str, str]]:
    lines = [
        ("Host", target.authority),
        ("User-Agent", USER_AGENT),
        ("Content-Type", dialect.content_type()),
        ("Accept-Encoding", "identity"),
    ]
    if all(name.lower() != "accept" for name in endpoint.headers):
        lines.append(("Accept", "*/*"))
    lines += endpoint.headers.items()
    authorization = _authorization(endpoint.auth)
    if authorization is not None:
        lines.append(("Authorization", authorization))
    return lines


def _authorization(auth: Auth) -> str | None:
    """Return the credentials that are the same for every attempt; OAuth2 tokens come with the attempt."""
    match auth:
        case BasicAuth(username=username, password=password):
            return "Basic " + base64.b64encode(f"{username}:{password.reveal()}".encode()).decode()
        case BearerAuth(token=token):
            return f"Bearer {token.reveal()}"
        case _:
            return None
