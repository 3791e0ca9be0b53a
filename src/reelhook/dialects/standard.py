"""The `standard` dialect: Standard Webhooks 1.0.0, the default."""

from collections.abc import Sequence
from typing import Final

import msgspec

from reelhook.dialects import canonical_names, selection, webhook_signature
from reelhook.dialects.dialect import PATIENT, Body, Carried, Context, Message, SigningKeys
from reelhook.dialects.options import check_options
from reelhook.dialects.room import Room
from reelhook.errors import FieldError
from reelhook.model.endpoint import Endpoint
from reelhook.model.event import Event
from reelhook.model.instant import show_time
from reelhook.model.secret import Secret

_OPTIONS: Final = {webhook_signature.ED25519_OPTION: bool}
_SUFFIX: Final = b"}"


class Standard(Room):
    """Sends `{"type", "timestamp", "data"}`, the data as they were posted, under the names of the catalogue."""

    name: Final = "standard"
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
        """Check options, payload selection and secret."""
        errors = check_options(endpoint.options, _OPTIONS)
        errors += selection.check_payload(endpoint.payload)
        if endpoint.secret is not None:
            errors += webhook_signature.check_secret(endpoint.secret)
        return errors

    def links_in(self, event_type: str, endpoint: Endpoint) -> Carried:  # noqa: ARG002 - the protocol
        """Return those that the endpoint has chosen, which is all where it has chosen nothing."""
        return selection.links_in(endpoint.payload)

    def shape(self, event: Event, endpoint: Endpoint, context: Context) -> Body:  # noqa: ARG002 - the protocol
        """Put the data into their envelope; `timestamp` is when it happened, not when it is sent."""
        data = selection.select(event.data, endpoint.payload)
        head = {"type": event.type, "timestamp": show_time(event.occurred_at)}
        prefix = msgspec.json.encode(head)[:-1] + b',"data":'
        frame = (prefix, _SUFFIX) if data is event.data else None
        return Body(prefix + data + _SUFFIX, frame)

    def sign(self, body: bytes, message: Message, keys: SigningKeys, endpoint: Endpoint) -> list[tuple[str, str]]:  # noqa: ARG002
        """Return `webhook-id`, `webhook-timestamp` and `webhook-signature`."""
        return webhook_signature.sign(body, message.id, message.timestamp, keys, message.now)

    def key(self, secret: Secret) -> bytes:
        """Return the bytes behind `whsec_`."""
        return webhook_signature.key_of(secret)

    def new_secret(self, random_bytes: bytes) -> str | None:
        """Write a `whsec_` secret from 24 random bytes."""
        return webhook_signature.new_secret(random_bytes)


STANDARD: Final = Standard()
