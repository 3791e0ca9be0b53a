"""Wochit's names for its notifications, the fields of each, and where in an event ours stand."""

from collections.abc import Mapping
from typing import Final

from reelhook.dialects.translation import Translation

NAMES: Final = Translation(
    {
        "video.ready": ("asset.processed",),
        "video.failed": ("asset.processing_failed",),
        "video.delete": ("asset.deleted",),
        "draft.new": ("draft.created",),
        "draft.update": ("draft.updated",),
        "draft.exit": ("draft.exited",),
        "draft.delete": ("draft.deleted",),
    },
    fallbacks={"asset.transcoded": "video.ready"},
)

SYSTEM: Final = "wochit"
"""Its name in `ids`."""

DRAFT_UPDATE: Final = "draft.update"
DRAFTS: Final = frozenset({"draft.new", DRAFT_UPDATE, "draft.exit", "draft.delete"})
"""What is told of drafts, where drafts management is on."""

_ABOUT: Final = ("videoContext", "wochitVideoId")
_OF_DRAFT: Final = (*_ABOUT, "thumbnailUrl", "title")

FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "video.ready": (*_ABOUT, "thumbnailUrl", "videoUrl", "title", "videoDuration"),
    "video.failed": (*_ABOUT, "errorMessage"),
    "video.delete": _ABOUT,
    "draft.new": _OF_DRAFT,
    "draft.update": _OF_DRAFT,
    "draft.exit": _OF_DRAFT,
    "draft.delete": ("wochitVideoId",),
}
"""What stands behind `type` in each body, in this order."""
