"""The documents in `subjectDetail`, in PascalCase: `mashupInfo`, `commentInfo`, and those of attributes and workflows.

VIDIZMO's documentation shows the first two. Of their fields we write those that we know; what the documentation has no
field for stands in fields of our own (`OWN`).
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from reelhook.dialects.media import Media, given
from reelhook.dialects.vidizmo.names import FORMATS, STATUSES
from reelhook.dialects.vidizmo.subject import Document, Subject, id_of, media_id, number, person, text
from reelhook.dialects.vidizmo.tenant import pascal
from reelhook.model.instant import read_time, show_time

OWN: Final = ("Tags", "Labels", "FileName", "CustomAttributes", "LiveStatus", "ParentId", "Type", "Error")
"""The fields that stand in none of VIDIZMO's pages."""

_TIMED: Final = frozenset({"video", "audio", "live"})
_LONGEST: Final = 1e12
"""Seconds beyond which a duration is none."""
_KNOWN: Final[Mapping[str, Document]] = {
    "MashupPublished": {"Status": "Published"},
    "MashupDeleted": {"Status": "Purged"},
    "live.paused": {"LiveStatus": "Paused"},
    "live.resumed": {"LiveStatus": "Resumed"},
}
"""What an event says of the asset by itself."""
_NOTHING: Final[Document] = {}
_DATED: Final[Mapping[str, str]] = {"MashupAdded": "CreatedDate", "MashupUpdated": "UpdatedDate"}
"""Which of an asset's dates is the time of the event."""


class Happening(NamedTuple):
    """What a document tells of: the event's type, id and time in VIDIZMO's words, and its data."""

    type: str
    name: str
    date: str
    media: Media
    subject: Subject
    tenant: msgspec.Raw


def mashup(one: Happening) -> Document:
    """Write an asset whole: VIDIZMO tells no difference, receivers find it by comparing."""
    asset = one.media.asset
    detail: Document = {"Id": one.subject.id, "Tenant": one.tenant, "IsDeleted": one.name == "MashupDeleted"}
    for theirs, ours, write in _FIELDS:
        if (value := asset.get(ours)) is not None and (written := write(value)) is not None:
            detail[theirs] = written
    if "duration" in asset and text(asset.get("kind", "video")) in _TIMED:
        detail |= given(EstimatedDuration=_milliseconds(asset["duration"]))
    detail |= _KNOWN.get(one.name) or _KNOWN.get(one.type) or _NOTHING
    if one.name in _DATED:
        detail[_DATED[one.name]] = one.date
    return detail


def comment(one: Happening) -> Document:
    """Write a comment, who wrote it and on what."""
    said = one.media.part("comment")
    writer = pascal(person(one.media.part("user")))
    parent = id_of({"id": said.get("parent_id")})
    new = one.name == "CommentAdd"
    return given(
        Id=id_of(said),
        CommentContent=text(said.get("content")),
        Mashup=_short(one.media),
        Tenant=one.tenant,
        AddedDateTime=_unzoned(said.get("created_at")) or (one.date if new else None),
        AddedBy=writer if new else None,
        UpdatedBy=writer if one.name == "CommentUpdate" else None,
        ParentId=parent or None,
        IsDeleted=one.name == "CommentDelete",
    )


def attribute(one: Happening) -> Document:
    """Write a custom attribute of the library."""
    part = one.media.part("attribute")
    return _named(part) | given(Type=text(part.get("type")))


def category(one: Happening) -> Document:
    """Write a category of the library."""
    return _named(one.media.part("category"))


def workflow(one: Happening) -> Document:
    """Write a workflow, the asset that it runs on, and why it failed."""
    fault = one.media.part("error")
    error = given(Code=fault.get("code"), Message=text(fault.get("message")))
    about = _short(one.media) if one.media.asset else None
    return _named(one.media.part("workflow")) | given(Mashup=about, Error=error or None)


def _named(part: Document) -> Document:
    return given(Id=id_of(part), Name=text(part.get("name")))


def _short(media: Media) -> Document:
    return given(Id=media_id(media), Title=text(media.asset.get("title")))


def _whole(value: Any) -> int | None:
    return value if type(value) is int else None


def _owner(value: Any) -> Document | None:
    return {"Id": number(value)} if isinstance(value, str | int) and not isinstance(value, bool) else None


def _status(value: Any) -> str | None:
    return STATUSES.get(value.lower()) if isinstance(value, str) else None


def _format(value: Any) -> str | None:
    return FORMATS.get(value) if isinstance(value, str) else None


def _milliseconds(seconds: Any) -> int | None:
    """Return a length as VIDIZMO counts it."""
    counts = isinstance(seconds, int | float) and not isinstance(seconds, bool) and abs(seconds) < _LONGEST
    return round(seconds * 1000) if counts else None


def _words(words: Any) -> list[str] | None:
    return [one for one in words if isinstance(one, str)] if isinstance(words, list) else None


def _thumbnails(pictures: Any) -> list[Document] | None:
    return [shown for one in pictures if (shown := _thumbnail(one))] if isinstance(pictures, list) else None


def _thumbnail(one: Any) -> Document:
    if isinstance(one, str):
        return {"ThumbnailURL": one}
    if not isinstance(one, dict) or not isinstance(one.get("url"), str):
        return {}
    sizes = {
        theirs: one[ours] for theirs, ours in (("Width", "width"), ("Height", "height")) if type(one.get(ours)) is int
    }
    return {"ThumbnailURL": one["url"], **sizes}


def _attributes(metadata: Any) -> list[Document] | None:
    custom = metadata.get("custom") if isinstance(metadata, dict) else None
    return [{"Name": name, "Value": value} for name, value in custom.items()] if isinstance(custom, dict) else None


def _unzoned(value: Any) -> str | None:
    try:
        return show_time(read_time(value))[:-1] if isinstance(value, str) else None
    except ValueError:
        return None


_FIELDS: Final[tuple[tuple[str, str, Callable[[Any], Any]], ...]] = (
    ("Title", "title", text),
    ("Description", "description", text),
    ("AddedBy", "user_id", _owner),
    ("Version", "version", _whole),
    ("Size", "size", _whole),
    ("Status", "status", _status),
    ("Format", "kind", _format),
    ("Thumbnails", "thumbnails", _thumbnails),
    ("FileName", "name", text),
    ("Tags", "tags", _words),
    ("Labels", "labels", _words),
    ("CustomAttributes", "metadata", _attributes),
)
"""The fields of an asset, each with ours and how it is written; what that gives None for is left out."""
