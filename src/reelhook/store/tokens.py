"""Access tokens, found by hash on every request: remembered while they are used, forgotten when they are removed."""

from collections.abc import Awaitable
from typing import Final

import msgspec

from reelhook.errors import NotFound
from reelhook.model.access import Token
from reelhook.model.audit import AuditEntry
from reelhook.model.page import Page
from reelhook.ports import SealedAnswer
from reelhook.store.apps import require_app
from reelhook.store.cursor import cut_page, read_cursor, scope_of
from reelhook.store.noting import note
from reelhook.store.select import select_column, select_value
from reelhook.store.sql import Connection
from reelhook.store.statements import statements
from reelhook.store.writing import Writes, write

_SQL: Final = statements("tokens")
_MOST_REMEMBERED: Final = 10_000
_token: Final = msgspec.json.Decoder(Token)


class StoredTokens:
    """Implements `Tokens`."""

    def __init__(self, commit: Writes, reader: Connection) -> None:
        self._commit = commit
        self._reader = reader
        self._by_hash: dict[bytes, Token] = {}

    def by_hash(self, digest: bytes) -> Token | None:
        """Return the token whose text has this SHA-256."""
        token = self._by_hash.get(digest)
        if token is None:
            token = self._read("by_hash", (digest,))
            if token is not None:
                self._remember(token)
        return token

    def get(self, app_id: str, token_id: int) -> Token | None:
        """Return a token of an app."""
        return self._read("get", (token_id, app_id))

    def page(self, app_id: str, cursor: str | None, limit: int) -> Page[Token]:
        """List an app's tokens, newest first."""
        scope = scope_of("tokens", app_id)
        found = select_column(self._reader, _SQL["page"], (app_id, read_cursor(scope, cursor), limit + 1))
        return cut_page([_token.decode(raw) for raw in found], limit, scope, lambda token: token.id)

    def add(self, token: Token, entry: AuditEntry, answer: SealedAnswer | None = None) -> Awaitable[None]:
        """Store a token; NotFound when its app is gone."""

        def job(connection: Connection) -> None:
            require_app(connection, token.app_id)
            connection.execute(_SQL["add"], (token.id, token.app_id, token.hash, msgspec.json.encode(token)))
            note(connection, entry, answer)

        return write(self._commit, job)

    def remove(self, app_id: str, token_id: int, entry: AuditEntry) -> Awaitable[None]:
        """Delete a token: when this is done it opens nothing any more."""

        def job(connection: Connection) -> None:
            connection.execute(_SQL["remove"], (token_id, app_id))
            if not connection.changes():
                raise NotFound("there is no such token")
            note(connection, entry)

        return write(self._commit, job, lambda: self._forget(token_id))

    def forget_app(self, app_id: str) -> None:
        """Forget the tokens of an app that is gone."""
        self._by_hash = {digest: token for digest, token in self._by_hash.items() if token.app_id != app_id}

    def _forget(self, token_id: int) -> None:
        self._by_hash = {digest: token for digest, token in self._by_hash.items() if token.id != token_id}

    def _remember(self, token: Token) -> None:
        if len(self._by_hash) >= _MOST_REMEMBERED:
            self._by_hash.clear()
        self._by_hash[token.hash] = token

    def _read(self, name: str, key: tuple[object, ...]) -> Token | None:
        raw = select_value(self._reader, _SQL[name], key)
        return None if raw is None else _token.decode(raw)
