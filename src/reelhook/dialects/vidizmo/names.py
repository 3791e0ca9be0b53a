"""VIDIZMO's ids of events, each with ours; its categories; its words for kinds and states."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from reelhook.dialects.translation import CHANGES, Translation

SYSTEM: Final = "vidizmo"
"""Its name in `ids`."""


class Word(NamedTuple):
    """One id: the category that it is chosen with, the canonical types that it says, and those that it also stands for
    because VIDIZMO has no word for them. `documented` ids stand in VIDIZMO's documentation; it names the other events
    without their ids, and those ids are invented, in its manner.
    """

    category: str
    types: tuple[str, ...] = ()
    fallbacks: tuple[str, ...] = ()
    documented: bool = False


UPDATED: Final = "media_updated"
METADATA: Final = "media_metadata"
ACTIONS: Final = "media_actions"
LIVE: Final = "live_session"
WORKFLOW: Final = "workflow"

READY: Final = ("asset.processed", "asset.transcoded")

WORDS: Final[Mapping[str, Word]] = {
    "MashupAdded": Word(UPDATED, fallbacks=("asset.created", "asset.uploaded")),
    "MashupUpdated": Word(UPDATED, CHANGES, READY, documented=True),
    "MashupPublished": Word(UPDATED, ("asset.published",), documented=True),
    "MashupDeleted": Word(UPDATED, ("asset.deleted",)),
    "CommentAdd": Word(METADATA, ("engagement.commented",), documented=True),
    "CommentUpdate": Word(METADATA, ("engagement.comment_updated",)),
    "CommentDelete": Word(METADATA, ("engagement.comment_deleted",)),
    "CustomAttributeAdded": Word(METADATA, ("metadata.attribute_added",)),
    "CustomAttributeUpdated": Word(METADATA, ("metadata.attribute_updated",)),
    "CustomAttributeDeleted": Word(METADATA, ("metadata.attribute_deleted",)),
    "CategoryAdded": Word(METADATA, ("metadata.category_added",)),
    "MashupViewed": Word(ACTIONS, ("engagement.viewed",), documented=True),
    "MashupLiked": Word(ACTIONS, ("engagement.liked",)),
    "MashupUnliked": Word(ACTIONS, ("engagement.unliked",)),
    "MashupFavorited": Word(ACTIONS, ("engagement.favorited",)),
    "MashupUnfavorited": Word(ACTIONS, ("engagement.unfavorited",)),
    "MashupShared": Word(ACTIONS, ("engagement.shared",)),
    "MashupClipped": Word(ACTIONS, ("engagement.clipped",)),
    "MeetingStarted": Word(LIVE, ("live.started",), documented=True),
    "MeetingEnded": Word(LIVE, ("live.ended",)),
    "MeetingJoined": Word(LIVE, ("live.joined",)),
    "MeetingLeft": Word(LIVE, ("live.left",)),
    "LiveMashupStatusChanged": Word(LIVE, ("live.paused", "live.resumed"), documented=True),
    "WorkflowStarted": Word(WORKFLOW, ("workflow.started",)),
    "WorkflowCompleted": Word(WORKFLOW, ("workflow.completed",)),
    "WorkflowFailed": Word(WORKFLOW, ("workflow.failed",)),
}
"""Every id, in the order in which VIDIZMO lists its categories."""

NAMES: Final = Translation(
    {name: word.types for name, word in WORDS.items() if word.types},
    fallbacks={one: name for name, word in WORDS.items() for one in word.fallbacks},
)
CATEGORIES: Final = tuple(dict.fromkeys(word.category for word in WORDS.values()))

FORMATS: Final[Mapping[str, str]] = {
    "video": "Video",
    "audio": "Audio",
    "image": "Image",
    "document": "Document",
    "live": "Live",
}
"""Its words for the kinds of assets, as `subjectType` and as `Format`."""
STATUSES: Final[Mapping[str, str]] = {
    one.lower(): one for one in ("Drafted", "PendingForApproval", "Published", "Rejected", "Purged")
}
"""Its states of an asset; a status that is none of them is not told."""
