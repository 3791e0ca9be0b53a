"""Events about drafts: videos that somebody is still editing."""

from typing import Final

from reelhook.model.catalogue.entry import media_type
from reelhook.model.catalogue.samples import DRAFT_VIDEO
from reelhook.model.event_type import EventType

TYPES: Final[tuple[EventType, ...]] = (
    media_type("draft.created", "A draft was saved for the first time.", {"asset": DRAFT_VIDEO}),
    media_type("draft.updated", "A draft was saved again; editors do it by themselves, often.", {"asset": DRAFT_VIDEO}),
    media_type("draft.exited", "The user left the editor of a draft.", {"asset": DRAFT_VIDEO}),
    media_type(
        "draft.deleted",
        "A draft was deleted.",
        {"asset": {name: DRAFT_VIDEO[name] for name in ("id", "kind", "context", "ids")}},
    ),
)
