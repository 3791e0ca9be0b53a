"""A turn: what an endpoint remembers of being made active, paused or disabled."""

from typing import NamedTuple

from reelhook.model.endpoint import DisabledReason, Disabling, Endpoint, EndpointState


class Turn(NamedTuple):
    """The fields of an endpoint that a change of its state decides."""

    state: EndpointState
    disabled_reason: DisabledReason | None
    enabled_at: int | None
    disabled_at: int | None
    disabling: Disabling | None


def turn(
    state: EndpointState,
    current: Endpoint | None,
    now: int,
    reason: DisabledReason = DisabledReason.MANUAL,
    disabling: Disabling | None = None,
) -> Turn:
    """Return what holds of the next version of an endpoint, or of a new one, that is in this state from `now` (ms) on.

    `reason` and `disabling` say why it is disabled and with which figures, where it was not before. What is said of the
    last disabling stays until there is another one.
    """
    active = state is EndpointState.ACTIVE
    if current is None:
        # One that is made disabled was never anything else.
        return Turn(state, reason if state is EndpointState.DISABLED else None, now if active else None, None, None)
    enabled_at = now if active and current.state is not EndpointState.ACTIVE else current.enabled_at
    if state is not EndpointState.DISABLED:
        return Turn(state, None, enabled_at, current.disabled_at, current.disabling)
    if current.state is EndpointState.DISABLED:
        return Turn(state, current.disabled_reason, enabled_at, current.disabled_at, current.disabling)
    return Turn(state, reason, enabled_at, now, disabling)
