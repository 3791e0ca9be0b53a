"""Events about user accounts."""

from typing import Final

from reelhook.model.catalogue.entry import media_type
from reelhook.model.catalogue.samples import VIEWER, change
from reelhook.model.event_type import EventType

TYPES: Final[tuple[EventType, ...]] = (
    media_type(
        "user.created",
        "A user account was made.",
        {"user": VIEWER | {"registration_method": "email"}},
        needs=("user",),
    ),
    media_type(
        "user.updated",
        "A user account was changed.",
        {"user": VIEWER, "changes": [change("last_name", "Berg", "Nilsen")]},
        needs=("user",),
    ),
    media_type("user.deleted", "A user account was deleted.", {"user": {"id": VIEWER["id"]}}, needs=("user",)),
)
