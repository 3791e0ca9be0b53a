"""Trying an endpoint before it matters: a test sends one example, a preview sends nothing."""

from typing import Any

import msgspec

from reelhook.api.connection_test import TestDocument, run_test
from reelhook.api.endpoint_form import EndpointInput, make
from reelhook.api.endpoints import merge, this
from reelhook.api.events import endpoint_named
from reelhook.api.exchange import Call, found
from reelhook.api.reading import Input, Patch, invalid
from reelhook.api.services import PreviewedRequest
from reelhook.dialects.table import dialect_named
from reelhook.errors import NotExpressible
from reelhook.model.endpoint import Endpoint
from reelhook.model.event import LONGEST_NAME, TYPE_RE, Event


class EventChoice(Input):
    """An event to preview: one that was accepted, by `id`, or one made up of `type` and `data`."""

    id: str | None = None
    type: str | None = None
    data: Any = msgspec.UNSET


class PreviewInput(EndpointInput, kw_only=True):
    """A saved endpoint, or an endpoint's fields, or both (the fields as they would be changed); and an event."""

    event: EventChoice
    endpoint_id: str | None = None


async def run_saved(call: Call) -> TestDocument:
    """Send the example of the endpoint's first event, once; the result changes nothing."""
    return await run_test(call, this(call), saved=True)


async def run_unsaved(call: Call, body: EndpointInput) -> TestDocument:
    """Send an example to an endpoint that is not saved."""
    return await run_test(call, make(call, body), saved=False)


async def preview(call: Call, body: Patch[PreviewInput]) -> PreviewedRequest:
    """Show the exact request that an event would lead to; credentials are masked, nothing is sent."""
    form = body.check({name: value for name, value in body.values.items() if value is not None})
    event_type, data, event = await _event(call, form.event)
    endpoint = _endpoint(call, form, body)
    if dialect_named(endpoint.dialect).name_of(event_type, endpoint) is None:
        detail = f"the dialect {endpoint.dialect} has no word for {event_type}; such events are not sent to it"
        raise NotExpressible(detail)
    return await call.services.preview(endpoint, event_type, data, event)


def _endpoint(call: Call, form: PreviewInput, body: Patch[PreviewInput]) -> Endpoint:
    fields = {name: value for name, value in body.values.items() if name not in {"event", "endpoint_id"}}
    if form.endpoint_id is None:
        return make(call, form)
    saved = endpoint_named(call, form.endpoint_id)
    if not fields:
        return saved
    changed = Patch(EndpointInput, fields)
    return make(call, changed.check(merge(changed, saved)), saved)


async def _event(call: Call, choice: EventChoice) -> tuple[str, bytes, Event | None]:
    if choice.id is not None:
        if choice.type is not None or choice.data is not msgspec.UNSET:
            raise invalid("an event is named by id, or made up of type and data", "/event")
        event = found(await call.services.log.event(call.app_id, choice.id), "event")
        return event.type, event.data, event
    if choice.type is None or choice.data is msgspec.UNSET:
        raise invalid("give the event's id, or type and data", "/event")
    if not TYPE_RE.match(choice.type) or len(choice.type) > LONGEST_NAME:
        raise invalid("an event type is words of letters, digits, _ and - joined by dots", "/event/type")
    return choice.type, msgspec.json.encode(choice.data), None
