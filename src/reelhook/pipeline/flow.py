"""The flow: the table of contents of the product. An event's life is cut once, at the store.

Left of the cut `publish` answers the caller, with 202 only after the commit is on disk:
    accept → (recall) → match → commit [event + deliveries]
Right of the cut `deliver` belongs to the dispatcher:
    prepare → shape → sign → send → judge → record [attempt + new state]
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from reelhook.model.event import Event
from reelhook.model.ids import IdSource
from reelhook.pipeline import accept
from reelhook.pipeline.directory import Directory
from reelhook.pipeline.matching import Matching
from reelhook.pipeline.once import EVENT_ID_LIFE_MS, Keyed, MakeKeys, Once
from reelhook.pipeline.promising import Accepted, Promising
from reelhook.pipeline.recollection import Recalling, Recollection
from reelhook.pipeline.record import Recorder
from reelhook.pipeline.sending import Sending
from reelhook.pipeline.staleness import Staleness
from reelhook.pipeline.values import Draft
from reelhook.ports import Claimed, Clock, Committing, Delivered, HandOver, Journal


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
        self._sending = sending
        self._recorder = recorder
        self._once = Once(journal, clock, event_id_life)
        self._recalling = recalling
        self._matching = Matching(directory, clock, ids)
        self._promising = Promising(journal, hand_over, clock, self._accepted)
        self._staleness = Staleness()
        self.on_accepted: Accepted = lambda _events, _deliveries, _handed_over: None

    def publish(
        self, app_id: str, body: bytes, *, batch: bool = False, once: tuple[str, str] | None = None
    ) -> Committing[bytes]:
        """Accept what is posted: done, with the answer, when it is on disk.

        `once` is the kind and text of an `Idempotency-Key`. Raises ReelhookError, at once or when awaited.
        """
        return self._staleness.overcome(lambda: self._accept(app_id, body, batch=batch, once=once))

    def announce(self, app_id: str, event_type: str, data: bytes, source: str) -> Committing[bytes]:
        """Accept an event of our own making: an operational one."""
        drafts = accept.read_event(accept.write_event(event_type, data))
        return self._staleness.overcome(partial(self._commit, app_id, drafts, source=source))

    async def deliver(self, claimed: Claimed) -> Delivered:
        """Make one attempt at one delivery; never raises for what the receiver does."""
        route = self._directory.route(claimed.endpoint_id)
        if route is None:
            return self._recorder.orphaned(claimed, self._directory.removed(claimed.endpoint_id))
        exchange = await self._sending.attempt(route, claimed.event, claimed.quota)
        return self._recorder.completed(route, claimed, exchange)

    def match_anew(self, fresh: Callable[[], Awaitable[None]]) -> None:
        """Match once more whatever the journal refuses as stale, when `fresh` has brought this process up to date."""
        self._staleness.refresh = fresh
        self._once.fenced = True

    def _accept(self, app_id: str, body: bytes, *, batch: bool, once: tuple[str, str] | None) -> Committing[bytes]:
        drafts = accept.read_batch(body) if batch else accept.read_event(body)
        keyed = None if once is None else (*once, accept.body_fingerprint(body))
        known = None if self._recalling is None else self._recalling.recall(app_id, drafts)
        if known is not None and known.waits:
            publish = partial(self._publish, app_id, drafts, keyed, known, batch=batch)
            return asyncio.ensure_future(known.settle(publish))
        return self._publish(app_id, drafts, keyed, known, batch=batch)

    def _publish(
        self, app_id: str, drafts: Sequence[Draft], keyed: Keyed | None, known: Recollection | None, *, batch: bool
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
        keys: MakeKeys | None = None,
        source: str | None = None,
    ) -> Committing[bytes]:
        matched = self._matching.match(app_id, drafts, known, source, batch=batch)
        return self._promising.commit(app_id, matched, keys, batch=batch)

    def _accepted(self, events: Sequence[Event], deliveries: int, handed_over: int) -> None:
        self.on_accepted(events, deliveries, handed_over)
