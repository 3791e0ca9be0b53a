"""What is remembered of assets beyond their events, written with the events that say it."""

from collections.abc import Awaitable, Sequence
from typing import Final

from reelhook.ports import Acceptance, Clock, Telling
from reelhook.store.commitment import Commitment
from reelhook.store.select import select_value
from reelhook.store.sql import Connection
from reelhook.store.statements import Bulk, statements
from reelhook.store.storing import Storing

_SQL: Final = statements("assets")
_RECALL_CONTEXT: Final = _SQL["recall_context"]
_MOST_KNOWN: Final = 20_000
_LONGEST_KNOWN: Final = 200
"""Characters of a context that is kept in memory."""
_Asset = tuple[str, str]


class SqliteContexts:
    """Implements `Contexts`. What was asked for lately is kept in memory, that there is none too: only this process
    writes, and a context that is there never changes.
    """

    def __init__(self, reader: Connection) -> None:
        self._reader = reader
        self._storing = Storing()
        self._known: dict[_Asset, str | None] = {}

    def recall(self, app_id: str, asset_ids: Sequence[str]) -> str | Awaitable[str | None] | None:
        """Return the first context of an asset; while its first one is being stored, something to await."""
        for asset in asset_ids:
            key = (app_id, asset)
            found = self._read(key)
            if found is not None:
                return found
            if key in self._storing:
                return self._later(key, asset_ids)
        return None

    def announce(self, acceptance: Acceptance, commitment: Commitment[bytes]) -> None:
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

    def _read(self, key: _Asset) -> str | None:
        try:
            return self._known[key]
        except KeyError:
            found: str | None = self._reader.execute(_RECALL_CONTEXT, key).get
        if key not in self._storing and (found is None or len(found) <= _LONGEST_KNOWN):
            if len(self._known) >= _MOST_KNOWN:
                del self._known[next(iter(self._known))]
            self._known[key] = found
        return found


class SqliteTellings:
    """Implements `Tellings`."""

    def __init__(self, reader: Connection, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock
        self._storing = Storing()

    def recall(self, app_id: str, telling: Telling) -> str | Awaitable[str | None] | None:  # noqa: ARG002 - the port
        """Return as which type it was told; while it is being stored, something to await. Endpoints are of one app."""
        found = self._read(telling)
        return self._later(telling) if found is None and telling in self._storing else found

    def announce(self, acceptance: Acceptance, commitment: Commitment[bytes]) -> None:
        """Hear of tellings that are being stored."""
        self._storing.announce([told.telling for told in acceptance.tellings], commitment)

    async def _later(self, telling: Telling) -> str | None:
        await self._storing.end(telling)
        found = self.recall("", telling)
        return found if found is None or isinstance(found, str) else await found

    def _read(self, telling: Telling) -> str | None:
        found: str | None = select_value(self._reader, _SQL["recall_telling"], (*telling, self._clock.wall()))
        return found


class RememberingAssets:
    """Writes contexts and tellings, inside the writer's transaction."""

    def __init__(self) -> None:
        self._contexts = Bulk(_SQL["insert_contexts"], 3)
        self._tellings = Bulk(_SQL["insert_tellings"], 7)

    def run(self, connection: Connection, acceptances: Sequence[Acceptance]) -> None:
        """Write them all, in the order in which they were accepted."""
        contexts = [(one.app_id, *pair) for one in acceptances if one.contexts for pair in one.contexts]
        self._contexts.run(connection, contexts)
        tellings = [
            (*told.telling, one.app_id, told.event_type, told.expires_at)
            for one in acceptances
            if one.tellings
            for told in one.tellings
        ]
        self._tellings.run(connection, tellings)
