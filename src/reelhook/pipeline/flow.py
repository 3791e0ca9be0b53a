"""The flow: the table of contents of the product. An event's life is cut once, at the store.

Left of the cut `publish` answers the caller, with 202 only after the commit is on disk:
    accept → (recall) → match → commit [event + deliveries]
Right of the cut `deliver` belongs to the dispatcher:
    prepare → shape → sign → send → judge → record [attempt + new state]
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain

from reelhook.model.event import Event
from reelhook.model.ids import IdSource
from reelhook.pipeline import accept, promise
from reelhook.pipeline.accept import Draft
from reelhook.pipeline.directory import Directory, Route
from reelhook.pipeline.once import EVENT_ID_LIFE_MS, Keyed, Once
from reelhook.pipeline.recollection import Recalling, Recollection, Routed
from reelhook.pipeline.record import Recorder
from reelhook.pipeline.sending import Sending
from reelhook.pipeline.subject import contexts_in
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
        recalling: Recalling | None = None,
    ) -> None:
        self._directory = directory
        self._journal = journal
        self._hand_over = hand_over
        self._sending = sending
        self._recorder = recorder
        self._clock = clock
        self._ids = ids
        self._once = Once(journal, clock, event_id_life)
        self._recalling = recalling
        self.on_accepted: Callable[[Sequence[Event], int, int], None] = lambda _events, _deliveries, _handed_over: None

    def publish(
        self, app_id: str, body: bytes, *, batch: bool = False, once: tuple[str, str] | None = None
    ) -> Committing[bytes]:
        """Accept what is posted: done, with the answer, when it is on disk.

        `once` is the kind and text of an `Idempotency-Key`. Raises ReelhookError, at once or when awaited.
        """
        drafts = accept.read_batch(body) if batch else accept.read_event(body)
        keyed = None if once is None else (*once, accept.body_fingerprint(body))
        known = None if self._recalling is None else self._recalling.recall(app_id, drafts)
        if known is not None and known.waits:
            return asyncio.ensure_future(self._settle(app_id, drafts, keyed, known, batch=batch))
        return self._publish(app_id, drafts, keyed, known, batch=batch)

    def announce(self, app_id: str, event_type: str, data: bytes, source: str) -> Committing[bytes]:
        """Accept an event of our own making: an operational one."""
        return self._commit(app_id, accept.read_event(accept.write_event(event_type, data)), source=source)

    async def deliver(self, claimed: Claimed) -> Delivered:
        """Make one attempt at one delivery; never raises for what the receiver does."""
        route = self._directory.route(claimed.endpoint_id)
        if route is None:
            return self._recorder.orphaned(claimed)
        exchange = await self._sending.attempt(route, claimed.event, claimed.quota)
        return self._recorder.completed(route, claimed, exchange)

    async def _settle(
        self, app_id: str, drafts: Sequence[Draft], keyed: Keyed | None, known: Recollection, *, batch: bool
    ) -> bytes:
        """Publish what cannot be matched before it is known what went before."""
        await known.settle()
        return await self._publish(app_id, drafts, keyed, known, batch=batch)

    def _publish(
        self,
        app_id: str,
        drafts: Sequence[Draft],
        keyed: Keyed | None,
        known: Recollection | None,
        *,
        batch: bool,
    ) -> Committing[bytes]:
        if keyed is None and not any(draft.id for draft in drafts):
            return self._commit(app_id, drafts, known, batch=batch)
        commit = partial(self._commit, app_id, known=known)
        return asyncio.ensure_future(self._once.publish(app_id, drafts, keyed, commit, batch=batch))

    def _commit(  # noqa: PLR0913 - by name only, and each with its default
        self,
        app_id: str,
        drafts: Sequence[Draft],
        known: Recollection | None = None,
        *,
        batch: bool = False,
        keys: Callable[[Sequence[Event], Sequence[bytes], bytes], Sequence[Key]] | None = None,
        source: str | None = None,
    ) -> Committing[bytes]:
        events, routed = self._match(app_id, drafts, known, source=source, batch=batch)
        routed, told = known.once_each(drafts, events, routed) if known else (routed, ())
        contexts = [pair for event in events for pair in contexts_in(event.data)]
        receipts = list(map(accept.receipt, events, map(len, routed)))
        answer = accept.answer(receipts, batch=batch)
        made = keys(events, [accept.answer([one], batch=False) for one in receipts], answer) if keys else ()
        # From here on places are reserved in the dispatcher, so nothing may fail any more before the journal has them.
        new = [
            promise.deliveries(routes, event, event.id + 1, self._hand_over)
            for event, routes in zip(events, routed, strict=True)
        ]
        due_at = self._clock.now()
        committed = self._journal.accept(Acceptance(app_id, events, new, due_at, answer, made, contexts, told))
        committed.add_done_callback(partial(self._accepted, events, new, due_at))
        return committed

    def _match(
        self, app_id: str, drafts: Sequence[Draft], known: Recollection | None, *, source: str | None, batch: bool
    ) -> tuple[list[Event], Routed]:
        """Make the events and find their recipients; ids of an event and its deliveries are consecutive."""
        wall = self._clock.wall()
        events: list[Event] = []
        routed: list[Sequence[Route]] = []
        for place, draft in enumerate(drafts):
            topic = self._directory.topic(app_id, draft.type)
            # As many ids as the event can get deliveries: what its conditions leave over is never used.
            event = accept.make_event(draft, app_id, self._ids.take(wall, 1 + len(topic.routes)), wall, source)
            promise.check_data(topic, event, f"/{place}" if batch else "")
            events.append(event)
            routed.append(promise.recipients(topic, event, known.first_context(draft) if known else None))
        return events, routed

    def _accepted(
        self,
        events: Sequence[Event],
        new: Sequence[Sequence[NewDelivery]],
        due_at: int,
        committed: Committing[bytes],
    ) -> None:
        if committed.cancelled() or committed.exception() is not None:
            self._hand_over.cancel(promise.places(events, new))
            return
        claimed: list[Claimed] = []
        for event, made in zip(events, new, strict=True):
            claimed += promise.claimed(event, made)
        total = sum(map(len, new))
        self.on_accepted(events, total, len(claimed))
        if claimed:
            self._hand_over.take(claimed)
        if len(claimed) < total:
            self._hand_over.waits({one.endpoint_id for one in chain.from_iterable(new) if not one.claim_id}, due_at)
