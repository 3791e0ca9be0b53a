"""Recover and replay: send again what an endpoint missed, or all that it got, in a span of time."""

from typing import Annotated

import msgspec
from msgspec import Meta

from reelhook.api.endpoints import name_of, this
from reelhook.api.exchange import Answer, Call
from reelhook.api.lists import Time
from reelhook.api.reading import Input, invalid, read_moment
from reelhook.api.tasks import Rate, TaskDocument, begin
from reelhook.model.delivery import State
from reelhook.model.endpoint import Endpoint
from reelhook.model.task import Selection, TaskKind

MISSED = (State.FAILED, State.CANCELLED)


class RecoverInput(Input):
    """Which deliveries: of events accepted from `since` until `until` (now); how many a second; or only count them."""

    since: Time
    until: Time | None = None
    states: Annotated[tuple[State, ...], Meta(max_length=len(State))] = ()
    rate: Rate | None = None
    dry_run: bool = False


class CountDocument(msgspec.Struct):
    """How many deliveries it would be."""

    count: int


async def recover(call: Call, body: RecoverInput) -> Answer[CountDocument | TaskDocument]:
    """Send again what failed, what was cancelled, and what is held while the endpoint is paused or disabled."""
    strange = [state for state in body.states if state not in {*MISSED, State.PENDING, State.RETRYING}]
    if strange:
        raise invalid(f"recover is for what was not delivered; replay sends {strange[0]} ones again", "/states")
    held = not body.states or bool({State.PENDING, State.RETRYING} & set(body.states))
    states = tuple(state for state in MISSED if state in body.states) if body.states else MISSED
    return await _run(call, this(call), TaskKind.RECOVER, body, Selection(states=states or body.states, held=held))


async def replay(call: Call, body: RecoverInput) -> Answer[CountDocument | TaskDocument]:
    """Send everything again, delivered or not."""
    return await _run(call, this(call), TaskKind.REPLAY, body, Selection(states=body.states))


async def _run(
    call: Call, endpoint: Endpoint, kind: TaskKind, body: RecoverInput, which: Selection
) -> Answer[CountDocument | TaskDocument]:
    since = read_moment(body.since, "since") or 0
    now = call.services.clock.wall() + 1
    until = max(now, since) if body.until is None else read_moment(body.until, "until") or 0
    if since > until:
        raise invalid("since lies behind until", "/since")
    selection = msgspec.structs.replace(which, endpoint_id=endpoint.id, since=since, until=until)
    if body.dry_run:
        return Answer(CountDocument(await call.services.tasks.count(call.app_id, selection)), status=200)
    return Answer(await begin(call, kind, selection, body.rate, name_of(endpoint)))
