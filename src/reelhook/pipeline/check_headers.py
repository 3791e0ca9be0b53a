"""Custom headers: which names an endpoint may not set, and which characters may go over the wire."""

import re
from collections.abc import Mapping
from typing import Final

from reelhook.errors import FieldError
from reelhook.model.header_names import is_forbidden, is_legal
from reelhook.model.pointer import pointer

MOST_HEADERS: Final = 50
LARGEST_HEADERS: Final = 8 * 1024
"""Bytes of all names and values together."""

_VALUE: Final = re.compile(r"(?:[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?)?\Z")
"""Visible ASCII, blanks inside (RFC 9110 §5.5, without the obsolete bytes above 127)."""


def check_headers(headers: Mapping[str, str], most: int | None) -> list[FieldError]:
    """Say which custom headers cannot be sent; `most` is the dialect's own limit."""
    limit = MOST_HEADERS if most is None else min(most, MOST_HEADERS)
    errors = []
    if len(headers) > limit:
        errors.append(FieldError(f"at most {limit} custom headers", "/headers"))
    if sum(len(name) + len(value) + 4 for name, value in headers.items()) > LARGEST_HEADERS:
        errors.append(FieldError(f"custom headers hold at most {LARGEST_HEADERS} bytes together", "/headers"))
    seen: set[str] = set()
    for name, value in headers.items():
        errors += [FieldError(detail, pointer("headers", name)) for detail in _wrong(name, value, seen)]
        seen.add(name.lower())
    return errors


def _wrong(name: str, value: str, seen: set[str]) -> list[str]:
    details = []
    if not is_legal(name):
        details.append("a header name is 1 to 128 letters, digits and -, without blanks or a colon")
    elif is_forbidden(name):
        details.append(f"{name} is set by Reelhook or by gateways on the way; use a name of your own")
    elif name.lower() in seen:
        details.append(f"{name} is given twice; header names are the same in any case")
    if not _VALUE.match(value):
        details.append("a header value is visible ASCII characters with blanks between; no line ends, no accents")
    return details
