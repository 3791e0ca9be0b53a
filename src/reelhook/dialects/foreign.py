"""What the dialects of foreign systems share: their names come from a table, their secrets are plain text."""

import base64
from collections.abc import Sequence
from typing import Final

from reelhook.dialects.room import Room
from reelhook.dialects.translation import Translation
from reelhook.errors import FieldError
from reelhook.model.endpoint import Endpoint, Payload
from reelhook.model.pointer import pointer
from reelhook.model.secret import Secret

LONGEST_SECRET: Final = 4096
"""Characters of a secret of free text."""


class Foreign(Room):
    """A system with its own names for events."""

    translation: Translation
    title: str
    """What the system calls itself."""

    def name_of(self, event_type: str, endpoint: Endpoint | None = None) -> str | None:
        """Return how the system calls a canonical event; None when it cannot be told of it."""
        return self.translation.name_of(event_type, endpoint.events if endpoint is not None else ())

    def subscribes(self, entry: str, event_type: str, category: str) -> bool:  # noqa: ARG002 - the protocol
        """Tell whether an entry is the event's name here, or an alias of it."""
        name = self.translation.name_of(event_type)
        return name is not None and self.translation.plain(entry) == name

    def check_events(self, events: Sequence[str]) -> list[FieldError]:
        """Say which entries are no names of the system."""
        known = self.translation.names
        return [
            FieldError(f"{entry[:60]!r} is no event of {self.title}; there are {', '.join(known)}", f"/events/{place}")
            for place, entry in enumerate(events)
            if entry not in known
        ]

    @property
    def shared(self) -> frozenset[str]:
        """The canonical types that bear their name here together with others."""
        return self.translation.shared

    def rank(self, event_type: str) -> int:
        """Return the place of a type among those that bear one name here."""
        return self.translation.rank(event_type)

    def repeats(self, one: str, other: str) -> bool:
        """Tell whether two types that bear one name here may be one change."""
        return self.translation.repeats(one, other)

    def key(self, secret: Secret) -> bytes:
        """Return the secret as it stands, in UTF-8."""
        return secret.reveal().encode()

    def new_secret(self, random_bytes: bytes) -> str | None:  # noqa: ARG002 - the protocol
        """Make none: whoever wants signatures brings a secret."""
        return None


def text_secret(random_bytes: bytes) -> str:
    """Write a secret of free text for whoever wants one made: letters, digits, `-` and `_`."""
    return base64.urlsafe_b64encode(random_bytes).decode().rstrip("=")


def check_secret(endpoint: Endpoint) -> list[FieldError]:
    """Say what is wrong with a secret of free text. Where a system signs nothing, it is kept and not used."""
    if endpoint.secret is None or 1 <= len(endpoint.secret.reveal()) <= LONGEST_SECRET:
        return []
    return [FieldError(f"a secret has 1 to {LONGEST_SECRET} characters", "/secret")]


def check_unselected(endpoint: Endpoint, system: str) -> list[FieldError]:
    """Refuse a choice of fields where the system lays down what a body holds: it would change nothing."""
    if endpoint.payload == Payload():
        return []
    return [FieldError(f"{system} lays down what a body holds, so there is nothing to choose", "/payload")]


def check_own_headers(endpoint: Endpoint, own: Sequence[str]) -> list[FieldError]:
    """Refuse custom headers by the names under which the system signs: a receiver would not know which one counts."""
    return [
        FieldError(f"{name} is the header of the signature; use a name of your own", pointer("headers", name))
        for name in endpoint.headers
        if name.lower() in own
    ]
