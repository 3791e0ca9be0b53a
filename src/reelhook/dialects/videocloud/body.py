"""What VideoCloud says of an event: the fields that its documentation shows, and the same ones where it shows none."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from reelhook.dialects.media import Media, foreign_id, given
from reelhook.dialects.videocloud.names import (
    COMMENT,
    ERROR,
    FORMAT,
    PROCESSING_TIME,
    SHOWN_NULL,
    STATUSES,
    SYSTEM,
    UPLOADED,
    USER,
    Fields,
)

Data = dict[str, Any]


def data_of(name: str, media: Media) -> Data:
    """Return the `data` of an event by its plain name; what is absent is left out."""
    return _WRITERS[name](name, media)


def _uploaded(name: str, media: Media) -> Data:
    return _video(media) | _renamed(media.asset, UPLOADED) | {"status": STATUSES[name]}


def _processed(name: str, media: Media) -> Data:
    return _video(media) | {"status": STATUSES[name]} | _files(media)


def _whole_video(name: str, media: Media) -> Data:
    """Carry all that the documentation shows of a video anywhere, for the events that it shows no payload of."""
    status = given(status=STATUSES.get(name, media.asset.get("status")))
    return _video(media) | _renamed(media.asset, UPLOADED) | status | _files(media)


def _user(_: str, media: Media) -> Data:
    return _actor(media) | _renamed(media.part("user"), USER)


def _comment(_: str, media: Media) -> Data:
    comment = media.part("comment")
    ids = given(commentId=foreign_id(comment, SYSTEM)) | _video(media) | _actor(media)
    said = {theirs: comment.get(ours) for theirs, ours in COMMENT.items()}
    return ids | {name: value for name, value in said.items() if value is not None or name in SHOWN_NULL}


def _seen(_: str, media: Media) -> Data:
    return _video(media) | _actor(media)


def _problem(_: str, media: Media) -> Data:
    return _renamed(media.part("error"), ERROR)


def _video(media: Media) -> Data:
    return given(videoId=foreign_id(media.asset, SYSTEM))


def _actor(media: Media) -> Data:
    return given(userId=foreign_id(media.part("user"), SYSTEM))


def _files(media: Media) -> Data:
    renditions = media.asset.get("renditions")
    formats = (
        [_renamed(one, FORMAT) for one in renditions if isinstance(one, dict)] if isinstance(renditions, list) else None
    )
    files = given(formats=formats, thumbnailUrl=media.thumbnail())
    return files | _renamed(media.asset, PROCESSING_TIME)


def _renamed(subject: Data, fields: Fields) -> Data:
    return {theirs: value for theirs, ours in fields.items() if (value := subject.get(ours)) is not None}


_WRITERS: Final[Mapping[str, Callable[[str, Media], Data]]] = {
    "video.uploaded": _uploaded,
    "video.processed": _processed,
    "video.published": _whole_video,
    "video.updated": _whole_video,
    "video.deleted": _whole_video,
    "user.created": _user,
    "user.updated": _user,
    "user.deleted": _user,
    "engagement.view": _seen,
    "engagement.like": _seen,
    "engagement.comment": _comment,
    "system.error": _problem,
    "system.warning": _problem,
}
PICTURED: Final = frozenset(name for name, write in _WRITERS.items() if write in {_processed, _whole_video})
"""The events whose data show the files of a video, its thumbnail among them."""
