"""Access tokens for endpoints with OAuth 2 (RFC 6749 §4.3, §4.4), fetched over the guarded wire, kept in memory."""

import asyncio
import base64
import re
from collections.abc import Sequence
from typing import Final, Protocol
from urllib.parse import quote_plus, urlencode

import msgspec

from reelhook import __version__
from reelhook.model.address import Network
from reelhook.model.attempt import Failure, PrepareFailed, is_transient
from reelhook.model.endpoint import Endpoint, OAuth2Auth
from reelhook.model.http import Request, Response, Target
from reelhook.model.secret import Secret
from reelhook.model.url import parse_target
from reelhook.ports import AccessToken, Clock, Wire

_MARGIN: Final = 60.0
"""A token is not used in its last seconds, so that it does not expire on its way."""

_LIFE: Final = 300.0
"""How long a token is kept whose answer does not say (s); a 401 fetches a new one before."""

_RENEWALS_APART_MS: Final = 60_000
"""A receiver that refuses every token shall not double what is sent, nor have a token fetched for each attempt."""

_LONGEST_LIFE: Final = 86_400.0
_PRUNE_AT: Final = 1_000
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,16384}")
_CODES: Final = frozenset(
    {
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
    }
)
"""RFC 6749 §5.2. Anything else that a token endpoint says is not repeated: it may echo what it was sent."""


class TokenWire(Wire, Protocol):
    """A wire that can also be told to go nowhere but into the networks that the operator allows."""

    async def send_inside(self, request: Request) -> Response:
        """Send as `send` does, but only into these networks."""
        ...


class _Answer(msgspec.Struct):
    """RFC 6749 §5.1, of which `expires_in` is found as text too."""

    access_token: str
    expires_in: float | str | None = None


class _Kept(msgspec.Struct, frozen=True):
    """A token and the version of the endpoint that it is for; `until` is ms, scheduling time. `basic`: the token server
    knew the client by HTTP Basic, not by the form.
    """

    version: int
    token: Secret
    until: float
    basic: bool


class OAuthTokens:
    """Implements `Credentials`: one token for each endpoint version, fetched once however many wait for it."""

    def __init__(
        self, wire: TokenWire, clock: Clock, *, exceptions: Sequence[Network] = (), timeout: float = 10.0
    ) -> None:
        self._wire = wire
        self._clock = clock
        self._exceptions = exceptions
        self._timeout = timeout
        self._kept: dict[int, _Kept] = {}
        self._under_way: dict[tuple[int, int], asyncio.Task[_Kept | PrepareFailed]] = {}
        self._renewable_at: dict[tuple[int, int], int] = {}

    async def bearer(self, endpoint: Endpoint) -> AccessToken:
        """Return the access token of an endpoint with OAuth 2.

        Raises:
            PrepareFailed: no token could be had; its detail holds no secret.
        """
        kept = self._usable(endpoint)
        if kept is not None:
            return AccessToken(kept.token.reveal(), kept=True)
        fetched = await self._join(endpoint)
        return AccessToken(fetched.token.reveal(), kept=False)

    async def renew(self, endpoint: Endpoint, refused: str) -> AccessToken | None:
        """Return another token than the kept one that was refused: the one that somebody else has fetched meanwhile, or
        a new one, at most one a minute; None when there is none.

        Raises:
            PrepareFailed: none could be had.
        """
        kept = self._usable(endpoint)
        if kept is not None and kept.token != Secret(refused):
            return AccessToken(kept.token.reveal(), kept=False)
        key = (endpoint.id, endpoint.version)
        now = self._clock.now()
        if key not in self._under_way:
            if now < self._renewable_at.get(key, 0):
                return None
            self._renewable_at[key] = now + _RENEWALS_APART_MS
            self._prune()
        renewed = await self._join(endpoint)
        return None if renewed.token == Secret(refused) else AccessToken(renewed.token.reveal(), kept=False)

    def _usable(self, endpoint: Endpoint) -> _Kept | None:
        kept = self._kept.get(endpoint.id)
        if kept is None or kept.version != endpoint.version or kept.until <= self._clock.now():
            return None
        return kept

    async def _join(self, endpoint: Endpoint) -> _Kept:
        """Wait for the request under way, or make one; it goes on when one of those who wait gives up."""
        auth = endpoint.auth
        if not isinstance(auth, OAuth2Auth):
            raise PrepareFailed("This endpoint has no OAuth 2 credentials.", transient=False)
        key = (endpoint.id, endpoint.version)
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.create_task(self._fetch(key, auth))
        outcome = await asyncio.shield(task)
        if isinstance(outcome, PrepareFailed):
            raise PrepareFailed(outcome.detail, transient=outcome.transient, failure=outcome.failure)
        return outcome

    async def _fetch(self, key: tuple[int, int], auth: OAuth2Auth) -> _Kept | PrepareFailed:
        endpoint_id, version = key
        before = self._kept.get(endpoint_id)
        basic = before is not None and before.version == version and before.basic
        try:
            answer, basic = await self._grant(auth, basic=basic)
            until = self._clock.now() + _usable(answer.expires_in) * 1000
            kept = _Kept(version, Secret(answer.access_token), until, basic)
        except PrepareFailed as failed:
            return failed.with_traceback(None)
        finally:
            del self._under_way[key]
        other = self._kept.get(endpoint_id)
        if other is None or other.version <= version:
            self._kept[endpoint_id] = kept
        self._prune()
        return kept

    async def _grant(self, auth: OAuth2Auth, *, basic: bool) -> tuple[_Answer, bool]:
        """Ask for a token; where the client is not known by its credentials in one place, ask once more with them in
        the other (RFC 6749 §2.3.1 has both). Return the answer and whether Basic was the place.
        """
        response = await self._ask(auth, basic=basic)
        if auth.client_id and auth.client_secret and _refuses_client(response):
            second = await self._ask(auth, basic=not basic)
            if second.status not in {400, 401}:  # else both refuse, and the first says why
                return _read(second), not basic
        return _read(response), basic

    async def _ask(self, auth: OAuth2Auth, *, basic: bool) -> Response:
        try:
            target = parse_target(auth.token_url)
        except ValueError as error:
            raise PrepareFailed(f"The token_url cannot be called: {error}.", transient=False) from error
        request = _request(target, auth, self._timeout, basic=basic)
        if target.scheme == "https":
            return await self._wire.send(request)
        if not self._exceptions:
            detail = "The token_url must be https: credentials go there, and no network is allowed for plain http."
            raise PrepareFailed(detail, transient=False)
        return await self._wire.send_inside(request)

    def _prune(self) -> None:
        """Forget what has expired, of endpoints that may be gone."""
        now = self._clock.now()
        if len(self._kept) > _PRUNE_AT:
            self._kept = {endpoint_id: kept for endpoint_id, kept in self._kept.items() if kept.until > now}
        if len(self._renewable_at) > _PRUNE_AT:
            self._renewable_at = {key: at for key, at in self._renewable_at.items() if at > now}


