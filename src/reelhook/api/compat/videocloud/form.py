"""What clients of VideoCloud may say of a webhook, and how it is said of an endpoint."""

from typing import Annotated, Any, ClassVar, Final

from msgspec import Meta

from reelhook.api.compat.endpoints import Words
from reelhook.api.compat.videocloud.document import Status, events_of
from reelhook.api.endpoint_form import EndpointInput
from reelhook.api.reading import Input, Patch
from reelhook.dialects.videocloud import VIDEOCLOUD
from reelhook.model.endpoint import Endpoint, EndpointState
from reelhook.model.secret import MASK, Secret

WORDS: Final[Words] = {"hostname": "url", "path": "url", "state": "status"}
_MOST_EVENTS: Final = 100
_NAMES: Final = {"enum": list(VIDEOCLOUD.translation.names)}
EventName = Annotated[str, Meta(extra_json_schema=_NAMES)]


class VideoCloudWebhookInput(Input):
    """A webhook. `failed` as a status is only ever shown; sent back, it says nothing."""

    READ_ONLY: ClassVar[tuple[str, ...]] = ("id", "createdAt", "lastDelivery")
    NULLABLE: ClassVar[tuple[str, ...]] = ("secret",)

    url: str
    events: Annotated[tuple[EventName, ...], Meta(min_length=1, max_length=_MOST_EVENTS)]
    secret: Secret | None = None
    status: Status = "active"


def endpoint_form(form: VideoCloudWebhookInput) -> EndpointInput:
    """Return the endpoint that a new webhook is."""
    return EndpointInput(
        dialect=VIDEOCLOUD.name, url=form.url, events=form.events, secret=form.secret, state=_state(form.status)
    )


def changes(patch: Patch[VideoCloudWebhookInput], endpoint: Endpoint) -> dict[str, Any]:
    """Return what is given, as fields of an endpoint.

    Raises:
        Invalid: the webhook would not have the shape.
    """
    seen = {
        "url": endpoint.url,
        "events": list(events_of(endpoint)),
        "secret": None if endpoint.secret is None else MASK,
        "status": endpoint.state.value,
    }
    wanted = patch.onto(seen)
    values: dict[str, Any] = {name: patch.values[name] for name in ("url", "secret") if name in patch}
    if "events" in patch and list(wanted.events) != seen["events"]:
        values["events"] = list(wanted.events)
    if "status" in patch and wanted.status != "failed":
        values["state"] = _state(wanted.status)
    return values


def _state(status: Status) -> EndpointState:
    return EndpointState.ACTIVE if status == "failed" else EndpointState(status)
