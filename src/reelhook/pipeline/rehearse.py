"""Rehearse: try an endpoint out with an example, or show the exact request without sending it. Nothing here retries,
counts against the endpoint's health, or disables it.
"""

from collections.abc import Callable, Sequence

import msgspec

from reelhook.dialects.dialect import Context, Dialect
from reelhook.model.attempt import Attempt, AttemptDetail
from reelhook.model.catalogue import BUILT_IN
from reelhook.model.delivery import Trigger
from reelhook.model.endpoint import Endpoint, OAuth2Auth
from reelhook.model.event import TYPE_RE, Event
from reelhook.model.event_type import EventType
from reelhook.model.http import header_lines
from reelhook.model.ids import IdSource
from reelhook.model.quota import Quota
from reelhook.model.secret import MASK
from reelhook.pipeline.directory import Route
from reelhook.pipeline.match import compile_filter
from reelhook.pipeline.record import Recorder
from reelhook.pipeline.sending import Sending
from reelhook.pipeline.shape import shape
from reelhook.pipeline.values import Exchange, Prepared
from reelhook.ports import AttemptRecord, Clock, Journal

_FALLBACK = "asset.created"


class Preview(msgspec.Struct, frozen=True):
    """The request that would be sent: credentials masked, signature real."""

    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Rehearsal:
    """Tries endpoints out, saved or not. `quota_of(endpoint, counted)` says how the app's quota stands with it."""

    def __init__(  # noqa: PLR0913, PLR0917 - the composition root is the only caller
        self,
        sending: Sending,
        recorder: Recorder,
        journal: Journal,
        dialect_of: Callable[[str], Dialect],
        own_types: Callable[[str], Sequence[EventType]],
        clock: Clock,
        ids: IdSource,
        quota_of: Callable[[Endpoint, bool], Quota | None] = lambda _endpoint, _counted: None,
    ) -> None:
        self._sending = sending
        self._recorder = recorder
        self._journal = journal
        self._dialect_of = dialect_of
        self._own_types = own_types
        self._clock = clock
        self._ids = ids
        self._quota_of = quota_of

    async def test(self, endpoint: Endpoint, *, saved: bool) -> AttemptDetail:
        """Send the example of the first event that the endpoint subscribes to; write it into the log when it is saved.

        Whatever the receiver does, and whether the request could be made at all, is in what is returned.
        """
        route = self._route(endpoint)
        event = self._example(route)
        exchange = await self._sending.attempt(route, event, self._quota_of(endpoint, True), example=True)
        record = self._recorder.attempt(endpoint, event, exchange, Trigger.TEST)
        if saved:
            await self._journal.record_test(record)
        return _detail(endpoint, record, exchange)

    async def preview(self, endpoint: Endpoint, event: Event) -> Preview:
        """Make the request for an event without sending it; Invalid (`not-expressible`) when the dialect cannot. Links
        are those of the event: to ask for fresh ones would be to send something.
        """
        route = self._route(endpoint)
        known = await self._sending.context(route, event)
        context = Context(known.first_context, self._quota_of(endpoint, False))
        shaped = shape(event, endpoint, route.dialect, context)
        bearer = MASK if isinstance(endpoint.auth, OAuth2Auth) else None
        head = self._sending.sign(route, event, shaped, Prepared(bearer=bearer, context=context))
        return Preview(endpoint.url, header_lines(head.masked), shaped.body.shown or shaped.body.data)

    def event(self, app_id: str, event_type: str, data: bytes) -> Event:
        """Make an event that is accepted nowhere."""
        wall = self._clock.wall()
        return Event(self._ids.take(wall), app_id, event_type, data, wall, wall)

    def _route(self, endpoint: Endpoint) -> Route:
        dialect = self._dialect_of(endpoint.dialect)
        return Route(endpoint, dialect, compile_filter(endpoint, dialect, self._category_of(endpoint.app_id)))

    def _category_of(self, app_id: str) -> Callable[[str], str]:
        own = {one.name: one.category for one in self._own_types(app_id)}
        return lambda name: own.get(name) or name.partition(".")[0]

    def _example(self, route: Route) -> Event:
        """Make the example event of the first type, in the order of the endpoint's list, that it subscribes to."""
        app_id = route.endpoint.app_id
        types = {one.name: one for one in (*BUILT_IN.values(), *self._own_types(app_id))}
        any_type = (BUILT_IN[_FALLBACK], *types.values())
        chosen = next(one for one in any_type if route.dialect.name_of(one.name) is not None)
        for entry in route.endpoint.events:
            named = [one for one in types.values() if route.dialect.subscribes(entry, one.name, one.category)]
            if named:
                chosen = min(named, key=lambda one: route.dialect.rank(one.name))  # the plain word, no fallback
                break
            if TYPE_RE.match(entry):  # a name that is in no catalogue yet
                return self.event(app_id, entry, b"{}")
        return self.event(app_id, chosen.name, msgspec.json.encode(chosen.example))


def _detail(endpoint: Endpoint, record: AttemptRecord, exchange: Exchange) -> AttemptDetail:
    attempt = Attempt(
        id=record.id,
        app_id=record.app_id,
        delivery_id=None,
        event_id=None,
        event_public_id=record.event.public_id,
        event_type=record.event.type,
        event_name=record.event_name,
        endpoint_id=record.endpoint_id,
        endpoint_name=endpoint.name,
        url=endpoint.url,
        number=record.number,
        at=record.at,
        succeeded=record.failure is None,
        status_code=record.status_code,
        failure=record.failure,
        error=record.error,
        duration_ms=record.timing.total,
        trigger=record.trigger,
    )
    return AttemptDetail(
        attempt=attempt,
        method="POST",
        url=endpoint.url,
        request_headers=header_lines(record.head),
        request_body=record.body or b"",
        response_status=record.status_code,
        response_headers=header_lines(record.response_head),
        response_body=record.response_body,
        truncated=record.truncated,
        timing=record.timing,
        remote_address=record.remote_address,
        replayed_on_fresh_connection=exchange.response.replayed,
        repeated_with_new_token=exchange.renewed,
    )
