"""The body: VIDIZMO's event-log object, flat, with what the event is about as JSON in a string."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from reelhook.dialects.media import Media
from reelhook.dialects.vidizmo import detail
from reelhook.dialects.vidizmo.detail import Happening
from reelhook.dialects.vidizmo.names import WORDS
from reelhook.dialects.vidizmo.subject import CHAT, Document, Subject, of_live, of_media, of_part, person, text
from reelhook.dialects.vidizmo.tenant import tenant_of
from reelhook.model.endpoint import Endpoint
from reelhook.model.event import Event
from reelhook.model.instant import show_time

LIVE_SUBJECTS: Final = "live_subjects"
"""The option that lets meetings say which live event they are about."""
_ENCODER: Final = msgspec.json.Encoder()


class About(NamedTuple):
    """How the subject of an event is named, and which document tells of it; None where VIDIZMO sends none."""

    subject: Callable[[Media], Subject]
    detail: Callable[[Happening], Document] | None = None


_MEDIA: Final = About(of_media, detail.mashup)
_LIVE: Final = About(of_live, detail.mashup)
_CHAT: Final = About(lambda _: CHAT)
_FAMILIES: Final[Mapping[str, About]] = {
    "LiveMashup": _LIVE,
    "MashupAdded": _MEDIA,
    "MashupUpdated": _MEDIA,
    "MashupPublished": _MEDIA,
    "MashupDeleted": _MEDIA,
    "MashupClipped": _MEDIA,
    "Mashup": About(of_media),
    "Comment": About(of_media, detail.comment),
    "CustomAttribute": About(lambda media: of_part(media, "attribute", "CustomAttribute"), detail.attribute),
    "Category": About(lambda media: of_part(media, "category", "Category"), detail.category),
    "Workflow": About(lambda media: of_part(media, "workflow", "Workflow"), detail.workflow),
    "Meeting": _CHAT,
}
"""By the beginning of the id, the first that fits."""
_ABOUT: Final[Mapping[str, About]] = {
    name: next(about for family, about in _FAMILIES.items() if name.startswith(family)) for name in WORDS
}


def tells_of_asset(name: str, endpoint: Endpoint) -> bool:
    """Tell whether `subjectDetail` holds the asset whole."""
    return _about(name, endpoint).detail is detail.mashup


def event_log(event: Event, name: str, endpoint: Endpoint) -> bytes:
    """Write the object; what is absent is left out, but for the user, whom every event of VIDIZMO's has.

    `id` is a number as text, as VIDIZMO's are: the event's own, or the id that the publisher gave it. `eventDate` is
    UTC without saying so.
    """
    media = Media(event)
    about = _about(name, endpoint)
    subject = about.subject(media)
    date = show_time(event.occurred_at)[:-1]
    tenant = tenant_of(event.app_id, endpoint)
    log: dict[str, Any] = {"id": event.given_id or str(event.id), "vidizmoEventId": name, "eventDate": date}
    if (ip := text(media.data.get("ip"))) is not None:
        log["ip"] = ip
    log["status"] = "Success"
    log["subjectType"] = subject.type
    log["subjectId"] = subject.id
    if subject.title is not None:
        log["subjectTitle"] = subject.title
    log["tenant"] = tenant.plain
    if about.detail is not None:
        happening = Happening(event.type, name, date, media, subject, tenant.pascal)
        log["subjectDetail"] = _ENCODER.encode(about.detail(happening)).decode()
    log["user"] = person(media.part("user"))
    log["isSystem"] = False
    return _ENCODER.encode(log)


def _about(name: str, endpoint: Endpoint) -> About:
    about = _ABOUT[name]
    return _LIVE if about is _CHAT and endpoint.options.get(LIVE_SUBJECTS) is True else about
