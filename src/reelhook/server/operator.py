"""The operator's token: taken from the settings, made at the first start, or kept from an earlier one."""

from hmac import compare_digest
from os import urandom
from typing import Final

from reelhook.api.token_text import new_token, token_hash
from reelhook.model.access import DEFAULT_APP, Role, Token
from reelhook.model.audit import AuditEntry
from reelhook.model.ids import IdSource, show
from reelhook.model.secret import Secret
from reelhook.ports import Clock, Tokens

NAME: Final = "operator"
_FROM_SETTINGS: Final = "operator (from the settings)"
_PAGE: Final = 500


async def ensure_operator(tokens: Tokens, given: Secret | None, clock: Clock, ids: IdSource) -> tuple[str | None, str]:
    """See to it that there is an operator's token; return its text when it was just made, and where it is from:
    `made`, `settings` or `kept`.

    A token from the settings replaces the one that the settings gave before; other operator tokens stay.
    """
    if given is not None:
        await _take(tokens, given.reveal(), clock, ids)
        return None, "settings"
    if any(token.role is Role.OPERATOR and token.name != _FROM_SETTINGS for token in _all(tokens)):
        return None, "kept"
    text = new_token(urandom(32))
    await tokens.add(_token(text, NAME, clock, ids), _entry("token.create", clock, ids, NAME))
    return text, "made"


async def _take(tokens: Tokens, text: str, clock: Clock, ids: IdSource) -> None:
    digest = token_hash(text)
    for token in _all(tokens):
        if token.name == _FROM_SETTINGS and not compare_digest(token.hash, digest):
            await tokens.remove(DEFAULT_APP, token.id, _entry("token.delete", clock, ids, show("tok", token.id)))
    if tokens.by_hash(digest) is None:
        await tokens.add(_token(text, _FROM_SETTINGS, clock, ids), _entry("token.create", clock, ids, _FROM_SETTINGS))


def _all(tokens: Tokens) -> list[Token]:
    found: list[Token] = []
    cursor = None
    while True:
        page = tokens.page(DEFAULT_APP, cursor, _PAGE)
        found += page.items
        cursor = page.next
        if cursor is None:
            return found


def _token(text: str, name: str, clock: Clock, ids: IdSource) -> Token:
    now = clock.wall()
    return Token(ids.take(now), DEFAULT_APP, name, Role.OPERATOR, (), token_hash(text), text[-4:], now)


def _entry(action: str, clock: Clock, ids: IdSource, target: str) -> AuditEntry:
    now = clock.wall()
    return AuditEntry(ids.take(now), DEFAULT_APP, now, "system", action, target)
