"""Who may call a route, and who calls: bearer tokens, the operator's choice of app, a cache that forgets at once."""

import hashlib
from collections.abc import Iterable
from typing import Final, Protocol

import msgspec

from reelhook.api.token_text import looks_right
from reelhook.errors import Forbidden, Malformed, NotFound, Unauthorized
from reelhook.model.access import DEFAULT_APP, Caller, Role, Scope, Token
from reelhook.ports import Apps, Clock, Tokens

_MOST_CACHED: Final = 4096
_CACHED_MS: Final = 10_000
"""So long a token that another process has removed may still be believed; this process forgets at once."""


class Rule(Protocol):
    """What a route asks of those who call it."""

    def require(self, caller: Caller) -> None:
        """Refuse a caller who may not.

        Raises:
            Forbidden: and what is missing.
        """
        ...

    def told(self) -> str:
        """Say which token it takes, as one sentence in Markdown."""
        ...


class Access(msgspec.Struct, frozen=True):
    """What a route asks of a token: a role and, where the token is narrowed, a scope.

    Without a scope the route is closed to narrowed tokens, unless `any_scope` opens it to all of them.
    """

    role: Role
    scope: Scope | None = None
    any_scope: bool = False

    def require(self, caller: Caller) -> None:
        """Refuse a caller who lacks the role or the scope.

        Raises:
            Forbidden: and what is missing.
        """
        if caller.role.rank < self.role.rank:
            raise Forbidden(f"this needs a token with the role {self.role}, yours is {caller.role}")
        if caller.scopes and not self.any_scope and not caller.may(self.role, self.scope):
            wanted = f"the scope {self.scope}" if self.scope else "a token that is not narrowed by scopes"
            raise Forbidden(f"this needs {wanted}")

    def told(self) -> str:
        """Say which token it takes."""
        scope = "" if self.scope is None else f", scope `{self.scope}` where it is narrowed"
        return f"Needs a token with the role `{self.role}`{scope}."


def only(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    """Return the value of a header that may be there once (RFC 9110 §5.3), None without it.

    Raises:
        Malformed: it is there more than once, so nobody knows which is meant.
    """
    values = [value for key, value in headers if key == name]
    if len(values) > 1:
        raise Malformed(f"send the header {name.decode('latin-1')} once")
    return values[0] if values else None


class Known(msgspec.Struct, eq=False, gc=False):
    """A caller as it was found, which holds until then (wall time, ms), or until it is forgotten: then that is 0."""

    caller: Caller
    until: int


class Authenticator:
    """Turns the headers of a request into the caller that everything is scoped by."""

    def __init__(self, tokens: Tokens, apps: Apps, clock: Clock) -> None:
        self._tokens = tokens
        self._apps = apps
        self._clock = clock
        self._known: dict[tuple[bytes, bytes | None], Known] = {}

    def caller(self, authorization: bytes | None, app: bytes | None) -> Caller:
        """Return who calls; as `known` does."""
        return self.known(authorization, app).caller

    def known(self, authorization: bytes | None, app: bytes | None) -> Known:
        """Return who calls, and until when that holds; the arguments are the raw `Authorization` and `Reelhook-App`.

        Raises:
            Unauthorized: no token, or one that is unknown or expired.
            Forbidden: a token that is not an operator's names another app.
            NotFound: the operator names an app that does not exist.
        """
        if authorization is None:
            raise Unauthorized("send a token: Authorization: Bearer <token>")
        scheme, _, text = authorization.partition(b" ")
        if scheme.lower() != b"bearer":
            raise Unauthorized("the Authorization header is not Bearer <token>")
        digest = hashlib.sha256(text.strip()).digest()
        found = self._known.get((digest, app))
        now = self._clock.wall()
        if found is not None and now < found.until:
            return found
        return self._look_up(text.strip(), digest, app, now)

    def forget(self) -> None:
        """Read tokens and apps anew from now on: one of them was changed or removed."""
        for known in self._known.values():
            known.until = 0
        self._known.clear()

    def holds(self, known: Known) -> bool:
        """Tell whether what was found once may still be believed."""
        return self._clock.wall() < known.until

    def _look_up(self, text: bytes, digest: bytes, app: bytes | None, now: int) -> Known:
        token = self._tokens.by_hash(digest)
        if token is None:
            raise Unauthorized("this token is not known" + ("" if looks_right(text) else ": was it copied whole?"))
        if token.expires_at is not None and token.expires_at <= now:
            raise Unauthorized("this token has expired")
        app_id = self._app(token, app)
        caller = Caller(app_id, token.id, token.role, frozenset(token.scopes), token.name)
        if len(self._known) >= _MOST_CACHED:
            self.forget()
        until = now + _CACHED_MS if token.expires_at is None else min(now + _CACHED_MS, token.expires_at)
        known = self._known[digest, app] = Known(caller, until)
        return known

    def _app(self, token: Token, named: bytes | None) -> str:
        if token.role is not Role.OPERATOR:
            if named is not None and named.decode("latin-1") != token.app_id:
                raise Forbidden("this token belongs to another app than Reelhook-App names")
            return token.app_id
        app_id = DEFAULT_APP if named is None else named.decode("latin-1")
        if self._apps.get(app_id) is None:
            raise NotFound(f"there is no app {app_id[:64]!r}")
        return app_id
