"""What clients of Vimeo may say of a webhook, and how it is said of an endpoint."""

from typing import Annotated, Any, ClassVar, Final

import msgspec
from msgspec import Meta

from reelhook.api.compat.endpoints import Words
from reelhook.api.compat.vimeo.document import LARGEST_PAGE, PER_PAGE
from reelhook.api.endpoint_form import EndpointInput
from reelhook.api.reading import Input, Patch
from reelhook.dialects.vimeo import VIMEO
from reelhook.model.endpoint import Endpoint, EndpointState
from reelhook.model.secret import MASK, Secret

WORDS: Final[Words] = {
    "url": "webhook_url",
    "hostname": "webhook_url",
    "path": "webhook_url",
    "events": "webhook_type",
    "state": "is_enabled",
}
_TYPES: Final = {"enum": list(VIMEO.translation.names)}


class VimeoWebhookInput(Input):
    """A webhook: one event, one URL. It is not enabled unless it says so."""

    READ_ONLY: ClassVar[tuple[str, ...]] = (
        "uri",
        "app_uri",
        "created_on",
        "modified_on",
        "enabled_on",
        "disabled_on",
        "failure_rate_before_disabling",
        "requests_executed_before_disabling",
        "requests_failed_before_disabling",
        "last_request_time_before_disabling",
        "time_period_failure_rate",
    )
    NULLABLE: ClassVar[tuple[str, ...]] = ("secret",)

    webhook_url: str
    webhook_type: Annotated[str, Meta(extra_json_schema=_TYPES)]
    is_enabled: bool = False
    secret: Secret | None = None


class VimeoWebhookQuery(msgspec.Struct):
    """What a webhook can be asked; Vimeo's JSON filter is let pass, and the whole object answered."""

    fields: str | None = None


class VimeoPageQuery(msgspec.Struct):
    """What the list can be asked. It is sorted by age, newest first; other wishes are let pass."""

    page: Annotated[int, Meta(ge=1, description="Which page.")] = 1
    per_page: Annotated[int, Meta(ge=1, le=LARGEST_PAGE, description="How many webhooks a page holds.")] = PER_PAGE
    fields: str | None = None
    sort: str | None = None
    direction: str | None = None


def endpoint_form(form: VimeoWebhookInput) -> EndpointInput:
    """Return the endpoint that a new webhook is."""
    return EndpointInput(
        dialect=VIMEO.name,
        url=form.webhook_url,
        events=(form.webhook_type,),
        secret=form.secret,
        state=_state(form.is_enabled),
    )


def changes(patch: Patch[VimeoWebhookInput], endpoint: Endpoint) -> dict[str, Any]:
    """Return what a patch changes, as fields of an endpoint; what it merely repeats is left alone.

    Raises:
        Invalid: the webhook would not have the shape.
    """
    seen = VimeoWebhookInput(
        webhook_url=endpoint.url,
        webhook_type=endpoint.events[0],
        is_enabled=endpoint.state is EndpointState.ACTIVE,
        secret=None if endpoint.secret is None else Secret(MASK),
    )
    wanted = patch.onto(_plain(seen))
    values: dict[str, Any] = {}
    if wanted.webhook_url != seen.webhook_url:
        values["url"] = wanted.webhook_url
    if wanted.webhook_type != seen.webhook_type:
        values["events"] = [wanted.webhook_type]
    if wanted.is_enabled != seen.is_enabled:
        values["state"] = _state(wanted.is_enabled)
    if wanted.secret != seen.secret:
        values["secret"] = None if wanted.secret is None else wanted.secret.reveal()
    return values


def _plain(form: VimeoWebhookInput) -> dict[str, Any]:
    shown = {name: getattr(form, name) for name in form.__struct_fields__}
    return shown | {"secret": None if form.secret is None else form.secret.reveal()}


def _state(is_enabled: bool) -> EndpointState:
    return EndpointState.ACTIVE if is_enabled else EndpointState.DISABLED
