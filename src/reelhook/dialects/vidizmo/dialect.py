"""The `vidizmo` dialect: the rules of its endpoints, and its way of choosing events."""

from collections.abc import Sequence
from typing import Final

from reelhook.dialects.dialect import NO_LINKS, Body, Carried, Context, Defaults, DisableRule, Message, SigningKeys
from reelhook.dialects.foreign import Foreign, check_secret, check_unselected
from reelhook.dialects.options import check_options
from reelhook.dialects.vidizmo import tenant
from reelhook.dialects.vidizmo.body import LIVE_SUBJECTS, event_log, tells_of_asset
from reelhook.dialects.vidizmo.names import CATEGORIES, NAMES, WORDS
from reelhook.errors import FieldError, NotExpressible
from reelhook.model.endpoint import SUBSCRIBE_CATEGORY, Endpoint, FixedRetry
from reelhook.model.event import Event

_OPTIONS: Final[dict[str, type]] = {**tenant.OPTIONS, LIVE_SUBJECTS: bool}
_KNOWN: Final = frozenset([*WORDS, *(SUBSCRIBE_CATEGORY + one for one in CATEGORIES)])


class Vidizmo(Foreign):
    """Sends the event-log object, unsigned; three retries of what may pass, and no endpoint outlives what may not."""

    name: Final = "vidizmo"
    title = "VIDIZMO"
    translation = NAMES
    defaults: Final = Defaults(
        retry=FixedRetry(3, 5),
        timeout=15.0,
        jitter=0.0,
        retries_non_transient=False,
        disable=DisableRule(gone=False, non_transient=True),  # a 410 is one lasting error among others
        tested_before_saving=True,
    )

    def subscribes(self, entry: str, event_type: str, category: str) -> bool:  # noqa: ARG002 - the protocol
        """Tell whether an entry is the event's id, or `category:` and the category that VIDIZMO has it in."""
        name = NAMES.name_of(event_type)
        return name is not None and entry in (name, SUBSCRIBE_CATEGORY + WORDS[name].category)

    def check_events(self, events: Sequence[str]) -> list[FieldError]:
        """Say which entries are neither ids nor categories."""
        categories = ", ".join(SUBSCRIBE_CATEGORY + one for one in CATEGORIES)
        return [
            FieldError(
                f"{entry[:60]!r} is no event of VIDIZMO; there are the categories {categories}, "
                f"and the ids {', '.join(WORDS)}",
                f"/events/{place}",
            )
            for place, entry in enumerate(events)
            if entry not in _KNOWN
        ]

    def check(self, endpoint: Endpoint) -> list[FieldError]:
        """Check what the system has no room for: other options, chosen fields. A secret is kept and not used."""
        return [
            *check_options(endpoint.options, _OPTIONS),
            *check_unselected(endpoint, "VIDIZMO"),
            *check_secret(endpoint),
        ]

    def links_in(self, event_type: str, endpoint: Endpoint) -> Carried:
        """Return all thumbnails, where the event tells of an asset whole."""
        name = NAMES.name_of(event_type)
        return Carried(thumbnails=None) if name is not None and tells_of_asset(name, endpoint) else NO_LINKS

    def shape(self, event: Event, endpoint: Endpoint, context: Context) -> Body:  # noqa: ARG002 - the protocol
        """Write the event-log object."""
        name = NAMES.name_of(event.type)
        if name is None:
            raise NotExpressible(f"VIDIZMO has no word for {event.type}.")
        return Body(event_log(event, name, endpoint))

    def sign(self, body: bytes, message: Message, keys: SigningKeys, endpoint: Endpoint) -> list[tuple[str, str]]:  # noqa: ARG002
        """Sign nothing: VIDIZMO's receivers know their sender by its credentials."""
        return []


VIDIZMO: Final = Vidizmo()
