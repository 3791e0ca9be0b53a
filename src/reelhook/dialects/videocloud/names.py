"""VideoCloud's names for events and for the fields of what they are about, each with ours."""

from collections.abc import Mapping
from typing import Final

from reelhook.dialects.translation import CHANGES, Translation

NAMES: Final = Translation(
    {
        "video.uploaded": ("asset.uploaded",),
        "video.processed": ("asset.processed",),
        "video.published": ("asset.published",),
        "video.updated": CHANGES,
        "video.deleted": ("asset.deleted",),
        "user.created": ("user.created",),
        "user.updated": ("user.updated",),
        "user.deleted": ("user.deleted",),
        "engagement.view": ("engagement.viewed",),
        "engagement.like": ("engagement.liked",),
        "engagement.comment": ("engagement.commented",),
        "system.error": ("system.error",),
        "system.warning": ("system.warning",),
    },
    fallbacks={"asset.created": "video.uploaded", "asset.transcoded": "video.processed"},
    aliases={"user.registered": "user.created", "comment.created": "engagement.comment"},
)

SYSTEM: Final = "videocloud"
"""Its name in `ids`."""

Fields = dict[str, str]

UPLOADED: Final[Fields] = {
    "title": "title",
    "size": "size",
    "duration": "duration",
    "format": "format",
    "userId": "user_id",
}
"""What stands beside `videoId` and `status` when a video was uploaded."""
PROCESSING_TIME: Final[Fields] = {"processingTime": "processing_time"}
FORMAT: Final[Fields] = {"quality": "quality", "url": "url", "size": "size"}
"""One of `formats`, which are our renditions."""
USER: Final[Fields] = {
    "email": "email",
    "username": "username",
    "firstName": "first_name",
    "lastName": "last_name",
    "registrationMethod": "registration_method",
}
COMMENT: Final[Fields] = {"content": "content", "parentId": "parent_id", "createdAt": "created_at"}
SHOWN_NULL: Final = frozenset({"parentId"})
"""A comment that answers none says so."""
ERROR: Final[Fields] = {"code": "code", "message": "message"}

STATUSES: Final[Mapping[str, str]] = {
    "video.uploaded": "processing",
    "video.processed": "ready",
    "video.published": "published",
}
"""Where a video is in VideoCloud's life cycle after an event that says so; else its own status is told."""
