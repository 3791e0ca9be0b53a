"""Vimeo's names for events, and the canonical types that each of them says."""

from typing import Final

from reelhook.dialects.translation import CHANGES, Translation

SYSTEM: Final = "vimeo"
"""Its name in `ids`."""
LIVE: Final = "live-event-"
"""How the names of events about live events begin."""

NAMES: Final = Translation(
    {
        "video-created": ("asset.created",),
        "video-upload-failed": ("asset.upload_failed",),
        "video-transcode-playable": ("asset.playable",),
        "video-transcode-fully-playable": ("asset.fully_playable",),
        "video-transcode-complete": ("asset.transcoded",),
        "video-updated": CHANGES,
        "video-deleted": ("asset.deleted",),
        "automatic-thumbnail-available": ("asset.thumbnail_ready",),
        "transcript-status-complete": ("asset.transcript_ready",),
        "content-scan-completed": ("asset.scan_completed",),
        "live-event-started": ("live.started",),
        "live-event-updated": ("live.updated", "live.paused", "live.resumed", "live.joined", "live.left"),
        "live-event-ended": ("live.ended",),
        "live-event-archive-available": ("live.archive_ready",),
        "live-event-clip-created": ("live.clip_created",),
        "live-event-deleted": ("live.deleted",),
    },
    fallbacks={"asset.uploaded": "video-created", "asset.processed": "video-transcode-complete"},
    # Vimeo tells of every step of a transcription; platforms that publish here tell of its end alone.
    unsaid=("transcript-status-updated",),
)
