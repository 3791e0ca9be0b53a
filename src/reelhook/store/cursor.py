"""Cursors of lists: where the next page begins, opaque to clients, good only for the list that gave it out."""

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import msgspec

from reelhook.errors import FieldError, Invalid
from reelhook.model.page import Page

Item = TypeVar("Item")
NEWEST: Final = (1 << 63) - 1
"""Greater than every id: where a list without a cursor begins."""
_STRANGE: Final = "the cursor is not one of this list: take `next` of the page before, with the same filters"


def write_cursor(scope: bytes, position: int) -> str:
    """Write the id that the next page lies below; `scope` says which list, with which filters."""
    return base64.urlsafe_b64encode(_digest(scope) + position.to_bytes(8, "big")).decode().rstrip("=")


def read_cursor(scope: bytes, cursor: str | None) -> int:
    """Read a cursor; None is the beginning.

    Raises:
        Invalid: it was not given out by this list with these filters.
    """
    if cursor is None:
        return NEWEST
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 16 or raw[:8] != _digest(scope):
        raise Invalid(_STRANGE, errors=(FieldError("unknown cursor", "/cursor"),))
    return int.from_bytes(raw[8:], "big")


def cut_page(items: Sequence[Item], limit: int, scope: bytes, id_of: Callable[[Item], int]) -> Page[Item]:
    """Make a page of `limit` items out of one more than that, if there are so many."""
    if len(items) <= limit:
        return Page(tuple(items))
    kept = tuple(items[:limit])
    return Page(kept, write_cursor(scope, id_of(kept[-1])))


def scope_of(*parts: object) -> bytes:
    """Write which list it is, and with which filters."""
    return msgspec.json.encode(parts)


def _digest(scope: bytes) -> bytes:
    return hashlib.sha256(scope).digest()[:8]
