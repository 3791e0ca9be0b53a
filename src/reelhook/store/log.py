"""The log: what happened, in pages newest first, read off the loop."""

from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import Final, TypeVar

from reelhook.model.attempt import Attempt, AttemptDetail
from reelhook.model.delivery import Delivery
from reelhook.model.event import Event
from reelhook.model.page import LogFilter, Page, Stats
from reelhook.store import lines, stats
from reelhook.store.cursor import NEWEST, read_cursor, scope_of, write_cursor
from reelhook.store.listings import ATTEMPTS, DELIVERIES, EVENTS, Listed, Listing, attempts_of, list_ids
from reelhook.store.reading import Reading
from reelhook.store.search import event_of, resolve
from reelhook.store.sql import Connection

Item = TypeVar("Item")
Read = Callable[[Connection, str, list[int]], list[Item]]
_EXPORTED_AT_ONCE: Final = 500
_SEARCHES: Final = 4
"""Searches that may find nothing before a page comes back empty with a `next`."""
_MOST_ATTEMPTS: Final = 10_000


class StoredLog:
    """Implements `Log`. `since` and `until` compare with when a thing was written down: an attempt ended, a delivery
    was made, an event was accepted; `since` <= time < `until`, so that spans can be joined without gap or overlap.
    """

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    async def attempts(self, where: LogFilter, cursor: str | None, limit: int) -> Page[Attempt]:
        """List attempts."""
        return await self._page(ATTEMPTS, lines.read_attempts, where, cursor, limit)

    async def deliveries(self, where: LogFilter, cursor: str | None, limit: int) -> Page[Delivery]:
        """List deliveries; `status` and `status_code` are those of the last attempt."""
        return await self._page(DELIVERIES, lines.read_deliveries, where, cursor, limit)

    async def events(self, where: LogFilter, cursor: str | None, limit: int) -> Page[Event]:
        """List events; `endpoint_id` and `state` are about their deliveries, `status` and `status_code` are ignored."""
        return await self._page(EVENTS, lines.read_events, where, cursor, limit)

    async def export(self, where: LogFilter) -> AsyncIterator[Sequence[Attempt]]:
        """Yield all attempts that match, newest first, some hundreds at a time."""
        below: int | None = NEWEST
        while below is not None:
            items, below = await self._reading.run(
                partial(_read_page, ATTEMPTS, lines.read_attempts, where, below, _EXPORTED_AT_ONCE)
            )
            if items:
                yield items

    async def attempt(self, app_id: str, attempt_id: int) -> AttemptDetail | None:
        """Read one attempt with its request and response."""
        return await self._reading.run(partial(lines.read_detail, app_id=app_id, attempt_id=attempt_id))

    async def attempts_of(self, app_id: str, delivery_id: int) -> Sequence[Attempt]:
        """Read all attempts of one delivery, oldest first."""

        def job(connection: Connection) -> Sequence[Attempt]:
            chosen = attempts_of(connection, app_id, [delivery_id], _MOST_ATTEMPTS)
            return lines.read_attempts(connection, app_id, chosen)[::-1]

        return await self._reading.run(job)

    async def delivery(self, app_id: str, delivery_id: int) -> Delivery | None:
        """Read one delivery."""
        found = await self._reading.run(partial(lines.read_deliveries, app_id=app_id, chosen=[delivery_id]))
        return found[0] if found else None

    async def event(self, app_id: str, public_id: str) -> Event | None:
        """Read one event by the id that the world sees, the client's own or ours."""

        def job(connection: Connection) -> Event | None:
            event_id = event_of(connection, app_id, public_id)
            found = lines.read_events(connection, app_id, [] if event_id is None else [event_id])
            return found[0] if found else None

        return await self._reading.run(job)

    async def stats(self, app_id: str, endpoint_id: int, since: int, until: int, interval: int) -> Stats:
        """Sum up an endpoint's rollups."""
        return await stats.read_stats(self._reading, app_id, stats.Span(endpoint_id, since, until, interval))

    async def _page(
        self, listing: Listing, read: Read[Item], where: LogFilter, cursor: str | None, limit: int
    ) -> Page[Item]:
        scope = scope_of(listing.table, where)
        below = read_cursor(scope, cursor)
        items, onward = await self._reading.run(partial(_read_page, listing, read, where, below, limit))
        return Page(tuple(items), None if onward is None else write_cursor(scope, onward))


def _read_page(  # noqa: PLR0913, PLR0917 - bound beforehand but for the connection
    listing: Listing, read: Read[Item], where: LogFilter, below: int, limit: int, connection: Connection
) -> tuple[list[Item], int | None]:
    chosen, onward = _search(connection, listing, where, below, limit)
    return read(connection, where.app_id, chosen), onward


def _search(connection: Connection, listing: Listing, where: LogFilter, below: int, limit: int) -> Listed:
    chosen: list[int] = []
    onward: int | None = below
    for _ in range(_SEARCHES):
        wanted = resolve(connection, where)
        if wanted is None or onward is None:
            return [], None
        chosen, onward = list_ids(connection, listing, wanted, onward, limit)
        if chosen:
            break
    return chosen, onward
