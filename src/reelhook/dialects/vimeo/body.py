"""What Vimeo says of an event: which video, which live event. Receivers ask its API for the rest."""

from typing import Final
from urllib.parse import quote

import msgspec

from reelhook.dialects.media import Media, foreign_id
from reelhook.dialects.vimeo.names import LIVE, SYSTEM
from reelhook.model.event import Event

Identifier = str | int | None


class _Ids(msgspec.Struct, gc=False):
    vimeo: Identifier = None


class _Subject(msgspec.Struct, gc=False):
    id: Identifier = None
    ids: _Ids | None = None


class _About(msgspec.Struct, gc=False):
    """All of the data that a body needs; the rest is passed over undecoded."""

    asset: _Subject | None = None
    live: _Subject | None = None


_ABOUT: Final = msgspec.json.Decoder(_About)


def data_of(name: str, event: Event) -> dict[str, str]:
    """Return the `data` of an event by its Vimeo name: the URIs of what it is about, those that are known.

    Raises:
        msgspec.MsgspecError: the event's data are not JSON.
    """
    video, live = _subjects(event)
    data = {}
    if video is not None:
        data["video_uri"] = data["clip_uri"] = f"/videos/{_segment(video)}"
    if live is not None and name.startswith(LIVE):
        data["live_event_uri"] = f"/live_events/{_segment(live)}"
    return data


def _subjects(event: Event) -> tuple[Identifier, Identifier]:
    """Return what Vimeo calls the asset and the live event."""
    try:
        about = _ABOUT.decode(event.data)
    except msgspec.ValidationError:
        # Not the canonical form: take what can be made out of it.
        media = Media(event)
        return foreign_id(media.asset, SYSTEM), foreign_id(media.part("live"), SYSTEM)
    return _called(about.asset), _called(about.live)


def _called(subject: _Subject | None) -> Identifier:
    if subject is None:
        return None
    known = subject.ids.vimeo if subject.ids is not None else None
    return known if known is not None and known != "" else subject.id


def _segment(identifier: str | int) -> str:
    """Write an id as one segment of a path: ids of other systems may hold anything."""
    return quote(str(identifier), safe="")
