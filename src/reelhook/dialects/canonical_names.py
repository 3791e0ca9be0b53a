"""How endpoints name events where the dialect speaks the canonical words: exact, wildcard, category, all."""

import re
from collections.abc import Sequence
from typing import Final

from reelhook.errors import FieldError
from reelhook.model.endpoint import SUBSCRIBE_CATEGORY
from reelhook.model.event import LONGEST_NAME, TYPE_PATTERN

EVERYTHING: Final = "*"
WILDCARD: Final = ".*"

_ENTRY: Final = re.compile(rf"(?:\*|{TYPE_PATTERN}(?:\.\*)?|{SUBSCRIBE_CATEGORY}[A-Za-z0-9_-]+)\Z")


def subscribes(entry: str, event_type: str, category: str) -> bool:
    """Tell whether an entry (`asset.created`, `asset.*`, `category:asset`, `*`) names this event."""
    if entry.endswith(WILDCARD):
        return event_type.startswith(entry[:-1])
    if entry.startswith(SUBSCRIBE_CATEGORY):
        return entry[len(SUBSCRIBE_CATEGORY) :] in (category, event_type.partition(".")[0])
    return entry in (event_type, EVERYTHING)


def check_events(events: Sequence[str]) -> list[FieldError]:
    """Say which entries can never name an event; unknown names may still be added to the catalogue later."""
    return [
        FieldError(
            f"{entry[:60]!r} is no event name: write asset.created, asset.*, category:asset or *", f"/events/{place}"
        )
        for place, entry in enumerate(events)
        if len(entry) > LONGEST_NAME + len(SUBSCRIBE_CATEGORY) or not _ENTRY.match(entry)
    ]
