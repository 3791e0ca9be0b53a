"""Promise: which endpoints get an event, and under which ids; what accept commits."""

from collections.abc import Iterable, Sequence
from typing import Final

from reelhook.errors import FieldError, Invalid
from reelhook.model.delivery import Trigger
from reelhook.model.endpoint import Endpoint, Ordering
from reelhook.model.event import Event
from reelhook.pipeline.directory import Route, Topic
from reelhook.pipeline.subject import asset_id
from reelhook.ports import Claimed, HandOver, NewDelivery

WHOLE_ENDPOINT: Final = "*"
"""The one lane of an endpoint that is ordered as a whole."""


def recipients(topic: Topic, event: Event, first_context: str | None = None) -> Sequence[Route]:
    """Return the endpoints that an event goes to: those that subscribe to its type and whose conditions hold."""
    if topic.unconditional:
        return topic.routes
    return [route for route in topic.routes if route.filter.unconditional or route.filter.accepts(event, first_context)]


def deliveries(routes: Iterable[Route], event: Event, first: int, hand_over: HandOver) -> list[NewDelivery]:
    """Make the deliveries of an event, with ids from `first` on; claim each whose endpoint keeps up at present."""
    made = []
    for number, route in enumerate(routes, first):
        endpoint = route.endpoint
        lane = None if endpoint.ordering is Ordering.NONE else lane_of(endpoint, event)
        claim_id = number if hand_over.reserve(endpoint.id, len(event.data)) else 0
        made.append(NewDelivery(number, endpoint.id, claim_id, lane))
    return made


def claimed(event: Event, new: Sequence[NewDelivery]) -> list[Claimed]:
    """Return what is handed over to the dispatcher once it is committed."""
    return [
        Claimed(one.id, one.claim_id, one.endpoint_id, event, 1, 0, Trigger.SCHEDULE, from_queue=False)
        for one in new
        if one.claim_id
    ]


def places(events: Sequence[Event], new: Sequence[Sequence[NewDelivery]]) -> list[tuple[int, int]]:
    """Return endpoint and size of each place in the dispatcher's memory that was reserved for what is not committed."""
    return [
        (one.endpoint_id, len(event.data))
        for event, made in zip(events, new, strict=True)
        for one in made
        if one.claim_id
    ]


def lane_of(endpoint: Endpoint, event: Event) -> str | None:
    """Return the lane that a delivery waits in, where its endpoint is ordered; events about no asset wait for none."""
    if endpoint.ordering is Ordering.NONE:
        return None
    if endpoint.ordering is Ordering.ENDPOINT:
        return WHOLE_ENDPOINT
    return event.ordering_key or asset_id(event.data)


def check_data(topic: Topic, event: Event, pointer: str) -> None:
    """Refuse an event whose type is unknown to a strict app, or whose data do not fit a type that asks for checks."""
    if topic.refused:
        raise Invalid(
            f"the event type {event.type} is not in the catalogue, and this app accepts only types that are",
            errors=(FieldError("unknown event type", f"{pointer}/type"),),
        )
    if topic.validator is None:
        return
    errors = topic.validator.check(event.data)
    if errors:
        found = tuple(FieldError(one.detail, f"{pointer}/data{one.pointer}") for one in errors)
        raise Invalid(f"the data do not fit the schema of {event.type}: {errors[0].detail}", errors=found)
