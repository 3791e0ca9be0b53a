"""Refresh: puts fresh links into an event whose own are about to die, asked for where its app says."""

from collections.abc import Mapping

from reelhook.dialects.dialect import Carried
from reelhook.model.access import LinkRefresh
from reelhook.model.event import Event
from reelhook.pipeline.links import dying, renewed
from reelhook.ports import Clock, Links


class Refreshing:
    """`wanted` has, for each app that wants it, where its links are refreshed; it is looked at anew every time."""

    def __init__(self, links: Links, wanted: Mapping[str, LinkRefresh], clock: Clock) -> None:
        self._links = links
        self._wanted = wanted
        self._clock = clock

    def concerns(self, app_id: str) -> bool:
        """Tell whether the links of an app's events are looked at."""
        return app_id in self._wanted

    async def fresh(self, event: Event, carried: Carried, link_life: float | None) -> Event | None:
        """Return the event with fresh links where its body carries them; None when it can go as it is.

        Raises:
            PrepareFailed: a link is about to die, and no other could be had.
        """
        where = self._wanted.get(event.app_id)
        found = dying(event, carried, link_life, self._clock.wall()) if where is not None else None
        if where is None or found is None:
            return None
        links = await self._links.refresh(event.app_id, where, found.asset_id, found.ids)
        return renewed(event, found, links)
