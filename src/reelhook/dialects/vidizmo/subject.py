"""What an event is about, whom it is from and when it was, in VIDIZMO's words."""

from typing import Any, Final, NamedTuple

from reelhook.dialects.media import Media, foreign_id
from reelhook.dialects.vidizmo.names import FORMATS, SYSTEM

Document = dict[str, Any]
Id = str | int
NONE: Final = 0
"""VIDIZMO's id of nobody and nothing."""
NOBODY: Final[Document] = {"id": NONE}
PERSON: Final = (("firstName", "first_name"), ("lastName", "last_name"), ("emailAddress", "email"))
_LONGEST_NUMBER: Final = 18


class Subject(NamedTuple):
    """Type, id and title, as the event log tells them."""

    type: str
    id: Id
    title: str | None


CHAT: Final = Subject("Chat", NONE, "Chat")
"""What VIDIZMO says that a meeting is about, whichever it is."""


def of_media(media: Media) -> Subject:
    """Name the asset, a video where its kind is not said."""
    asset = media.asset
    kind = FORMATS.get(text(asset.get("kind")) or "", "Video")
    return Subject(kind, media_id(media), text(asset.get("title")) or text(asset.get("name")))


def of_live(media: Media) -> Subject:
    """Name a live event, whatever kind its asset is said to be."""
    return of_media(media)._replace(type="Live")


def of_part(media: Media, name: str, kind: str) -> Subject:
    """Name what stands beside the asset: an attribute, a category, a workflow."""
    part = media.part(name)
    return Subject(kind, id_of(part), text(part.get("name")))


def media_id(media: Media) -> Id:
    """Return the id of the asset; a live event is known by either of its two, VIDIZMO's own first."""
    asset = media.asset
    if "live" not in media.data:
        return id_of(asset)
    live = media.part("live")
    for one in ({"id": _known(asset)}, {"id": _known(live)}, asset, live):
        if identifier := id_of(one):
            return identifier
    return NONE


def id_of(subject: Document) -> Id:
    """Return an id as VIDIZMO writes it: a number where it is one, 0 for none."""
    return number(foreign_id(subject, SYSTEM))


def number(identifier: Id | None) -> Id:
    """Return the number that a text of digits stands for; any other text as it is."""
    if isinstance(identifier, str):
        digits = len(identifier) <= _LONGEST_NUMBER and identifier.isascii() and identifier.isdecimal()
        return int(identifier) if digits and (identifier[0] != "0" or identifier == "0") else identifier
    return NONE if identifier is None else identifier


def person(user: Document) -> Document:
    """Describe a user as `userProfileInfo` does."""
    if not user:
        return NOBODY
    known: Document = {theirs: said for theirs, ours in PERSON if (said := text(user.get(ours)))}
    known["id"] = id_of(user)
    return known


def text(value: Any) -> str | None:
    """Return a text, None of anything else and of an empty one."""
    return value if isinstance(value, str) and value else None


def _known(subject: Document) -> Any:
    ids = subject.get("ids")
    return ids.get(SYSTEM) if isinstance(ids, dict) else None
