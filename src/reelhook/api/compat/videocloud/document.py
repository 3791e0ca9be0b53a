"""A webhook as VideoCloud shows it, and the envelopes around it."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from reelhook.dialects.videocloud import VIDEOCLOUD
from reelhook.model.endpoint import Endpoint, EndpointState
from reelhook.model.instant import show_time
from reelhook.model.standing import EndpointStanding

Status = Literal["active", "paused", "failed", "disabled"]
Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
"""ISO 8601 in whole seconds, UTC, with `Z`."""


class VideoCloudDelivery(msgspec.Struct):
    """The last delivery."""

    success: bool
    timestamp: Time


class VideoCloudWebhookDocument(msgspec.Struct, kw_only=True, rename="camel"):
    """A webhook; the list shows its last delivery too, once there is one. The secret is never shown."""

    id: str
    url: str
    events: tuple[str, ...]
    status: Status
    created_at: Time
    last_delivery: VideoCloudDelivery | UnsetType = UNSET


class VideoCloudWebhookAnswer(msgspec.Struct):
    """One webhook."""

    success: Literal[True]
    data: VideoCloudWebhookDocument


class VideoCloudItems(msgspec.Struct):
    """All webhooks."""

    items: tuple[VideoCloudWebhookDocument, ...]


class VideoCloudListAnswer(msgspec.Struct):
    """The list."""

    success: Literal[True]
    data: VideoCloudItems


class VideoCloudDoneAnswer(msgspec.Struct):
    """It is done, and there is nothing to say."""

    success: Literal[True]
    data: None


def show(endpoint: Endpoint, standing: EndpointStanding) -> VideoCloudWebhookDocument:
    """Write a webhook."""
    return VideoCloudWebhookDocument(
        id=VIDEOCLOUD.compat_id(endpoint.id) or "",
        url=endpoint.url,
        events=events_of(endpoint),
        status=status_of(endpoint, standing),
        created_at=_time(endpoint.created_at),
    )


def show_with_delivery(endpoint: Endpoint, standing: EndpointStanding) -> VideoCloudWebhookDocument:
    """Write a webhook as the list shows it."""
    document = show(endpoint, standing)
    if standing.last_at is not None:
        document.last_delivery = VideoCloudDelivery(bool(standing.last_succeeded), _time(standing.last_at))
    return document


def status_of(endpoint: Endpoint, standing: EndpointStanding) -> Status:
    """Return how a webhook stands: one whose last attempt was used up is failed, although it still receives."""
    if endpoint.state is EndpointState.PAUSED:
        return "paused"
    if endpoint.state is EndpointState.DISABLED:
        return "disabled"
    return "failed" if standing.failed(endpoint.updated_at) else "active"


def events_of(endpoint: Endpoint) -> tuple[str, ...]:
    """Return what a webhook subscribes to; one made elsewhere may subscribe to all without naming any."""
    return endpoint.events or VIDEOCLOUD.translation.names


def _time(millisecond: int) -> str:
    return f"{show_time(millisecond)[:19]}Z"
