"""The `vimeo` dialect: the rules of its endpoints, and its envelope."""

from typing import Any, Final

import msgspec

from reelhook.dialects import hex_signature
from reelhook.dialects.dialect import NO_LINKS, Body, Carried, Context, Defaults, DisableRule, Message, SigningKeys
from reelhook.dialects.foreign import Foreign, check_secret, check_unselected
from reelhook.dialects.options import check_options
from reelhook.dialects.vimeo import headers
from reelhook.dialects.vimeo.body import data_of
from reelhook.dialects.vimeo.names import NAMES
from reelhook.dialects.vimeo.quota import WINDOW, quota_of_app
from reelhook.errors import FieldError, NotExpressible
from reelhook.model.access import App
from reelhook.model.endpoint import Endpoint, RateLimit, ScheduleRetry
from reelhook.model.event import Event
from reelhook.model.secret import MASK, Secret

_OPTIONS: Final = {headers.PREFIX_OPTION: str, headers.ALIAS_OPTION: str, headers.ECHO_OPTION: bool}
_ENCODER: Final = msgspec.json.Encoder()


class Vimeo(Foreign):
    """Sends `{"webhook_type", "data", "timestamp"}`, once; an endpoint that fails too often is disabled."""

    name: Final = "vimeo"
    title = "Vimeo"
    translation = NAMES
    defaults: Final = Defaults(
        retry=ScheduleRetry(()),
        timeout=15.0,
        disable=DisableRule(gone=True, failure_rate=0.5, of_attempts=20, within=3600),
    )

    def check(self, endpoint: Endpoint) -> list[FieldError]:
        """Check that there is one event, and what else the system lays down."""
        return [
            *_check_one_event(endpoint),
            *check_options(endpoint.options, _OPTIONS),
            *headers.check_prefix(endpoint.options.get(headers.PREFIX_OPTION)),
            *headers.check_alias(endpoint),
            *check_unselected(endpoint, "Vimeo"),
            *headers.check_custom(endpoint),
            *check_secret(endpoint),
        ]

    def quota(self, app: App) -> RateLimit | None:
        """Return what the app's account has, or what its limits say instead."""
        return RateLimit(quota_of_app(app), WINDOW)

    def compat_id(self, endpoint_id: int) -> str | None:
        """Return the endpoint's number: Vimeo's ids are decimal."""
        return str(endpoint_id)

    def links_in(self, event_type: str, endpoint: Endpoint) -> Carried:  # noqa: ARG002 - the protocol
        """Carry none: receivers ask Vimeo's API for them."""
        return NO_LINKS

    def shape(self, event: Event, endpoint: Endpoint, context: Context) -> Body:  # noqa: ARG002 - the protocol
        """Write the envelope; `timestamp` is when it happened, in Unix seconds."""
        name = NAMES.name_of(event.type)
        if name is None:
            raise NotExpressible(f"Vimeo has no word for {event.type}.")
        envelope = {"webhook_type": name, "data": data_of(name, event), "timestamp": event.occurred_at // 1000}
        if endpoint.secret is not None and endpoint.options.get(headers.ECHO_OPTION):
            return _with_secret(envelope, endpoint.secret)
        return Body(_ENCODER.encode(envelope))

    def sign(self, body: bytes, message: Message, keys: SigningKeys, endpoint: Endpoint) -> list[tuple[str, str]]:
        """Return the signature, none without a secret, and how the app's quota stands."""
        signed = hex_signature.sign(body, keys, message.now) if endpoint.secret is not None else None
        written = [] if signed is None else headers.signature_headers(signed, endpoint)
        quota = message.context.quota
        return written if quota is None else written + headers.quota_headers(quota)


def _with_secret(envelope: dict[str, Any], secret: Secret) -> Body:
    """Add the secret, for receivers that compare it instead of a signature; the log shows it masked."""
    shown = _ENCODER.encode(envelope | {"secret": MASK})
    return Body(_ENCODER.encode(envelope | {"secret": secret.reveal()}), shown=shown)


def _check_one_event(endpoint: Endpoint) -> list[FieldError]:
    if len(endpoint.events) == 1:
        return []
    return [FieldError("a Vimeo webhook is about exactly one event; make an endpoint for each", "/events")]


VIMEO: Final = Vimeo()
