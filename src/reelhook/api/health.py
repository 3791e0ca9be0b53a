"""Whether the process lives, whether it works, and its figures; without a token."""

from typing import Literal

import msgspec

from reelhook.api.exchange import Call, Text
from reelhook.errors import Unavailable
from reelhook.model.instant import show_time
from reelhook.telemetry import METRICS_TYPE


class HealthDocument(msgspec.Struct):
    """All is well. While the installation is on hold, `held_since` says since when nothing is sent."""

    status: Literal["ok"] = "ok"
    held_since: str | msgspec.UnsetType = msgspec.UNSET


async def alive(call: Call) -> HealthDocument:  # noqa: ARG001 - the form of every route
    """Say that the process answers."""
    return HealthDocument()


async def ready(call: Call) -> HealthDocument:
    """Say that events are accepted and delivered, or on hold; 503 when store or dispatcher are not working."""
    reason = call.services.ready()
    if reason is not None:
        raise Unavailable(reason)
    since = call.services.held_since()
    return HealthDocument(held_since=msgspec.UNSET if since is None else show_time(since))


async def metrics(call: Call) -> Text:
    """Write the figures in the Prometheus text format."""
    return Text(call.services.metrics(), METRICS_TYPE)
