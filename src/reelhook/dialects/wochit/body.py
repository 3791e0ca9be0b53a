"""What Wochit says of a video or a draft, field by field."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from reelhook.dialects.media import Media, foreign_id
from reelhook.dialects.wochit.names import FIELDS, SYSTEM


def body_of(name: str, media: Media, first_context: str | None) -> dict[str, Any]:
    """Return a body with its fields in Wochit's order; what is absent is left out."""
    body: dict[str, Any] = {"type": name}
    for field in FIELDS[name]:
        value = first_context or context_of(media) if field == "videoContext" else _READERS[field](media)
        if value is not None:
            body[field] = value
    return body


def context_of(media: Media) -> str | None:
    """Return the context that stands in the event itself."""
    return _text(media.asset.get("context")) or None


def _video_id(media: Media) -> str | None:
    value = foreign_id(media.asset, SYSTEM)
    return None if value is None else str(value)


def _video_url(media: Media) -> str | None:
    return _text(media.asset.get("url")) or _text(media.asset.get("cdn_url"))


def _title(media: Media) -> str | None:
    return _text(media.asset.get("title"))


def _duration(media: Media) -> float | None:
    """Return seconds, with a decimal point however they were posted."""
    value = media.asset.get("duration")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _error(media: Media) -> str | None:
    return _text(media.part("error").get("message"))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


_READERS: Final[Mapping[str, Callable[[Media], Any]]] = {
    "wochitVideoId": _video_id,
    "thumbnailUrl": Media.thumbnail,
    "videoUrl": _video_url,
    "title": _title,
    "videoDuration": _duration,
    "errorMessage": _error,
}
