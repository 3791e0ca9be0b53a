"""Events about live streams."""

from typing import Any, Final

from reelhook.model.catalogue.entry import media_type
from reelhook.model.catalogue.samples import LIVE, STREAM, VIEWER, change
from reelhook.model.event_type import EventType


def _live(name: str, description: str, status: str, **more: Any) -> EventType:
    example = {"live": LIVE, "asset": STREAM | {"status": status}} | more
    return media_type(name, description, example, needs=("live", "asset"), either=True)


_ARCHIVE: Final = {"duration": 3612.8, "url": "https://cdn.example.com/keynote/archive.mp4", "size": 2684354560}

TYPES: Final[tuple[EventType, ...]] = (
    _live("live.started", "A live event started.", "live"),
    _live(
        "live.updated",
        "Something about a live event changed.",
        "scheduled",
        changes=[change("title", "Annual conference", "Annual conference, keynote")],
    ),
    _live("live.paused", "A live event was paused.", "paused"),
    _live("live.resumed", "A paused live event goes on.", "live"),
    _live("live.ended", "A live event ended.", "ended"),
    _live("live.deleted", "A live event was deleted.", "deleted"),
    _live("live.archive_ready", "The recording of a live event is there.", "archived", asset=STREAM | _ARCHIVE),
    _live(
        "live.clip_created",
        "A clip was made of a live event.",
        "ended",
        clip={"id": "ast_019a3f6c2b7d0043", "start": 610.0, "end": 655.5},
    ),
    _live("live.joined", "Somebody joined a live event.", "live", user=VIEWER),
    _live("live.left", "Somebody left a live event.", "live", user=VIEWER),
)
