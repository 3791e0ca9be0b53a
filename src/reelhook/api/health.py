"""Whether the process lives, whether it works, and its figures; without a token."""

from typing import Literal

import msgspec

from reelhook.api.exchange import Call, Text
from reelhook.errors import Unavailable
from reelhook.telemetry import METRICS_TYPE


class HealthDocument(msgspec.Struct):
    """All is well."""

    status: Literal["ok"] = "ok"


async def alive(call: Call) -> HealthDocument:  # noqa: ARG001 - the form of every route
    """Say that the process answers."""
    return HealthDocument()


async def ready(call: Call) -> HealthDocument:
    """Say that events are accepted and delivered; 503 when the store or the dispatcher is not working."""
    reason = call.services.ready()
    if reason is not None:
        raise Unavailable(reason)
    return HealthDocument()


async def metrics(call: Call) -> Text:
    """Write the figures in the Prometheus text format."""
    return Text(call.services.metrics(), METRICS_TYPE)
