"""An event: something that happened, accepted once, never changed."""

import re
from typing import Final

import msgspec

from reelhook.model import ids

TYPE_PATTERN: Final = r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*"
"""Event types are words joined by dots (Standard Webhooks 1.0.0), at most 128 characters."""
ID_PATTERN: Final = r"[\x21-\x2d\x2f-\x7e]+"
"""Event ids given by the client: visible ASCII without the dot, which the signed content uses as its separator."""
LONGEST_NAME: Final = 128
OPERATIONAL: Final = ("endpoint.", "delivery.")
"""Events about Reelhook itself: they match only endpoints that name them, and never cause others."""

TYPE_RE: Final = re.compile(TYPE_PATTERN + r"\Z")
ID_RE: Final = re.compile(ID_PATTERN + r"\Z")


class Event(msgspec.Struct, frozen=True, gc=False):
    """An accepted event.

    `data` is the JSON text exactly as it was posted. `occurred_at` and `accepted_at` are milliseconds since 1970.
    `given_id` is the id that the client chose, None when Reelhook made it.
    """

    id: int
    app_id: str
    type: str
    data: bytes
    occurred_at: int
    accepted_at: int
    given_id: str | None = None
    ordering_key: str | None = None
    source: str | None = None

    @property
    def public_id(self) -> str:
        """The id that the world sees, the same on every attempt: `webhook-id`, CloudEvents `id`."""
        return self.given_id or ids.show("evt", self.id)


def is_operational(event_type: str) -> bool:
    """Tell whether an event is about Reelhook itself."""
    return event_type.startswith(OPERATIONAL)
