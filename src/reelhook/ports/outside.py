"""What is not this process: time, strangers, and what strangers hand out."""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from reelhook.model.access import LinkRefresh
from reelhook.model.endpoint import Endpoint
from reelhook.model.http import Request, Response


class Clock(Protocol):
    """Two times in milliseconds since 1970: one to plan by, one to write down."""

    def now(self) -> int:
        """Return scheduling time: monotonic, anchored to wall time once at the start; never jumps."""
        ...

    def wall(self) -> int:
        """Return wall time, for signatures and records."""
        ...


class Wire(Protocol):
    """Sends one request to a stranger."""

    async def send(self, request: Request) -> Response:
        """Send it, once, within its timeout. Never raises for what the network or the receiver does."""
        ...


class AccessToken(msgspec.Struct, frozen=True, gc=False):
    """An access token; `kept`: from an earlier attempt, so that it may have been revoked since."""

    text: str
    kept: bool


class Credentials(Protocol):
    """Fetches what an endpoint's authentication needs."""

    async def bearer(self, endpoint: Endpoint) -> AccessToken:
        """Return the access token of an endpoint with OAuth2. Raises PrepareFailed."""
        ...

    async def renew(self, endpoint: Endpoint, refused: str) -> AccessToken | None:
        """Return another token than the kept one that a receiver has just refused; None when there is none, or none may
        be asked for again so soon. Raises PrepareFailed.
        """
        ...


class FreshLinks(msgspec.Struct, frozen=True):
    """Links of one asset that work now; `expires_at` (ms) is until when, None where nobody says."""

    url: str | None
    thumbnail_url: str | None
    expires_at: int | None


class Links(Protocol):
    """Fetches fresh links of an asset from its app."""

    async def refresh(
        self, app_id: str, where: LinkRefresh, asset_id: str | int | None, ids: Mapping[str, Any]
    ) -> FreshLinks:
        """Return links that still work for five minutes or, if the app has no better, a little less. An asset that has
        no id of its own is known by its `ids`. Raises PrepareFailed.
        """
        ...
