"""Events about assets: their files, their processing, what is said about them."""

from typing import Final

from reelhook.model.catalogue.entry import media_type
from reelhook.model.catalogue.samples import DELIVERED, PLAYLISTS, RENDITIONS, THUMBNAILS, VIDEO, change, video
from reelhook.model.event_type import EventType

_FAILED: Final = {"code": "upload_interrupted", "message": "The connection was closed after 12 of 176 MiB."}
_UNREADABLE: Final = {"code": "unsupported_codec", "message": "The video track has a codec that cannot be decoded."}

TYPES: Final[tuple[EventType, ...]] = (
    media_type(
        "asset.created",
        "An asset was created; its file may not be there yet.",
        {"asset": video("path", "user_id", status="created")},
    ),
    media_type(
        "asset.uploaded",
        "The asset's file was uploaded completely.",
        {"asset": VIDEO | {"status": "processing"}},
    ),
    media_type(
        "asset.upload_failed",
        "The upload of the asset's file failed.",
        {"asset": video("name", "user_id", status="upload_failed"), "error": _FAILED},
    ),
    media_type(
        "asset.processed",
        "Processing is finished: all renditions are there.",
        {"asset": VIDEO | DELIVERED},
    ),
    media_type(
        "asset.processing_failed",
        "The asset could not be processed.",
        {"asset": video("name", status="failed", context="campaign-2026-winter"), "error": _UNREADABLE},
    ),
    media_type(
        "asset.playable",
        "The asset can be played, in some quality.",
        {"asset": video("duration", status="playable", playlists=PLAYLISTS, renditions=RENDITIONS[1:])},
    ),
    media_type(
        "asset.fully_playable",
        "The asset can be played in every quality up to its own.",
        {"asset": video("duration", status="playable", playlists=PLAYLISTS, renditions=RENDITIONS)},
    ),
    media_type(
        "asset.transcoded",
        "Transcoding is complete.",
        {"asset": video("duration", "width", "height", "format", playlists=PLAYLISTS, renditions=RENDITIONS)},
    ),
    media_type(
        "asset.published",
        "The asset was published.",
        {"asset": VIDEO | DELIVERED | {"status": "published"}},
    ),
    media_type(
        "asset.updated",
        "Something about the asset changed; more specific events say what, where the platform tells.",
        {"asset": VIDEO, "changes": [change("title", "Aurora", "Aurora over Tromsø")]},
    ),
    media_type(
        "asset.moved",
        "The asset was moved to another folder.",
        {
            "asset": video("path", "name"),
            "changes": [change("path", "/inbox/aurora.mp4", "/films/2026/aurora.mp4")],
        },
    ),
    media_type(
        "asset.renamed",
        "The asset's file was renamed.",
        {"asset": video("path", "name"), "changes": [change("name", "DSC_0417.mp4", "aurora.mp4")]},
    ),
    media_type("asset.deleted", "The asset was deleted.", {"asset": video("path", "ids")}),
    media_type(
        "asset.metadata_changed",
        "A metadata field of the asset changed.",
        {
            "asset": video("metadata", "ids"),
            "changes": [change("metadata.custom.status", "draft", "in review")],
        },
    ),
    media_type(
        "asset.info_changed",
        "Title, description or other basic information changed.",
        {
            "asset": video("description"),
            "changes": [change("description", "", "Four minutes of northern lights, filmed in one night.")],
        },
    ),
    media_type(
        "asset.tags_changed",
        "The asset's tags changed.",
        {"asset": video("tags"), "changes": [change("tags", ["aurora"], ["aurora", "norway"])]},
    ),
    media_type(
        "asset.labels_changed",
        "The asset's labels changed.",
        {"asset": video("labels"), "changes": [change("labels", [], ["approved"])]},
    ),
    media_type(
        "asset.thumbnail_ready",
        "An automatically made thumbnail is there.",
        {"asset": video("ids", thumbnails=THUMBNAILS)},
    ),
    media_type(
        "asset.transcript_ready",
        "Transcription ended; the status says whether it succeeded.",
        {"asset": video("duration", "ids"), "transcript": {"status": "completed", "language": "no"}},
    ),
    media_type(
        "asset.scan_completed",
        "The result of a content scan is there.",
        {"asset": video("ids"), "scan": {"result": "clean"}},
    ),
)
