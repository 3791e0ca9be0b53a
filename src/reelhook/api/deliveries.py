"""Deliveries: one event on its way to one endpoint each."""

import msgspec

from reelhook.api import filters
from reelhook.api.exchange import Call, found
from reelhook.api.filters import DeliveryQuery
from reelhook.api.lists import Listing, Plain, Time, listing
from reelhook.api.logs import AttemptDocument, show_attempt
from reelhook.model import ids
from reelhook.model.delivery import Delivery, State, Trigger
from reelhook.model.instant import show_time


class DeliveryDocument(msgspec.Struct):
    """A delivery; `attempts` counts all that were begun."""

    id: str
    event_id: str
    event_type: str
    endpoint_id: str
    state: State
    attempts: int
    next_attempt_at: Time | None
    delivered_at: Time | None
    created_at: Time
    updated_at: Time


async def index(call: Call, query: DeliveryQuery) -> Listing[DeliveryDocument]:
    """List deliveries, newest first."""
    where = filters.of_log(call.app_id, query)
    return listing(await call.services.log.deliveries(where, query.cursor, query.limit), show)


async def read(call: Call) -> DeliveryDocument:
    """Read one delivery."""
    return show(await _delivery(call))


async def attempts(call: Call) -> Plain[AttemptDocument]:
    """Read all attempts of one delivery, oldest first."""
    delivery = await _delivery(call)
    made = await call.services.log.attempts_of(call.app_id, delivery.id)
    return Plain(tuple(map(show_attempt, made)))


async def resend(call: Call) -> DeliveryDocument:
    """Send it again now, its schedule restarted."""
    services = call.services
    number = call.id("dlv", "delivery")
    entry = call.entry("delivery.resent", ids.show("dlv", number))
    delivery = await services.queue.resend(call.app_id, number, Trigger.RESEND, services.clock.now(), entry)
    services.changes.woken([delivery.endpoint_id])
    return show(delivery)


async def cancel(call: Call) -> DeliveryDocument:
    """Give up a delivery that waits."""
    services = call.services
    number = call.id("dlv", "delivery")
    entry = call.entry("delivery.cancelled", ids.show("dlv", number))
    delivery = await services.queue.cancel(call.app_id, number, services.clock.now(), entry)
    services.changes.woken([delivery.endpoint_id])  # the next one of an ordered lane may be due now
    return show(delivery)


def show(delivery: Delivery) -> DeliveryDocument:
    """Write a delivery."""
    return DeliveryDocument(
        ids.show("dlv", delivery.id),
        delivery.event_public_id,
        delivery.event_type,
        ids.show("ep", delivery.endpoint_id),
        delivery.state,
        delivery.attempts,
        _time(delivery.next_attempt_at),
        _time(delivery.delivered_at),
        show_time(delivery.created_at),
        show_time(delivery.updated_at),
    )


async def _delivery(call: Call) -> Delivery:
    return found(await call.services.log.delivery(call.app_id, call.id("dlv", "delivery")), "delivery")


def _time(moment: int | None) -> str | None:
    return None if moment is None else show_time(moment)
