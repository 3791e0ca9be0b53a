"""The `wochit` dialect: which drafts are told of, and its bodies."""

from typing import Final

import msgspec

from reelhook.dialects.dialect import PATIENT, Body, Carried, Context, Message, SigningKeys
from reelhook.dialects.foreign import Foreign, check_secret, check_unselected
from reelhook.dialects.media import Media
from reelhook.dialects.options import check_options
from reelhook.dialects.wochit.body import body_of, context_of
from reelhook.dialects.wochit.names import DRAFT_UPDATE, DRAFTS, FIELDS, NAMES
from reelhook.errors import FieldError, NotExpressible
from reelhook.model.endpoint import Endpoint
from reelhook.model.event import Event

_OPTIONS: Final = {"drafts": bool, "draft_updates": bool}
_LINK_LIFE: Final = 24 * 3600.0
_ENCODER: Final = msgspec.json.Encoder()


class Wochit(Foreign):
    """Sends flat bodies that begin with `type`; signs nothing. Links in them last a day."""

    name: Final = "wochit"
    title = "Wochit"
    translation = NAMES
    defaults: Final = msgspec.structs.replace(PATIENT, link_life=_LINK_LIFE, remembers_context=True)

    def check(self, endpoint: Endpoint) -> list[FieldError]:
        """Check options and the secret, which is kept and not used; there is nothing to choose from."""
        return [
            *check_options(endpoint.options, _OPTIONS),
            *check_secret(endpoint),
            *check_unselected(endpoint, "Wochit"),
        ]

    def objection(self, event: Event, endpoint: Endpoint, first_context: str | None) -> str | None:
        """Say why a draft is kept quiet: drafts management is off, or nobody gave the draft a context."""
        name = self.name_of(event.type)
        if name not in DRAFTS:
            return None
        if not endpoint.options.get("drafts", True):
            return "options.drafts is false, so nothing is told of drafts"
        if name == DRAFT_UPDATE and not endpoint.options.get("draft_updates", True):
            return "options.draft_updates is false, so updates of drafts are not told"
        if first_context is None and _own_context(event) is None:
            return "the draft has no context (data.asset.context), neither in this event nor in one before it"
        return None

    def links_in(self, event_type: str, endpoint: Endpoint) -> Carried:  # noqa: ARG002 - the protocol
        """Return those that the notification has a field for; of the thumbnails the first."""
        fields = FIELDS.get(self.name_of(event_type) or "", ())
        return Carried(url="videoUrl" in fields, thumbnails=1 if "thumbnailUrl" in fields else 0)

    def shape(self, event: Event, endpoint: Endpoint, context: Context) -> Body:  # noqa: ARG002 - the protocol
        """Write the flat body under its `type`."""
        name = self.name_of(event.type)
        if name is None:
            raise NotExpressible(f"Wochit has no word for {event.type}.")
        return Body(_ENCODER.encode(body_of(name, Media(event), context.first_context)))

    def sign(self, body: bytes, message: Message, keys: SigningKeys, endpoint: Endpoint) -> list[tuple[str, str]]:  # noqa: ARG002
        """Sign nothing: receivers know the sender by its addresses."""
        return []


def _own_context(event: Event) -> str | None:
    try:
        return context_of(Media(event))
    except (msgspec.MsgspecError, RecursionError):
        return None


WOCHIT: Final = Wochit()
