"""What is remembered of assets beyond their events, written with the events that say it."""

from collections.abc import Awaitable, Sequence
from functools import partial
from typing import Any, Final, cast

from reelhook.ports import Acceptance, Clock, Telling
from reelhook.store.commitment import Commitment
from reelhook.store.reading import Points
from reelhook.store.sql import Bulk, Connection
from reelhook.store.statements import statements
from reelhook.store.storing import Storing

_SQL: Final = statements("assets")
_RECALL_CONTEXT: Final = _SQL["recall_context"]
_MOST_KNOWN: Final = 20_000
_LONGEST_KNOWN: Final = 200
"""Characters of a context that is kept in memory."""
_Asset = tuple[str, str]


class StoredContexts:
    """Implements `Contexts`. What was asked for lately is kept in memory, as a context that is there never changes;
    where only this process writes (`alone`), that there is none too, and the rest is read in the loop.
    """

    def __init__(self, points: Points, *, alone: bool) -> None:
        self._points = points
        self._alone = alone
        self._storing = Storing()
        self._known: dict[_Asset, str | None] = {}

    def recall(self, app_id: str, asset_ids: Sequence[str]) -> str | Awaitable[str | None] | None:
        """Return the first context of an asset; while its first one is being stored, something to await."""
        if not self._alone:
            return self._ask(app_id, asset_ids)
        for asset in asset_ids:
            key = (app_id, asset)
            found = self._read(key)
            if found is not None:
                return found
            if key in self._storing:
                return self._later(key, asset_ids)
        return None

    def announce(self, acceptance: Acceptance, commitment: "Commitment[bytes]") -> None:
        """Hear of contexts that are being stored; what an asset has already they will not change."""
        keys = [(acceptance.app_id, asset) for asset, _ in acceptance.contexts]
        keys = [key for key in keys if self._known.get(key) is None]
        for key in keys:
            self._known.pop(key, None)
        self._storing.announce(keys, commitment)

    def forget_app(self, app_id: str) -> None:
        """Know nothing more of an app that is gone; what is stored of it is pruned."""
        self._known = {key: context for key, context in self._known.items() if key[0] != app_id}

    async def _later(self, key: _Asset, asset_ids: Sequence[str]) -> str | None:
        await self._storing.end(key)
        found = self.recall(key[0], asset_ids)
        return found if found is None or isinstance(found, str) else await found

    def _ask(self, app_id: str, asset_ids: Sequence[str]) -> str | Awaitable[str | None] | None:
        """Ask beside the loop, where it is not known already."""
        if not asset_ids:
            return None
        return self._known.get((app_id, asset_ids[0])) or self._ask_all(app_id, asset_ids)

    async def _ask_all(self, app_id: str, asset_ids: Sequence[str]) -> str | None:
        for asset in asset_ids:
            await self._storing.end((app_id, asset))
        asked = self._points.run(partial(_first_context, app_id=app_id, asset_ids=asset_ids))
        asset, found = await asked if isinstance(asked, Awaitable) else asked
        if found is not None:
            self._remember((app_id, asset), found)
        return found

    def _read(self, key: _Asset) -> str | None:
        try:
            return self._known[key]
        except KeyError:
            found = cast(
                "str | None", self._points.run(lambda connection: connection.execute(_RECALL_CONTEXT, key).get)
            )
        if key not in self._storing:
            self._remember(key, found)
        return found

    def _remember(self, key: _Asset, found: str | None) -> None:
        if found is None or len(found) <= _LONGEST_KNOWN:
            if len(self._known) >= _MOST_KNOWN:
                del self._known[next(iter(self._known))]
            self._known[key] = found


class StoredTellings:
    """Implements `Tellings`."""

    def __init__(self, points: Points, clock: Clock, *, alone: bool) -> None:
        self._points = points
        self._clock = clock
        self._alone = alone
        self._storing = Storing()

    def recall(self, app_id: str, telling: Telling) -> str | Awaitable[str | None] | None:  # noqa: ARG002 - the port
        """Return as which type it was told; while it is being stored, something to await. Endpoints are of one app."""
        if not self._alone:
            return self._ask(telling)
        found = cast("str | None", self._read(telling))
        return self._later(telling) if found is None and telling in self._storing else found

    def announce(self, acceptance: Acceptance, commitment: "Commitment[bytes]") -> None:
        """Hear of tellings that are being stored."""
        self._storing.announce([told.telling for told in acceptance.tellings], commitment)

    async def _later(self, telling: Telling) -> str | None:
        await self._storing.end(telling)
        found = self.recall("", telling)
        return found if found is None or isinstance(found, str) else await found

    async def _ask(self, telling: Telling) -> str | None:
        await self._storing.end(telling)
        asked = self._read(telling)
        return await asked if isinstance(asked, Awaitable) else asked

    def _read(self, telling: Telling) -> str | Awaitable[str | None] | None:
        key = (*telling, self._clock.wall())
        return self._points.run(lambda connection: connection.execute(_SQL["recall_telling"], key).get)


def _first_context(connection: Connection, app_id: str, asset_ids: Sequence[str]) -> tuple[str, str | None]:
    """Find the first of the ids that has a context."""
    for asset in asset_ids:
        found: str | None = connection.execute(_RECALL_CONTEXT, (app_id, asset)).get
        if found is not None:
            return asset, found
    return "", None


class RememberingAssets:
    """Writes contexts and tellings, inside the writer's transaction."""

    def __init__(self) -> None:
        self._contexts = Bulk(_SQL["insert_contexts"], 3)
        self._tellings = Bulk(_SQL["insert_tellings"], 7)

    def run(self, connection: Connection, acceptances: Sequence[Acceptance]) -> None:
        """Write them all; of two contexts of one asset the one that was accepted first. In one order on all nodes, or
        two of them would wait for each other.
        """
        contexts: dict[_Asset, str] = {}
        for one in acceptances:
            for asset, context in one.contexts:
                contexts.setdefault((one.app_id, asset), context)
        self._contexts.run(connection, [(*asset, contexts[asset]) for asset in sorted(contexts)])
        self._tellings.run(connection, telling_rows(acceptances))


def telling_rows(acceptances: Sequence[Acceptance]) -> list[tuple[Any, ...]]:
    """Return the rows of `tellings`."""
    return [
        (*told.telling, one.app_id, told.event_type, told.expires_at)
        for one in acceptances
        if one.tellings
        for told in one.tellings
    ]
