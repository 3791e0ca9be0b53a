"""Matching: makes the events of a publish and finds whom each goes to."""

from collections.abc import Sequence
from typing import NamedTuple

from reelhook.model.event import Event
from reelhook.model.ids import IdSource
from reelhook.pipeline import accept, promise
from reelhook.pipeline.directory import Directory, Route
from reelhook.pipeline.recollection import Recollection, Routed
from reelhook.pipeline.values import Draft
from reelhook.ports import Clock, Told


class Matched(NamedTuple):
    """Events, the endpoints of each, and what is to be remembered of who was told of which change."""

    events: Sequence[Event]
    routed: Routed
    told: Sequence[Told]


class Matching:
    """Matches against what the directory says at this moment."""

    def __init__(self, directory: Directory, clock: Clock, ids: IdSource) -> None:
        self._directory = directory
        self._clock = clock
        self._ids = ids

    def match(
        self, app_id: str, drafts: Sequence[Draft], known: Recollection | None, source: str | None, *, batch: bool
    ) -> Matched:
        """Make the events and find their recipients; ids of an event and its deliveries are consecutive. Raises Invalid
        for an event that its app does not take.
        """
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
        if known is None:
            return Matched(events, routed, ())
        return Matched(events, *known.once_each(drafts, events, routed))
