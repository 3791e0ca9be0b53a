"""What all dialects do alike unless their system wants it otherwise."""

from reelhook.model.access import App
from reelhook.model.endpoint import Endpoint, RateLimit
from reelhook.model.event import Event


class Room:
    """The common ground of dialects: JSON bodies, no preferences, nothing refused, no quota, no API of its own."""

    @property
    def shared(self) -> frozenset[str]:
        """No two types bear one name."""
        return frozenset()

    def rank(self, event_type: str) -> int:  # noqa: ARG002 - the protocol
        """Prefer no type over another."""
        return 0

    def repeats(self, one: str, other: str) -> bool:  # noqa: ARG002 - the protocol
        """Take no two types for one change."""
        return False

    def objection(self, event: Event, endpoint: Endpoint, first_context: str | None) -> str | None:  # noqa: ARG002
        """Refuse nothing for what stands in the event."""
        return None

    def quota(self, app: App) -> RateLimit | None:  # noqa: ARG002
        """Set no limit for all endpoints of an app together."""
        return None

    def compat_id(self, endpoint_id: int) -> str | None:  # noqa: ARG002
        """Give no name: there is no management API but ours."""
        return None

    def content_type(self) -> str:
        """Return the media type of JSON."""
        return "application/json"
