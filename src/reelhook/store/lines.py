"""Makes the model's values out of the rows of the log."""

from collections.abc import Sequence
from typing import Final

import msgspec

from reelhook.model import ids
from reelhook.model.attempt import Attempt, AttemptDetail, Failure, Timing
from reelhook.model.delivery import Delivery, State, Trigger
from reelhook.model.event import Event
from reelhook.model.http import header_lines
from reelhook.store.log_statements import LOG_SQL
from reelhook.store.search import as_json
from reelhook.store.select import Row, select, select_one
from reelhook.store.sql import Connection

_timing: Final = msgspec.json.Decoder(Timing)


def read_attempts(connection: Connection, app_id: str, chosen: list[int]) -> list[Attempt]:
    """Read these attempts of an app, newest first; the endpoint's name and URL are those that were in force then."""
    return [_attempt(row) for row in _lines(connection, "attempt_lines", app_id, chosen)]


def read_deliveries(connection: Connection, app_id: str, chosen: list[int]) -> list[Delivery]:
    """Read these deliveries of an app, newest first."""
    return [_delivery(row) for row in _lines(connection, "delivery_lines", app_id, chosen)]


def read_events(connection: Connection, app_id: str, chosen: list[int]) -> list[Event]:
    """Read these events of an app, newest first."""
    return [Event(*row) for row in _lines(connection, "event_lines", app_id, chosen)]


def read_detail(connection: Connection, app_id: str, attempt_id: int) -> AttemptDetail | None:
    """Read one attempt with its request and response, the body put together again as it was sent."""
    attempts = read_attempts(connection, app_id, [attempt_id])
    row = select_one(connection, LOG_SQL["attempt_details"], {"id": attempt_id, "app_id": app_id})
    if not attempts or row is None:
        return None
    return _detail(attempts[0], row)


def _lines(connection: Connection, statement: str, app_id: str, chosen: list[int]) -> Sequence[Row]:
    return select(connection, LOG_SQL[statement], {"ids": as_json(chosen), "app_id": app_id}) if chosen else ()


def _attempt(row: Row) -> Attempt:
    (attempt_id, app_id, delivery_id, event_id, given_id, event_type, event_name, endpoint_id, name, url) = row[:10]
    (number, at, succeeded, status_code, failure, error, duration_ms, trigger) = row[10:]
    return Attempt(
        id=attempt_id,
        app_id=app_id,
        delivery_id=delivery_id,
        event_id=event_id,
        event_public_id=_public_id(event_id, given_id),
        event_type=event_type,
        event_name=event_name or event_type,
        endpoint_id=endpoint_id,
        endpoint_name=name or "",
        url=url or "",
        number=number,
        at=at,
        succeeded=bool(succeeded),
        status_code=status_code,
        failure=None if failure is None else Failure(failure),
        error=error,
        duration_ms=duration_ms,
        trigger=Trigger(trigger),
    )


def _delivery(row: Row) -> Delivery:
    delivery_id, app_id, event_id, given_id, event_type, endpoint_id, state, attempts, due_at, updated, delivered = row
    return Delivery(
        id=delivery_id,
        app_id=app_id,
        event_id=event_id,
        event_public_id=_public_id(event_id, given_id) or "",
        event_type=event_type or "",
        endpoint_id=endpoint_id,
        state=State(state),
        attempts=attempts,
        next_attempt_at=due_at,
        created_at=ids.time_of(delivery_id),
        updated_at=updated,
        delivered_at=delivered,
    )


def _detail(attempt: Attempt, row: Row) -> AttemptDetail:
    head, prefix, suffix, body, data, response_head, response_body, truncated, timing, address, *again = row
    request_line, _, headers = bytes(head).partition(b"\r\n")
    return AttemptDetail(
        attempt=attempt,
        method=request_line.partition(b" ")[0].decode("latin-1") or "POST",
        url=attempt.url,
        request_headers=header_lines(headers),
        request_body=_body(prefix, suffix, body, data),
        response_status=attempt.status_code,
        response_headers=header_lines(response_head or b""),
        response_body=response_body or b"",
        truncated=bool(truncated),
        timing=_timing.decode(timing),
        remote_address=address,
        replayed_on_fresh_connection=bool(again[0]),
        repeated_with_new_token=bool(again[1]),
    )


def _body(prefix: bytes | None, suffix: bytes | None, body: bytes | None, data: bytes | None) -> bytes:
    """Return the body as it was sent; nothing where it was a frame around an event that is no longer kept."""
    if body is not None:
        return body
    if prefix is None or suffix is None or data is None:
        return b""
    return prefix + data + suffix


def _public_id(event_id: int | None, given_id: str | None) -> str | None:
    return given_id or (None if event_id is None else ids.show("evt", event_id))
