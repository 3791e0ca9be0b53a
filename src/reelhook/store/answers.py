"""Answers to POSTs that carried an `Idempotency-Key`: what a repetition gets, sealed, as it may show a secret once."""

from collections.abc import Awaitable
from functools import partial
from typing import Final

from msgspec.structs import asdict, replace

from reelhook.ports import Clock, Key, SealedAnswer, StoredKey
from reelhook.store.reading import Reading
from reelhook.store.seal import Sealer, place_of
from reelhook.store.select import select_one
from reelhook.store.sql import Connection
from reelhook.store.statements import statements
from reelhook.store.writing import Writes, write

_SQL: Final = statements("answers")


class StoredAnswers:
    """Implements `Answers`."""

    def __init__(self, commit: Writes, reading: Reading, sealer: Sealer, clock: Clock) -> None:
        self._commit = commit
        self._reading = reading
        self._sealer = sealer
        self._clock = clock

    async def recall(self, app_id: str, kind: str, key: str) -> StoredKey | None:
        """Return what was answered, while it is kept."""
        wanted = (app_id, kind, key, self._clock.wall())
        row = await self._reading.run(partial(select_one, sql=_SQL["recall"], bindings=wanted))
        if row is None:
            return None
        fingerprint, answer, event_id = row
        return StoredKey(fingerprint, self._sealer.open(answer, _place(app_id, kind, key)), event_id)

    def seal(self, app_id: str, key: Key) -> SealedAnswer:
        """Make an answer ready to be committed together with what it tells of."""
        sealed = self._sealer.seal(key.answer, _place(app_id, key.kind, key.key))
        return SealedAnswer(app_id, replace(key, answer=sealed), self._clock.wall())

    def keep(self, app_id: str, key: Key) -> Awaitable[None]:
        """Keep an answer that tells of no change; where one is kept already it stays."""
        answer = self.seal(app_id, key)

        def job(connection: Connection) -> None:
            keep_answer(connection, answer)

        return write(self._commit, job)


def keep_answer(connection: Connection, answer: SealedAnswer) -> bool:
    """Write an answer inside a transaction; return False where one is kept already that has not expired."""
    row = {"app_id": answer.app_id, "now": answer.sealed_at, **asdict(answer.key)}
    connection.execute(_SQL["keep"], row)
    return bool(connection.changes())


def _place(app_id: str, kind: str, key: str) -> bytes:
    return place_of(app_id, "keys", kind, key)
