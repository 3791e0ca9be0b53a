"""The one URL parser: what it lets pass when an endpoint is saved is exactly what is called when it is sent to.

Stricter than RFC 3986 and than browsers, because every leniency of a parser is a way round the guard: two readers of
one text must not see two hosts.
"""

import re
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from reelhook.model.http import Target

LONGEST_URL: Final = 2048
LONGEST_HOST: Final = 253
"""RFC 1035 §2.3.4, without the final dot."""

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_SHAPE: Final = re.compile(r"(?P<scheme>https?)://(?P<authority>[^/?]*)(?P<rest>.*)", re.ASCII | re.IGNORECASE)
_FORBIDDEN: Final = re.compile(r"[\x00-\x20\x7f\\]")
_PORT: Final = re.compile(r"[1-9][0-9]{0,4}")
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""A last label such as these makes resolvers read the whole host as an IPv4 address (WHATWG URL §3.5)."""


def parse_target(url: str) -> Target:
    """Take an absolute http or https URL apart; ValueError says in one sentence what is wrong with it."""
    _check_text(url)
    parts = _SHAPE.fullmatch(url)
    if parts is None:
        raise ValueError("a URL begins with http:// or https://")
    scheme = parts["scheme"].lower()
    rest = parts["rest"]
    if not rest.isascii():
        raise ValueError("a path holds ASCII only; percent-encode everything else")
    literal, port_text = _split_authority(parts["authority"])
    port = _port(port_text, scheme)
    bracketed = literal.startswith("[")
    host = _ipv6(literal) if bracketed else _name(literal)
    authority = f"[{host}]" if bracketed else host
    if port != _DEFAULT_PORTS[scheme]:
        authority = f"{authority}:{port}"
    return Target(scheme, host, port, authority, rest if rest.startswith("/") else f"/{rest}")


def join(hostname: str, path: str) -> str:
    """Make a URL of `hostname` (host[:port], https unless it begins with `http://`) and `path`; ValueError if wrong."""
    scheme, separator, host = hostname.partition("://")
    if not separator:
        scheme, host = "https", hostname
    host = host.removesuffix("/")
    if "/" in host or "?" in host:
        raise ValueError("a hostname is host or host:port; what follows belongs into the path")
    return parse_target(f"{scheme}://{host}{path if path.startswith('/') else f'/{path}'}").url


def _check_text(url: str) -> None:
    if len(url) > LONGEST_URL:
        raise ValueError(f"a URL has at most {LONGEST_URL} characters")
    if _FORBIDDEN.search(url):
        raise ValueError("a URL holds no blanks, no control characters and no backslash")
    if "#" in url:
        raise ValueError("a URL that is called has no fragment (#)")


def _split_authority(authority: str) -> tuple[str, str | None]:
    """Return the host, still in its brackets, and the text of the port."""
    if "@" in authority:
        raise ValueError("a URL holds no user name or password; credentials have fields of their own")
    if authority.startswith("["):
        literal, bracket, tail = authority.partition("]")
        if not bracket or (tail and not tail.startswith(":")):
            raise ValueError("an IPv6 address stands in brackets, followed by nothing but a port")
        return literal + bracket, tail[1:] if tail else None
    host, colon, port = authority.partition(":")
    return host, port if colon else None


def _port(text: str | None, scheme: str) -> int:
    if text is None:
        return _DEFAULT_PORTS[scheme]
    if not _PORT.fullmatch(text) or int(text) > 65535:
        raise ValueError("a port is a number from 1 to 65535")
    return int(text)


def _ipv6(literal: str) -> str:
    inner = literal[1:-1]
    if "%" in inner:
        raise ValueError("an IPv6 address in a URL has no zone")
    try:
        return str(IPv6Address(inner))
    except ValueError:
        raise ValueError("what stands in the brackets is not an IPv6 address") from None


def _name(host: str) -> str:
    name = host.lower() if host.isascii() else _encode_international(host.lower())
    if not name:
        raise ValueError("a URL names a host")
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _ipv4(name)
    if len(name) > LONGEST_HOST or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("a host is a name of letters, digits, hyphens and dots, or an IP address")
    return name


def _ipv4(text: str) -> str:
    try:
        return str(IPv4Address(text))
    except ValueError:
        raise ValueError("a host that ends in a number must be an IPv4 address of four decimal numbers") from None


def _encode_international(host: str) -> str:
    """Encode by IDNA 2003 (RFC 3490), but only names that it takes as they are: where it would map characters (full
    width digits, ß), readers differ on which host is meant.
    """
    try:
        encoded = host.encode("idna")
        unchanged = encoded.decode("idna") == host
    except UnicodeError:
        unchanged = False
    if not unchanged:
        raise ValueError("the host cannot be encoded without doubt; write it in its ASCII form (xn--…)")
    return encoded.decode("ascii")
