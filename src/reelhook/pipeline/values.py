"""Values: what the stages hand to each other. They stand apart from the stages, because those are compiled and values
are not: it is msgspec that makes them, and that checks what is read into them.
"""

from typing import Annotated, Any

import msgspec

from reelhook.dialects.dialect import NO_CONTEXT, Body, Context
from reelhook.model.attempt import Verdict
from reelhook.model.event import ID_PATTERN, LONGEST_NAME, TYPE_PATTERN, Event
from reelhook.model.http import Response
from reelhook.model.quota import Quota


def _said(**constraint: Any) -> msgspec.Meta:
    """Write a constraint into the API's documentation; it is `_check` that keeps it, with words of its own."""
    return msgspec.Meta(extra_json_schema=constraint)


class Draft(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """An event as it is posted; `data` is kept as the JSON text that it is."""

    type: Annotated[str, _said(pattern=f"^{TYPE_PATTERN}$", maxLength=LONGEST_NAME)]
    data: msgspec.Raw
    id: Annotated[str, _said(pattern=f"^{ID_PATTERN}$", maxLength=LONGEST_NAME)] | None = None
    occurred_at: Annotated[str, _said(format="date-time")] | None = None
    ordering_key: Annotated[str, _said(minLength=1, maxLength=LONGEST_NAME)] | None = None


class Receipt(msgspec.Struct, gc=False):
    """What the publisher gets back for one event."""

    id: str
    type: str
    accepted_at: str
    deliveries: int


class Receipts(msgspec.Struct, gc=False):
    """What the publisher of a batch gets back, in the order of the batch."""

    items: list[Receipt]


class Prepared(msgspec.Struct, frozen=True, gc=False):
    """What was fetched: the access token, and the context for shape and sign. `kept`: the token is from an earlier
    attempt. `event` is what is sent instead of the event itself: the same with fresh links.
    """

    bearer: str | None = None
    context: Context = NO_CONTEXT
    kept: bool = False
    event: Event | None = None

    def under(self, quota: Quota) -> "Prepared":
        """Return the same for an attempt that counts against a quota."""
        context = msgspec.structs.replace(self.context, quota=quota)
        return msgspec.structs.replace(self, context=context)


class Shaped(msgspec.Struct, frozen=True, gc=False):
    """A body and what its dialect calls the event."""

    event_name: str
    body: Body

    def whole(self) -> "Shaped":
        """Return the same for the log to store whole: the data in it are not those of the event that is stored."""
        return Shaped(self.event_name, msgspec.structs.replace(self.body, frame=None))


class Exchange(msgspec.Struct, gc=False):
    """What was sent, what came back, what it means; `head` is the masked one. `renewed`: it is the second request of
    its attempt, because the first was refused with an access token that was kept.
    """

    shaped: Shaped | None
    head: bytes
    response: Response
    verdict: Verdict
    renewed: bool = False


class Health(msgspec.Struct, frozen=True):
    """How an endpoint has fared lately.

    `failing_since` (ms) is when the attempts began to fail, None after a success; `failures` counts them since then.
    `window` holds `(step, attempts, failures)` for the steps of the rule's window, oldest first.
    """

    failing_since: int | None = None
    failures: int = 0
    window: tuple[tuple[int, int, int], ...] = ()

    @property
    def healthy(self) -> bool:
        """Tell whether the last attempt succeeded, or there was none."""
        return self.failing_since is None
