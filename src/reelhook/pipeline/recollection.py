"""Recollection: what is known of the assets that a publish is about, where an endpoint's dialect wants that known.

Some dialects write the first context of an asset into every body, and keep quiet about what has none. Some have one
name for several event types, and shall not tell an endpoint of one change twice because its source posted it as two:
of one batch the type counts that the dialect prefers, of several publishes the first one. Events are of one change when
they are about the same asset and their publisher says of both that they occurred at the same time, or posts both in one
batch and says of neither when it occurred; and when not both types are specific, as a move and a new name are.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final, TypeVar

from reelhook.model.event import Event
from reelhook.model.instant import read_time
from reelhook.pipeline.directory import Directory, Route, Topic
from reelhook.pipeline.subject import Subject, subject_of
from reelhook.pipeline.values import Draft
from reelhook.ports import Contexts, Telling, Tellings, Told

K = TypeVar("K")
V = TypeVar("V")
TELLING_LIFE_MS: Final = 10 * 60 * 1000
"""How long an endpoint's having been told of a change is remembered."""
_UNDATED: Final = -(1 << 62)
"""Stands for the time of events that say none; earlier than any that can be said. It counts within one batch."""

Routed = Sequence[Sequence[Route]]
"""The endpoints of each event of a publish."""


class Recollection:
    """What was recalled for one publish, and what its own events add to it, in their order. Where it `waits`, something
    is just being stored or looked up, and must be settled first.
    """

    def __init__(self) -> None:
        self.contexts: dict[str, str] = {}
        self.told: dict[Telling, str] = {}
        self.repeats = False
        self._subjects: dict[int, Subject] = {}
        self._open: list[Callable[[], Awaitable[None]]] = []

    @property
    def waits(self) -> bool:
        """Tell whether something is still open."""
        return bool(self._open)

    async def settle(self, then: Callable[[], Awaitable[V]]) -> V:
        """Wait for what is open, and do what needs it."""
        for wait in self._open:
            await wait()
        self._open.clear()
        return await then()

    def keep(self, memory: dict[K, str], key: K, found: str | Awaitable[str | None] | None) -> None:
        """Keep what was recalled, now or when it is there."""
        if isinstance(found, str):
            memory[key] = found
        elif found is not None:
            self._open.append(partial(_keep_later, memory, key, found))

    def subject(self, draft: Draft) -> Subject:
        """Return what an event is about, read once."""
        found = self._subjects.get(id(draft))
        if found is None:
            found = self._subjects[id(draft)] = subject_of(draft.data)
        return found

    def first_context(self, draft: Draft) -> str | None:
        """Return the first context of an event's asset: the one recalled, of an event before, or this event's own."""
        subject, contexts = self.subject(draft), self.contexts
        known = None
        for one in subject.ids:
            known = known or contexts.get(one)
            if subject.context is not None:
                contexts.setdefault(one, subject.context)
        return known or subject.context

    def once_each(self, drafts: Sequence[Draft], events: Sequence[Event], routed: Routed) -> tuple[Routed, list[Told]]:
        """Leave out endpoints that are told of the same change as another type; return what is to be remembered."""
        if not self.repeats:
            return routed, []
        shared = self._shared(drafts, events, routed)
        heard: dict[Telling, list[str]] = {telling: [event_type] for telling, event_type in self.told.items()}
        repeated: set[tuple[int, int]] = set()
        for place, route, telling in sorted(shared, key=lambda one: one[1].dialect.rank(events[one[0]].type)):
            event_type, types = events[place].type, heard.setdefault(telling, [])
            if any(route.dialect.repeats(event_type, one) for one in types):
                repeated.add((place, route.endpoint.id))
            elif event_type not in types:
                types.append(event_type)
        kept = [
            [route for route in routes if (place, route.endpoint.id) not in repeated]
            for place, routes in enumerate(routed)
        ]
        expires_at = events[0].accepted_at + TELLING_LIFE_MS
        new = [one for one in heard if one not in self.told and one.occurred_at != _UNDATED]
        return kept, [Told(one, heard[one][0], expires_at) for one in new]

    def _shared(
        self, drafts: Sequence[Draft], events: Sequence[Event], routed: Routed
    ) -> list[tuple[int, Route, Telling]]:
        """Return what each endpoint would be told, with the event's place, where its dialect has one name for several
        types.
        """
        found = []
        for place, (draft, event, routes) in enumerate(zip(drafts, events, routed, strict=True)):
            shared = [route for route in routes if event.type in route.dialect.shared]
            asset = self.subject(draft).id if shared else None
            if asset is not None:
                occurred_at = _UNDATED if draft.occurred_at is None else event.occurred_at
                found += [(place, route, _telling(route, event.type, asset, occurred_at)) for route in shared]
        return found


class Recalling:
    """Recalls what a publish needs before it is matched; for nearly all that is nothing."""

    def __init__(self, directory: Directory, contexts: Contexts, tellings: Tellings) -> None:
        self._directory = directory
        self._contexts = contexts
        self._tellings = tellings

    def recall(self, app_id: str, drafts: Sequence[Draft]) -> Recollection | None:
        """Recall it; None where nothing is needed."""
        if not self._directory.recalls(app_id):
            return None
        known = None
        is_mixed = len({draft.type for draft in drafts}) > 1
        for draft in drafts:
            topic = self._directory.topic(app_id, draft.type)
            repeats = bool(topic.shared) and (is_mixed or draft.occurred_at is not None)
            if topic.asks_context or repeats:
                known = known or Recollection()
                self._recall_context(app_id, draft, topic, known)
                if repeats:
                    self._recall_tellings(app_id, draft, topic, known)
        return known

    def _recall_context(self, app_id: str, draft: Draft, topic: Topic, known: Recollection) -> None:
        """Recall the context of an asset, unless its event has one of its own: then it has one in any case."""
        if not topic.asks_context:
            return
        subject = known.subject(draft)
        if subject.ids and subject.context is None and subject.ids[0] not in known.contexts:
            known.keep(known.contexts, subject.ids[0], self._contexts.recall(app_id, subject.ids))

    def _recall_tellings(self, app_id: str, draft: Draft, topic: Topic, known: Recollection) -> None:
        known.repeats = True
        asset = known.subject(draft).id
        if asset is None or draft.occurred_at is None:
            return
        occurred_at = read_time(draft.occurred_at)
        for route in topic.shared:
            telling = _telling(route, draft.type, asset, occurred_at)
            known.keep(known.told, telling, self._tellings.recall(app_id, telling))


async def _keep_later(memory: dict[K, str], key: K, found: Awaitable[str | None]) -> None:
    value = await found
    if value is not None:
        memory[key] = value


def _telling(route: Route, event_type: str, asset: str, occurred_at: int) -> Telling:
    name = route.dialect.name_of(event_type, route.endpoint)
    return Telling(route.endpoint.id, name or event_type, asset, occurred_at)
