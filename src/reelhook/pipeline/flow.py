"""The flow: the table of contents of the product. An event's life is cut once, at the store.

Left of the cut `publish` answers the caller, with 202 only after the commit is on disk:
    accept → match → commit [event + deliveries]
Right of the cut `deliver` belongs to the dispatcher:
    prepare → shape → sign → send → judge → record [attempt + new state]
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import chain

from reelhook.model.event import Event
from reelhook.model.ids import IdSource
from reelhook.pipeline import accept, promise
from reelhook.pipeline.accept import Draft
from reelhook.pipeline.directory import Directory, Route
from reelhook.pipeline.once import EVENT_ID_LIFE_MS, Once
from reelhook.pipeline.record import Recorder
from reelhook.pipeline.sending import Sending
from reelhook.ports import Acceptance, Claimed, Clock, Committing, Delivered, HandOver, Journal, Key, NewDelivery


class Flow:
    """Joins the stages; each stage knows only values."""

    def __init__(  # noqa: PLR0913, PLR0917 - the composition root is the only caller
        self,
        directory: Directory,
        journal: Journal,
        hand_over: HandOver,
        sending: Sending,
        recorder: Recorder,
        clock: Clock,
        ids: IdSource,
        event_id_life: int = EVENT_ID_LIFE_MS,
    ) -> None:
        self._directory = directory
        self._journal = journal
        self._hand_over = hand_over
        self._sending = sending
        self._recorder = recorder
        self._clock = clock
        self._ids = ids
        self._once = Once(journal, clock, event_id_life)
        self.on_accepted: Callable[[Sequence[Event], int, int], None] = lambda _events, _deliveries, _handed_over: None

    def publish(
        self, app_id: str, body: bytes, *, batch: bool = False, once: tuple[str, str] | None = None
    ) -> Awaitable[bytes]:
        """Accept what is posted: done, with the answer, when it is on disk.

        `once` is the kind and text of an `Idempotency-Key`. Raises ReelhookError, at once or when awaited.
        """
        drafts = accept.read_batch(body) if batch else accept.read_event(body)
        if once is None and all(draft.id is None for draft in drafts):
            return self._commit(app_id, drafts, batch=batch)
        keyed = None if once is None else (*once, accept.body_fingerprint(body))
        return self._once.publish(app_id, drafts, keyed, partial(self._commit, app_id), batch=batch)

    def announce(self, app_id: str, event_type: str, data: bytes, source: str) -> Awaitable[bytes]:
        """Accept an event of our own making: an operational one."""
        return self._commit(app_id, accept.read_event(accept.write_event(event_type, data)), source=source)

    async def deliver(self, claimed: Claimed) -> Delivered:
        """Make one attempt at one delivery; never raises for what the receiver does."""
        route = self._directory.route(claimed.endpoint_id)
        if route is None:
            return self._recorder.orphaned(claimed)
        exchange = await self._sending.attempt(route, claimed.event)
        return self._recorder.completed(route, claimed, exchange)

    def _commit(
        self,
        app_id: str,
        drafts: Sequence[Draft],
        *,
        batch: bool = False,
        keys: Callable[[Sequence[Event], Sequence[bytes], bytes], Sequence[Key]] | None = None,
        source: str | None = None,
    ) -> Committing:
        wall = self._clock.wall()
        events, routed = self._match(app_id, drafts, wall, source, "/{}" if batch else "")
        receipts = [accept.receipt(event, len(routes)) for event, routes in zip(events, routed, strict=True)]
        answer = accept.answer(receipts, batch=batch)
        made = keys(events, [accept.answer([one], batch=False) for one in receipts], answer) if keys else ()
        # From here on places are reserved in the dispatcher, so nothing may fail any more before the journal has them.
        new = [
            promise.deliveries(routes, event, event.id + 1, self._hand_over)
            for event, routes in zip(events, routed, strict=True)
        ]
        due_at = self._clock.now()
        committed = self._journal.accept(Acceptance(app_id, events, new, due_at, answer, made))
        committed.add_done_callback(partial(self._accepted, events, new, due_at))
        return committed

    def _match(
        self, app_id: str, drafts: Sequence[Draft], wall: int, source: str | None, pointer: str
    ) -> tuple[list[Event], list[list[Route]]]:
        """Make the events and find their recipients; ids of an event and its deliveries are consecutive.

        `pointer` says where in the body an event stands, `{}` being its place.
        """
        events: list[Event] = []
        routed: list[list[Route]] = []
        for place, draft in enumerate(drafts):
            probe = accept.make_event(draft, app_id, 0, wall, source)
            promise.check_data(self._directory, probe, pointer.format(place))
            routes = promise.recipients(self._directory, probe)
            events.append(accept.numbered(probe, self._ids.take(wall, 1 + len(routes))))
            routed.append(routes)
        return events, routed

    def _accepted(
        self,
        events: Sequence[Event],
        new: Sequence[Sequence[NewDelivery]],
        due_at: int,
        committed: Committing,
    ) -> None:
        if committed.cancelled() or committed.exception() is not None:
            self._hand_over.cancel([one.endpoint_id for one in chain.from_iterable(new) if one.claim_id])
            return
        claimed = [one for event, made in zip(events, new, strict=True) for one in promise.claimed(event, made)]
        total = sum(map(len, new))
        self.on_accepted(events, total, len(claimed))
        if claimed:
            self._hand_over.take(claimed)
        if len(claimed) < total:
            self._hand_over.waits({one.endpoint_id for one in chain.from_iterable(new) if not one.claim_id}, due_at)
