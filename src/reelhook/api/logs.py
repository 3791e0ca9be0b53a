"""The log: every attempt, as a list, in full, and as a file."""

from typing import Any, Final, Literal

import msgspec

from reelhook.api import filters
from reelhook.api.csv_export import CSV_TYPE, write_csv
from reelhook.api.exchange import Call, Stream, Text, found
from reelhook.api.filters import ExportQuery, LogQuery
from reelhook.api.lists import LARGEST_PAGE, Listing, Time, listing
from reelhook.api.pdf_export import PDF_TYPE, write_pdf
from reelhook.api.reading import invalid
from reelhook.model import ids
from reelhook.model.attempt import Attempt, AttemptDetail, Failure
from reelhook.model.delivery import Trigger
from reelhook.model.instant import show_time

FORMATS: Final = ("csv", "pdf")


class AttemptDocument(msgspec.Struct):
    """An attempt: one HTTP try. `attempt` counts from 1; `event_name` is what the dialect calls the event."""

    id: str
    endpoint_id: str
    endpoint_name: str
    url: str
    delivery_id: str | None
    event_id: str | None
    event_type: str
    event_name: str
    attempt: int
    at: Time
    status: Literal["succeeded", "failed"]
    status_code: int | None
    error: str | None
    error_class: Failure | None
    duration_ms: float
    trigger: Trigger


class SentRequest(msgspec.Struct):
    """The request as it was sent, secrets masked; the body as text."""

    method: str
    url: str
    headers: dict[str, str]
    body: str


class ReceivedResponse(msgspec.Struct):
    """What came back; the body as text, `truncated` when it was longer than what is kept."""

    status_code: int
    headers: dict[str, str]
    body: str
    truncated: bool


class TimingDocument(msgspec.Struct):
    """Where the time went, in ms; null for a step that did not happen."""

    dns: float | None
    connect: float | None
    tls: float | None
    first_byte: float | None
    total: float


class AttemptDetailDocument(AttemptDocument):
    """An attempt with all that is known of it. `repeated_with_new_token`: the access token of earlier attempts was
    answered 401 first, in the same attempt.
    """

    request: SentRequest
    response: ReceivedResponse | None
    timing: TimingDocument
    remote_address: str | None
    replayed_on_fresh_connection: bool
    repeated_with_new_token: bool


async def index(call: Call, query: LogQuery) -> Listing[AttemptDocument]:
    """List attempts, newest first."""
    where = filters.of_log(call.app_id, query)
    return listing(await call.services.log.attempts(where, query.cursor, query.limit), show_attempt)


async def read(call: Call) -> AttemptDetailDocument:
    """Read one attempt in full."""
    return show_detail(found(await call.services.log.attempt(call.app_id, call.id("att", "attempt")), "attempt"))


async def export(call: Call, query: ExportQuery) -> Stream | Text:
    """Write all attempts that the filters name as a file: CSV, or a PDF report of at most 20,000 of them."""
    if query.format not in FORMATS:
        raise invalid(f"the log can be exported as {' or '.join(FORMATS)}", "/format")
    where = filters.of_log(call.app_id, query)
    log = call.services.log
    # Read before the status is written, so that what goes wrong can still be said.
    first = await log.attempts(where, None, LARGEST_PAGE)
    headers = {"content-disposition": f'attachment; filename="reelhook-log.{query.format}"'}
    if query.format == "pdf":
        return Text(await write_pdf(call, query, where, first), PDF_TYPE, headers=headers)
    return Stream(write_csv(log, where, first), CSV_TYPE, headers)


def show_attempt(attempt: Attempt) -> AttemptDocument:
    """Write a line of the log."""
    return AttemptDocument(**_line(attempt))


def show_detail(detail: AttemptDetail) -> AttemptDetailDocument:
    """Write an attempt in full; headers that came several times are joined."""
    response = None
    if detail.response_status is not None:
        body = detail.response_body.decode("utf-8", "replace")
        response = ReceivedResponse(detail.response_status, _joined(detail.response_headers), body, detail.truncated)
    sent = detail.request_body.decode("utf-8", "replace")
    return AttemptDetailDocument(
        **_line(detail.attempt),
        request=SentRequest(detail.method, detail.url, _joined(detail.request_headers), sent),
        response=response,
        timing=TimingDocument(**msgspec.structs.asdict(detail.timing)),
        remote_address=detail.remote_address,
        replayed_on_fresh_connection=detail.replayed_on_fresh_connection,
        repeated_with_new_token=detail.repeated_with_new_token,
    )


def _line(attempt: Attempt) -> dict[str, Any]:
    return {
        "id": ids.show("att", attempt.id),
        "endpoint_id": ids.show("ep", attempt.endpoint_id),
        "endpoint_name": attempt.endpoint_name,
        "url": attempt.url,
        "delivery_id": None if attempt.delivery_id is None else ids.show("dlv", attempt.delivery_id),
        "event_id": attempt.event_public_id,
        "event_type": attempt.event_type,
        "event_name": attempt.event_name,
        "attempt": attempt.number,
        "at": show_time(attempt.at),
        "status": "succeeded" if attempt.succeeded else "failed",
        "status_code": attempt.status_code,
        "error": attempt.error,
        "error_class": attempt.failure,
        "duration_ms": attempt.duration_ms,
        "trigger": attempt.trigger,
    }


def _joined(headers: tuple[tuple[str, str], ...]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in headers:
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined
