"""Tokens: who may use the API, as what, until when."""

from typing import Annotated

import msgspec
from msgspec import Meta

from reelhook.api.exchange import Call, absent, found
from reelhook.api.lists import Listing, PageQuery, Time, listing
from reelhook.api.reading import Input, invalid, read_moment, whole
from reelhook.api.token_text import RANDOM_BYTES, new_token, token_hash
from reelhook.errors import Forbidden
from reelhook.model import ids
from reelhook.model.access import Role, Scope, Token
from reelhook.model.instant import show_time


class TokenInput(Input):
    """A token to be made; `scopes` narrow it, none means all that its role allows."""

    name: Annotated[str, whole(r"[^\x00-\x1f\x7f]*", min_length=1, max_length=200)]
    role: Role
    scopes: Annotated[tuple[Scope, ...], Meta(max_length=len(Scope))] = ()
    expires_at: Time | None = None


class TokenDocument(msgspec.Struct):
    """A token without its text."""

    id: str
    name: str
    role: Role
    scopes: tuple[Scope, ...]
    last_four: str
    created_at: Time
    expires_at: Time | None


class NewTokenDocument(TokenDocument):
    """A token with its text, which is shown this once."""

    token: str


async def index(call: Call, query: PageQuery) -> Listing[TokenDocument]:
    """List the app's tokens, newest first, without their texts."""
    page = call.services.tokens.page(call.app_id, query.cursor, query.limit)
    return listing(page, lambda token: TokenDocument(*_fields(token)))


async def create(call: Call, body: TokenInput) -> NewTokenDocument:
    """Make a token; nobody can make one that may do more than their own."""
    if body.role.rank > call.caller.role.rank:
        raise Forbidden(f"your token has the role {call.caller.role}, so it cannot make one with {body.role}")
    now = call.services.clock.wall()
    expires_at = read_moment(body.expires_at, "expires_at")
    if expires_at is not None and expires_at <= now:
        raise invalid("expires_at lies in the past", "/expires_at")
    text = new_token(call.services.random_bytes(RANDOM_BYTES))
    scopes = tuple(dict.fromkeys(body.scopes))
    token = Token(
        call.new_id(), call.app_id, body.name, body.role, scopes, token_hash(text), text[-4:], now, expires_at
    )
    change = {"name": token.name, "role": token.role, "scopes": list(token.scopes), "expires_at": body.expires_at}
    shown = NewTokenDocument(*_fields(token), text)
    entry = call.entry("token.created", ids.show("tok", token.id), change)
    await call.services.tokens.add(token, entry, call.kept(shown))
    return shown


async def remove(call: Call) -> None:
    """Delete a token: from the answer on it opens nothing."""
    token = found(call.services.tokens.get(call.app_id, call.id("tok", "token")), "token")
    if token.role.rank > call.caller.role.rank:
        raise absent("token")
    entry = call.entry("token.deleted", ids.show("tok", token.id), {"name": token.name, "role": token.role})
    await call.services.tokens.remove(call.app_id, token.id, entry)
    call.services.authenticator.forget()


def _fields(token: Token) -> tuple[str, str, Role, tuple[Scope, ...], str, str, str | None]:
    expires_at = None if token.expires_at is None else show_time(token.expires_at)
    shown = show_time(token.created_at)
    return ids.show("tok", token.id), token.name, token.role, token.scopes, token.last_four, shown, expires_at
