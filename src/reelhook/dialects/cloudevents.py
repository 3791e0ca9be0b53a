"""The `cloudevents` dialect: CloudEvents 1.0 in structured mode, where the signature covers every attribute."""

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from reelhook.dialects import canonical_names, selection, webhook_signature
from reelhook.dialects.dialect import PATIENT, Body, Carried, Context, Message, SigningKeys
from reelhook.dialects.foreign import LONGEST_SECRET
from reelhook.dialects.options import check_options
from reelhook.dialects.room import Room
from reelhook.errors import FieldError
from reelhook.model.endpoint import Endpoint
from reelhook.model.event import Event
from reelhook.model.instant import show_time
from reelhook.model.secret import Secret

SOURCE_OPTION: Final = "source"

_OPTIONS: Final = {webhook_signature.ED25519_OPTION: bool, SOURCE_OPTION: str}
_SUFFIX: Final = b"}"
_URI_REFERENCE: Final = re.compile(r"(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2}){1,256}\Z")


class _Named(msgspec.Struct):
    id: str | int | None = None


class _About(msgspec.Struct):
    """What the subject is read from: the asset's id, nothing else of the data is decoded."""

    asset: _Named | None = None


_ABOUT: Final = msgspec.json.Decoder(_About)


class CloudEvents(Room):
    """Sends one JSON object with the event's attributes and its data, the data as they were posted."""

    name: Final = "cloudevents"
    defaults: Final = PATIENT

    def name_of(self, event_type: str, endpoint: Endpoint | None = None) -> str | None:  # noqa: ARG002 - the protocol
        """Return the type itself: these are the canonical words."""
        return event_type

    def subscribes(self, entry: str, event_type: str, category: str) -> bool:
        """Tell whether an entry names the event: exactly, by wildcard or by category."""
        return canonical_names.subscribes(entry, event_type, category)

    def check_events(self, events: Sequence[str]) -> list[FieldError]:
        """Say which entries can never name an event."""
        return canonical_names.check_events(events)

    def check(self, endpoint: Endpoint) -> list[FieldError]:
        """Check options (`source` among them), payload selection and secret."""
        errors = check_options(endpoint.options, _OPTIONS)
        errors += _check_source(endpoint.options.get(SOURCE_OPTION, "/"))
        errors += selection.check_payload(endpoint.payload)
        if endpoint.secret is not None and not 1 <= len(endpoint.secret.reveal()) <= LONGEST_SECRET:
            errors.append(FieldError(f"a secret has 1 to {LONGEST_SECRET} characters", "/secret"))
        return errors

    def links_in(self, event_type: str, endpoint: Endpoint) -> Carried:  # noqa: ARG002 - the protocol
        """Return those that the endpoint has chosen, which is all where it has chosen nothing."""
        return selection.links_in(endpoint.payload)

    def shape(self, event: Event, endpoint: Endpoint, context: Context) -> Body:  # noqa: ARG002 - the protocol
        """Put the data behind the attributes; `id` is the same on every attempt, and the same as `webhook-id`."""
        data = selection.select(event.data, endpoint.payload)
        prefix = msgspec.json.encode(_attributes(event, endpoint))[:-1] + b',"data":'
        frame = (prefix, _SUFFIX) if data is event.data else None
        return Body(prefix + data + _SUFFIX, frame)

    def content_type(self) -> str:
        """Return the media type of structured mode."""
        return "application/cloudevents+json; charset=utf-8"

    def sign(self, body: bytes, message: Message, keys: SigningKeys, endpoint: Endpoint) -> list[tuple[str, str]]:  # noqa: ARG002
        """Return the headers of Standard Webhooks over the whole body."""
        return webhook_signature.sign(body, message.id, message.timestamp, keys, message.now)

    def key(self, secret: Secret) -> bytes:
        """Return the bytes behind `whsec_`, or those of any other text as it stands."""
        return webhook_signature.key_of_text(secret)

    def new_secret(self, random_bytes: bytes) -> str | None:
        """Write a `whsec_` secret from 24 random bytes."""
        return webhook_signature.new_secret(random_bytes)


def _attributes(event: Event, endpoint: Endpoint) -> dict[str, str]:
    attributes = {
        "specversion": "1.0",
        "id": event.public_id,
        "source": endpoint.options.get(SOURCE_OPTION) or f"/apps/{event.app_id}",
        "type": event.type,
        "time": show_time(event.occurred_at),
        "datacontenttype": "application/json",
        # Extension `sequence`: ids grow with acceptance; padded, because it is compared as text.
        "sequence": f"{event.id:019d}",
    }
    subject = _subject(event.data)
    if subject:
        attributes["subject"] = subject
    if event.ordering_key:
        attributes["partitionkey"] = event.ordering_key
    return attributes


def _subject(data: bytes) -> str:
    """Return the asset's id; empty when the event is not about an asset."""
    try:
        asset = _ABOUT.decode(data).asset
    except (msgspec.MsgspecError, RecursionError):
        return ""  # data of any other form are welcome; they have no subject
    return str(asset.id) if asset is not None and asset.id is not None else ""


def _check_source(source: Any) -> list[FieldError]:
    """Check a URI-reference (CloudEvents 1.0, `source`): not empty, the characters of RFC 3986."""
    if not isinstance(source, str) or _URI_REFERENCE.match(source):
        return []
    return [FieldError("source is a URI of 1 to 256 characters, such as https://media.example.com", "/options/source")]


CLOUD_EVENTS: Final = CloudEvents()
