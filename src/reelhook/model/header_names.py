"""Header names: which ones there can be, and which ones are not for endpoints to choose."""

import re
from typing import Final

FORBIDDEN: Final = frozenset(
    {
        "accept-encoding",
        "age",
        "cache-control",
        "clear-site-data",
        "connection",
        "content-digest",
        "content-encoding",
        "content-language",
        "content-length",
        "content-location",
        "content-type",
        "cookie",
        "expect",
        "expires",
        "host",
        "keep-alive",
        "pragma",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "set-cookie",
        "te",
        "trailer",
        "trailers",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "warning",
    }
)
"""Ours to set, about the connection, or read by gateways on the way."""
FORBIDDEN_PREFIXES: Final = (
    "webhook-",
    "ce-",
    "signature",
    "x-amz-",
    "x-amzn-",
    "x-google",
    "x-goog-",
    "x-gfe",
    "x-azure-",
    "x-fd-",
)
"""Signatures and attributes that must come from us, and names that cloud gateways trust."""

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}\Z")
"""A token (RFC 9110 §5.6.2)."""


def is_legal(name: str) -> bool:
    """Tell whether a text can be a header's name."""
    return _NAME.match(name) is not None


def is_forbidden(name: str) -> bool:
    """Tell whether a header may not be set by an endpoint."""
    lower = name.lower().strip()
    return lower in FORBIDDEN or lower.startswith(FORBIDDEN_PREFIXES)
