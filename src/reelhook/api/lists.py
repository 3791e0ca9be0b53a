"""Lists: `?limit` and `?cursor`, newest first, `{"items": [...], "next": cursor or null}`."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Final, Generic, TypeVar

import msgspec
from msgspec import Meta

from reelhook.api.reading import invalid
from reelhook.model.page import Page

T = TypeVar("T")
S = TypeVar("S")
PAGE: Final = 50
LARGEST_PAGE: Final = 500

Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
"""RFC 3339, UTC, with `Z`."""


Limit = Annotated[int, Meta(ge=1, le=LARGEST_PAGE, description="How many items a page holds at most.")]
Cursor = Annotated[str | None, Meta(description="Where to go on: `next` of the page before.")]


class PageQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What every list can be asked."""

    limit: Limit = PAGE
    cursor: Cursor = None


class Listing(msgspec.Struct, Generic[T]):
    """A page. It may be short and still have a `next`."""

    items: tuple[T, ...]
    next: str | None = None


class Plain(msgspec.Struct, Generic[T]):
    """A list that is never long."""

    items: tuple[T, ...]


def listing(page: Page[S], show: Callable[[S], T]) -> Listing[T]:
    """Write a page of the store."""
    return Listing(tuple(map(show, page.items)), page.next)


def cut(things: Sequence[T], key: Callable[[T], tuple[int, str]], query: PageQuery) -> Page[T]:
    """Cut a page out of a short list that is at hand whole, sorted by `key`."""
    after = None if query.cursor is None else _read_cursor(query.cursor)
    rest = [thing for thing in sorted(things, key=key) if after is None or key(thing) > after]
    items = tuple(rest[: query.limit])
    return Page(items, _write_cursor(key(items[-1])) if len(rest) > query.limit else None)


def _write_cursor(key: tuple[int, str]) -> str:
    return base64.urlsafe_b64encode(f"{key[0]}:{key[1]}".encode()).decode()


def _read_cursor(cursor: str) -> tuple[int, str]:
    try:
        number, _, name = base64.b64decode(cursor, altchars=b"-_", validate=True).decode().partition(":")
        return int(number), name
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise invalid("this cursor is not from this list", "/cursor") from None
