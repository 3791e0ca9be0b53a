"""Prepare: what an attempt needs of the world before it can be shaped and signed: an access token, a fresh link.

It returns values, so that shape and sign stay pure. What cannot be had fails the attempt: a dead link is never sent.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import msgspec

from reelhook.dialects.dialect import NO_CONTEXT, NO_LINKS, Context, Dialect
from reelhook.model.endpoint import Endpoint, MutualTlsAuth, OAuth2Auth
from reelhook.model.event import Event
from reelhook.model.http import ClientIdentity
from reelhook.pipeline.refresh import Refreshing
from reelhook.pipeline.subject import subject_of
from reelhook.pipeline.values import Prepared
from reelhook.ports import Contexts, Credentials

_READY: Final = Prepared()
Known = str | Awaitable[str | None] | None
"""What a memory gave: it is there, it is looked up, or there is none."""
Refresh = Callable[[], Awaitable[Event | None]]


class Preparing:
    """Fetches through guarded, cached, single-flight sources."""

    def __init__(
        self, credentials: Credentials, contexts: Contexts | None = None, refreshing: Refreshing | None = None
    ) -> None:
        self._credentials = credentials
        self._contexts = contexts
        self._refreshing = refreshing

    def prepare(
        self, endpoint: Endpoint, dialect: Dialect, event: Event, *, links: bool = True
    ) -> Prepared | Awaitable[Prepared]:
        """Return what this attempt needs; where something has to be fetched for it, which is rare, something to await,
        which may raise PrepareFailed. Without `links` those of the event are left as they are.
        """
        defaults = dialect.defaults
        refresh = self._refresh(endpoint, dialect, event) if links else None
        known = self._recall(event) if defaults.remembers_context else None
        if refresh or isinstance(endpoint.auth, OAuth2Auth) or not (known is None or isinstance(known, str)):
            return self._fetch(endpoint, known, refresh)
        return _READY if known is None else Prepared(context=Context(known))

    async def context(self, dialect: Dialect, event: Event) -> Context:
        """Return what the dialect's bodies say of the world beside the event."""
        return Context(await _settled(self._recall(event))) if dialect.defaults.remembers_context else NO_CONTEXT

    def _refresh(self, endpoint: Endpoint, dialect: Dialect, event: Event) -> Refresh | None:
        """Return what makes the links work that the body of an event carries; None where it carries none."""
        if self._refreshing is None or not self._refreshing.concerns(endpoint.app_id):
            return None
        carried = dialect.links_in(event.type, endpoint)
        if carried == NO_LINKS:
            return None
        return partial(self._refreshing.fresh, event, carried, dialect.defaults.link_life)

    async def _fetch(self, endpoint: Endpoint, known: Known, refresh: Refresh | None) -> Prepared:
        context = Context(await _settled(known))
        fresh = await refresh() if refresh is not None else None
        if not isinstance(endpoint.auth, OAuth2Auth):
            return Prepared(context=context, event=fresh)
        token = await self._credentials.bearer(endpoint)
        return Prepared(token.text, context, token.kept, fresh)

    def _recall(self, event: Event) -> Known:
        """Return the first context of the event's asset."""
        ids = subject_of(event.data).ids if self._contexts is not None else ()
        return self._contexts.recall(event.app_id, ids) if self._contexts is not None and ids else None

    async def renew(self, endpoint: Endpoint, refused: Prepared) -> Prepared | None:
        """Put another token in the place of a kept one that was refused; None when there is none.

        Raises:
            PrepareFailed: one was asked for, and could not be had.
        """
        token = await self._credentials.renew(endpoint, refused.bearer or "")
        return None if token is None else msgspec.structs.replace(refused, bearer=token.text, kept=token.kept)


async def _settled(known: Known) -> str | None:
    return known if known is None or isinstance(known, str) else await known


def identity(endpoint: Endpoint) -> ClientIdentity | None:
    """Return the client certificate of an endpoint with mutual TLS."""
    auth = endpoint.auth
    if not isinstance(auth, MutualTlsAuth):
        return None
    return ClientIdentity(f"{endpoint.id}/{endpoint.version}", auth.certificate, auth.private_key)
