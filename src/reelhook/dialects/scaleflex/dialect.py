"""The `scaleflex` dialect: the limits of its endpoints, and its envelope."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from reelhook.dialects.dialect import NO_LINKS, PATIENT, Body, Carried, Context, Message, SigningKeys
from reelhook.dialects.foreign import Foreign, check_secret
from reelhook.dialects.media import Media
from reelhook.dialects.options import check_options
from reelhook.dialects.scaleflex.body import changes_of, file_of
from reelhook.dialects.scaleflex.names import FIELDS, GROUPS, NAMES, TELL_CHANGES
from reelhook.errors import FieldError, NotExpressible
from reelhook.model.endpoint import Endpoint, Payload
from reelhook.model.event import Event
from reelhook.model.instant import show_time
from reelhook.model.pointer import pointer

_ENCODER: Final = msgspec.json.Encoder()


class Scaleflex(Foreign):
    """Sends `{"event", "timestamp", "file"}`, and `changes` where there are any; up to 5 endpoints an app."""

    name: Final = "scaleflex"
    title = "Scaleflex"
    translation = NAMES
    defaults: Final = msgspec.structs.replace(PATIENT, endpoints_per_app=5, headers_per_endpoint=10)

    def check(self, endpoint: Endpoint) -> list[FieldError]:
        """Check options, the chosen details, and the secret, which is kept and not used."""
        return [
            *check_options(endpoint.options, {}),
            *check_secret(endpoint),
            *_check_payload(endpoint.payload),
        ]

    def links_in(self, event_type: str, endpoint: Endpoint) -> Carried:  # noqa: ARG002 - the protocol
        """Carry none of them: `cdn_link` and `playlist_url` are addresses of another kind."""
        return NO_LINKS

    def shape(self, event: Event, endpoint: Endpoint, context: Context) -> Body:  # noqa: ARG002 - the protocol
        """Write the envelope; `timestamp` is when it happened."""
        name = self.name_of(event.type)
        if name is None:
            raise NotExpressible(f"Scaleflex has no word for {event.type}.")
        media = Media(event)
        body: dict[str, Any] = {
            "event": name,
            "timestamp": show_time(event.occurred_at),
            "file": file_of(media, endpoint.payload),
        }
        if name in TELL_CHANGES or isinstance(media.data.get("changes"), list):
            body["changes"] = changes_of(media)
        return Body(_ENCODER.encode(body))

    def sign(self, body: bytes, message: Message, keys: SigningKeys, endpoint: Endpoint) -> list[tuple[str, str]]:  # noqa: ARG002
        """Sign nothing: receivers know the sender by its credentials."""
        return []


def _check_payload(payload: Payload) -> Iterator[FieldError]:
    for chosen, known, what in ((payload.fields, FIELDS, "field"), (payload.groups, GROUPS, "group")):
        for place, name in enumerate(chosen):
            if name not in known:
                detail = f"{name[:60]!r} is no {what} of Scaleflex; there are {', '.join(known)}"
                yield FieldError(detail, pointer("payload", f"{what}s", place))


SCALEFLEX: Final = Scaleflex()