def _request(target: Target, auth: OAuth2Auth, timeout: float, *, basic: bool) -> Request:
    form: dict[str, str] = {"grant_type": auth.grant}
    if auth.grant == "password":
        form["username"] = auth.username or ""
        form["password"] = auth.password.reveal() if auth.password else ""
    if auth.scope:
        form["scope"] = auth.scope
    secret = auth.client_secret.reveal() if auth.client_secret else ""
    authorization = ""
    if basic and auth.client_id and secret:
        # Encoded as a form first, then as Basic credentials (RFC 6749 §2.3.1).
        pair = f"{quote_plus(auth.client_id)}:{quote_plus(secret)}"
        authorization = f"Authorization: Basic {base64.b64encode(pair.encode()).decode()}\r\n"
    elif auth.client_id:
        form |= {"client_id": auth.client_id} | ({"client_secret": secret} if secret else {})
    body = urlencode(form).encode("ascii")
    head = (
        f"POST {target.path} HTTP/1.1\r\nHost: {target.authority}\r\nUser-Agent: Reelhook/{__version__}\r\n"
        f"Accept: application/json\r\nAccept-Encoding: identity\r\nConnection: close\r\n{authorization}"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
    )
    return Request(target, head.encode("ascii"), body, timeout)


def _refuses_client(response: Response) -> bool:
    """Tell whether the token server did not know the client (RFC 6749 §5.2)."""
    return response.status == 401 or (response.status == 400 and _error(response.body) == "invalid_client")


def _read(response: Response) -> _Answer:
    """Take the token out of an answer."""
    if response.failure is not None:
        detail = f"No access token could be had. {response.error}"
        raise PrepareFailed(detail, transient=is_transient(response.failure, response.status))
    status = response.status or 0
    if not 200 <= status < 300:
        transient = is_transient(Failure.STATUS, status)
        raise PrepareFailed(f"The token endpoint answered {status}{_code(response.body)}.", transient=transient)
    try:
        answer = msgspec.json.decode(response.body, type=_Answer)
    except msgspec.DecodeError:
        raise PrepareFailed("The token endpoint answered without an access token.", transient=False) from None
    if not _TOKEN.fullmatch(answer.access_token):
        detail = "The token endpoint's access token holds characters that no header may carry."
        raise PrepareFailed(detail, transient=False)
    return answer


def _code(body: bytes) -> str:
    """Return the error's registered name in brackets, nothing when there is none."""
    code = _error(body)
    return f" ({code})" if code in _CODES else ""


def _error(body: bytes) -> str:
    try:
        code = msgspec.json.decode(body, type=dict[str, object]).get("error")
    except msgspec.DecodeError:
        return ""
    return code if isinstance(code, str) else ""


def _usable(expires_in: float | str | None) -> float:
    """Return how long a token may be used (s): until shortly before it expires, or half of a short life."""
    try:
        life = _LIFE if expires_in is None else float(expires_in)
    except ValueError:
        life = _LIFE
    return max(0.0, min(life - _MARGIN if life >= 2 * _MARGIN else life / 2, _LONGEST_LIFE))
