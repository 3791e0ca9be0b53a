"""Events: publish one or many, read them, send one again."""

import msgspec

from reelhook.api import filters
from reelhook.api.exchange import Call, Text, found
from reelhook.api.filters import EventQuery
from reelhook.api.idempotency import read_idempotency_key
from reelhook.api.lists import Listing, Time, listing
from reelhook.api.reading import Input
from reelhook.api.tasks import TaskDocument, begin
from reelhook.model import ids
from reelhook.model.endpoint import Endpoint
from reelhook.model.event import Event
from reelhook.model.instant import show_time
from reelhook.model.page import LogFilter
from reelhook.model.task import Selection, TaskKind
from reelhook.pipeline.promise import lane_of


class EventDocument(msgspec.Struct):
    """An accepted event; `data` is the JSON that was posted."""

    id: str
    type: str
    data: msgspec.Raw
    occurred_at: Time
    accepted_at: Time
    source: str | None
    ordering_key: str | None


class ReplayEvent(Input):
    """Where to send it again: to one endpoint, or to all that it went to."""

    endpoint_id: str | None = None


async def publish(call: Call, raw: bytes) -> Text:
    """Accept one event: 202 when it is on disk."""
    return await _publish(call, raw, batch=False)


async def publish_batch(call: Call, raw: bytes) -> Text:
    """Accept 1 to 1,000 events, all or none."""
    return await _publish(call, raw, batch=True)


async def index(call: Call, query: EventQuery) -> Listing[EventDocument]:
    """List events, newest first."""
    where = filters.of_events(call.app_id, query)
    return listing(await call.services.log.events(where, query.cursor, query.limit), show)


async def read(call: Call) -> EventDocument:
    """Read one event by the id that the world sees."""
    return show(await _event(call))


async def replay(call: Call, body: ReplayEvent) -> TaskDocument:
    """Send an event again to the endpoints that it went to; to one that never had it, when that is named."""
    event = await _event(call)
    endpoint = None if body.endpoint_id is None else endpoint_named(call, body.endpoint_id)
    endpoint_id = endpoint.id if endpoint else None
    if endpoint is not None and not await _has_delivery(call, event, endpoint):
        await call.services.queue.add(event, endpoint.id, lane_of(endpoint, event))
    selection = Selection(endpoint_id, event.id, until=call.services.clock.wall() + 1)
    return await begin(call, TaskKind.REPLAY_EVENT, selection, None, event.public_id)


async def _has_delivery(call: Call, event: Event, endpoint: Endpoint) -> bool:
    where = LogFilter(call.app_id, endpoint_id=endpoint.id, event=event.public_id)
    return bool((await call.services.log.deliveries(where, None, 1)).items)


def endpoint_named(call: Call, text: str) -> Endpoint:
    """Find an endpoint that a body names."""
    number = ids.read("ep", text)
    return found(None if number is None else call.services.endpoints.get(call.app_id, number), "endpoint")


def show(event: Event) -> EventDocument:
    """Write an event."""
    return EventDocument(
        event.public_id,
        event.type,
        msgspec.Raw(event.data),
        show_time(event.occurred_at),
        show_time(event.accepted_at),
        event.source,
        event.ordering_key,
    )


async def _event(call: Call) -> Event:
    return found(await call.services.log.event(call.app_id, call.parts["id"]), "event")


async def _publish(call: Call, raw: bytes, *, batch: bool) -> Text:
    key = call.headers.get("idempotency-key")
    said = read_idempotency_key(None if key is None else key.encode("latin-1"))
    return Text(await call.services.publish(call.caller, raw, batch, said))
