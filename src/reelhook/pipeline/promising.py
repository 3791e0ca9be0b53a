"""Promising: commits what was matched as deliveries, and hands over to the dispatcher what it has a place for."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain

from reelhook.errors import OutcomeUnknown
from reelhook.model.event import Event
from reelhook.pipeline import accept, promise
from reelhook.pipeline.matching import Matched
from reelhook.pipeline.once import MakeKeys
from reelhook.pipeline.subject import contexts_in
from reelhook.ports import Acceptance, Claimed, Clock, Committing, HandOver, Journal, NewDelivery

Accepted = Callable[[Sequence[Event], int, int], None]
"""Hears of every publish that is on disk: its events, how many deliveries they have, how many were handed over."""


class Promising:
    """Makes one transaction of each publish."""

    def __init__(self, journal: Journal, hand_over: HandOver, clock: Clock, on_accepted: Accepted) -> None:
        self._journal = journal
        self._hand_over = hand_over
        self._clock = clock
        self._on_accepted = on_accepted

    def commit(self, app_id: str, matched: Matched, keys: MakeKeys | None, *, batch: bool) -> Committing[bytes]:
        """Commit events and deliveries, with the keys that are made for them: done, with the answer, when on disk."""
        events, routed, told = matched
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

    def _accepted(
        self,
        events: Sequence[Event],
        new: Sequence[Sequence[NewDelivery]],
        due_at: int,
        committed: Committing[bytes],
    ) -> None:
        failed = committed.cancelled() or committed.exception()
        if failed and not isinstance(failed, OutcomeUnknown):
            self._hand_over.cancel(promise.places(events, new))
            return
        claimed: list[Claimed] = []
        for event, made in zip(events, new, strict=True):
            claimed += promise.claimed(event, made)
        if failed:
            self._hand_over.doubt(claimed)
            return
        total = sum(map(len, new))
        self._on_accepted(events, total, len(claimed))
        if claimed:
            self._hand_over.take(claimed)
        if len(claimed) < total:
            self._hand_over.waits({one.endpoint_id for one in chain.from_iterable(new) if not one.claim_id}, due_at)
