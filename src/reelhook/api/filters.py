"""What narrows the lists of attempts, deliveries and events."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from reelhook.api.lists import PAGE, Cursor, Limit, Time
from reelhook.api.reading import invalid, read_moment
from reelhook.model import ids
from reelhook.model.delivery import State
from reelhook.model.page import LogFilter

Since = Annotated[Time | None, Meta(description="At or after this time (RFC 3339).")]
Until = Annotated[Time | None, Meta(description="Before this time (RFC 3339).")]
Text = Annotated[
    Annotated[str, Meta(max_length=500)] | None,
    Meta(description="Free text: an id, a type, a name or URL of an endpoint."),
]


class EventFilter(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What narrows every one of these lists."""

    event_type: str | None = None
    since: Since = None
    until: Until = None
    q: Text = None


class AttemptFilter(EventFilter):
    """What narrows the log."""

    endpoint_id: Annotated[str, Meta(extra_json_schema={"pattern": "^ep_[0-9a-f]{16}$"})] | None = None
    event_id: str | None = None
    status: Literal["succeeded", "failed"] | None = None
    status_code: Annotated[int, Meta(ge=100, le=599)] | None = None


class EventQuery(EventFilter):
    """Which events, and which page of them."""

    limit: Limit = PAGE
    cursor: Cursor = None


class LogQuery(AttemptFilter):
    """Which attempts, and which page of them."""

    limit: Limit = PAGE
    cursor: Cursor = None


class DeliveryQuery(LogQuery):
    """Which deliveries, and which page of them."""

    state: State | None = None


class ExportQuery(AttemptFilter):
    """Which attempts, in which form; all of them, so there are no pages."""

    format: Annotated[str, Meta(description="`csv` or `pdf`.")] = "csv"


def of_events(app_id: str, query: EventFilter) -> LogFilter:
    """Make the filter for a list of events."""
    return LogFilter(
        app_id,
        event_type=query.event_type,
        since=read_moment(query.since, "since"),
        until=read_moment(query.until, "until"),
        text=query.q,
    )


def of_log(app_id: str, query: AttemptFilter) -> LogFilter:
    """Make the filter for a list of attempts or deliveries."""
    return LogFilter(
        app_id,
        endpoint_id=_endpoint(query.endpoint_id),
        event=query.event_id,
        event_type=query.event_type,
        status=query.status,
        status_code=query.status_code,
        state=query.state if isinstance(query, DeliveryQuery) else None,
        since=read_moment(query.since, "since"),
        until=read_moment(query.until, "until"),
        text=query.q,
    )


def _endpoint(text: str | None) -> int | None:
    if text is None:
        return None
    number = ids.read("ep", text)
    if number is None:
        raise invalid("this is not the id of an endpoint", "/endpoint_id")
    return number
