"""Prepare: what an attempt needs of the world before it can be shaped and signed: an access token, a fresh link.

It returns values, so that shape and sign stay pure. What cannot be had fails the attempt: a dead link is never sent.
"""

from typing import Final

import msgspec

from reelhook.dialects.dialect import NO_CONTEXT, Context
from reelhook.model.endpoint import Endpoint, MutualTlsAuth, OAuth2Auth
from reelhook.model.event import Event
from reelhook.model.http import ClientIdentity
from reelhook.ports import Credentials


class Prepared(msgspec.Struct, frozen=True, gc=False):
    """What was fetched: the access token, and the context for shape and sign."""

    bearer: str | None = None
    context: Context = NO_CONTEXT


_READY: Final = Prepared()


class Preparing:
    """Fetches through guarded, cached, single-flight sources."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def ready(self, endpoint: Endpoint) -> Prepared | None:
        """Return what an attempt needs where nothing has to be fetched for it, which is nearly always; else None."""
        return None if isinstance(endpoint.auth, OAuth2Auth) else _READY

    async def prepare(self, endpoint: Endpoint, event: Event, *, fresh: bool = False) -> Prepared:  # noqa: ARG002
        """Fetch what this attempt needs; `fresh` drops a token that was just refused. Raises PrepareFailed.

        The event is there for dialects whose payloads carry expiring links.
        """
        if isinstance(endpoint.auth, OAuth2Auth):
            return Prepared(bearer=await self._credentials.bearer(endpoint, fresh=fresh))
        return _READY


def identity(endpoint: Endpoint) -> ClientIdentity | None:
    """Return the client certificate of an endpoint with mutual TLS."""
    auth = endpoint.auth
    if not isinstance(auth, MutualTlsAuth):
        return None
    return ClientIdentity(f"{endpoint.id}/{endpoint.version}", auth.certificate, auth.private_key)
