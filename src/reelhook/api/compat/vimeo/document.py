"""A webhook as Vimeo shows it, and a page of them."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from reelhook.model.endpoint import Disabling, Endpoint, EndpointState
from reelhook.model.instant import show_time
from reelhook.model.secret import MASK

MEDIA_TYPE: Final = "application/vnd.vimeo.webhook+json"
PER_PAGE: Final = 25
LARGEST_PAGE: Final = 100

Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
"""ISO 8601 in whole seconds, UTC, with `+00:00`."""


class VimeoWebhookDocument(msgspec.Struct, kw_only=True):
    """A webhook. `secret` is shown in the answer to the request that sets it, else as `***`; what does not apply is
    absent. The figures tell why it was disabled by itself the last time: its failure rate, and the requests that were
    counted within `time_period_failure_rate` seconds.
    """

    uri: str
    app_uri: str
    webhook_type: str
    webhook_url: str
    is_enabled: bool
    secret: str | UnsetType = UNSET
    created_on: Time
    modified_on: Time
    enabled_on: Time | UnsetType = UNSET
    disabled_on: Time | UnsetType = UNSET
    failure_rate_before_disabling: float | UnsetType = UNSET
    requests_executed_before_disabling: int | UnsetType = UNSET
    requests_failed_before_disabling: int | UnsetType = UNSET
    last_request_time_before_disabling: Time | UnsetType = UNSET
    time_period_failure_rate: int | UnsetType = UNSET


class VimeoPaging(msgspec.Struct):
    """Where the other pages are; null where there is none."""

    next: str | None
    previous: str | None
    first: str
    last: str


class VimeoWebhookPage(msgspec.Struct):
    """A page of webhooks, newest first; `total` is how many there are on all pages."""

    total: int
    page: int
    per_page: int
    paging: VimeoPaging
    data: tuple[VimeoWebhookDocument, ...]


def show(endpoint: Endpoint, *, reveal: bool = False) -> VimeoWebhookDocument:
    """Write a webhook; `reveal` shows its secret."""
    app_uri = f"/apps/{endpoint.app_id}"
    return VimeoWebhookDocument(
        uri=f"{app_uri}/webhooks/{endpoint.id}",
        app_uri=app_uri,
        webhook_type=endpoint.events[0],
        webhook_url=endpoint.url,
        is_enabled=endpoint.state is EndpointState.ACTIVE,
        secret=UNSET if endpoint.secret is None else endpoint.secret.reveal() if reveal else MASK,
        created_on=_time(endpoint.created_at),
        modified_on=_time(endpoint.updated_at),
        enabled_on=_time_of(endpoint.enabled_at),
        disabled_on=_time_of(endpoint.disabled_at),
        **_figures(endpoint.disabling),
    )


def show_page(endpoints: Sequence[Endpoint], uri: str, page: int, per_page: int, pages: int) -> VimeoWebhookPage:
    """Write one page of all webhooks."""

    def link(number: int) -> str:
        return f"{uri}?page={number}&per_page={per_page}"

    paging = VimeoPaging(
        next=link(page + 1) if page < pages else None,
        previous=link(page - 1) if page > 1 else None,
        first=link(1),
        last=link(pages),
    )
    shown = endpoints[(page - 1) * per_page : page * per_page]
    return VimeoWebhookPage(len(endpoints), page, per_page, paging, tuple(show(one) for one in shown))


def media_type(accept: str | None) -> str:
    """Return what to call an answer: Vimeo's own type, unless the client asks for plain JSON alone."""
    wanted = accept or "*/*"
    is_plain = "application/json" in wanted and "vnd.vimeo" not in wanted and "*/*" not in wanted
    return "application/json" if is_plain else MEDIA_TYPE


def _figures(disabling: Disabling | None) -> dict[str, Any]:
    if disabling is None:
        return {}
    return msgspec.structs.asdict(disabling) | {
        "last_request_time_before_disabling": _time(disabling.last_request_time_before_disabling),
        "time_period_failure_rate": round(disabling.time_period_failure_rate),
    }


def _time_of(millisecond: int | None) -> str | UnsetType:
    return UNSET if millisecond is None else _time(millisecond)


def _time(millisecond: int) -> str:
    return f"{show_time(millisecond)[:19]}+00:00"
