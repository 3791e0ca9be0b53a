"""Standing: how the deliveries of an endpoint have fared, as the management APIs of other systems report it."""

import msgspec


class EndpointStanding(msgspec.Struct, frozen=True, gc=False):
    """How an endpoint stands with what was sent to it; tests do not count.

    `last_at` (ms) is when its last attempt was made and `last_succeeded` how it ended, None before the first.
    `exhausted_at` (ms) is when a delivery was last given up after its last attempt, None when there was no such, or an
    attempt has succeeded since.
    """

    last_at: int | None = None
    last_succeeded: bool | None = None
    exhausted_at: int | None = None

    def failed(self, changed_at: int) -> bool:
        """Tell whether it is to be called failed: a delivery was given up after its owner changed it last (ms)."""
        return self.exhausted_at is not None and self.exhausted_at > changed_at
