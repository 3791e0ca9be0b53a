"""Who may do what: apps (tenants), tokens, roles and scopes."""

from enum import StrEnum
from typing import Any, Final

import msgspec

from reelhook.model.secret import Secret

DEFAULT_APP: Final = "default"
"""The app that always exists; the operator's own, unless `Reelhook-App` names another."""
APP_ID_PATTERN: Final = r"[a-z0-9_-]{1,64}"


class Role(StrEnum):
    """What a token may do at most; each role may do all that the ones before it may."""

    VIEWER = "viewer"
    MEMBER = "member"
    MANAGER = "manager"
    ADMIN = "admin"
    OPERATOR = "operator"

    @property
    def rank(self) -> int:
        """Its place in the order of power."""
        return list(Role).index(self)


class Scope(StrEnum):
    """What narrows a token inside its role; a token without scopes may do all that its role allows."""

    EVENTS_WRITE = "events:write"
    ENDPOINTS_READ = "endpoints:read"
    ENDPOINTS_WRITE = "endpoints:write"
    DELIVERIES_READ = "deliveries:read"
    DELIVERIES_RETRY = "deliveries:retry"
    SECRETS_REVEAL = "secrets:reveal"
    VIMEO_PUBLIC = "public"
    VIMEO_PRIVATE = "private"
    VIMEO_EDIT = "edit"
    VIMEO_DELETE = "delete"
    VIMEO_WEBHOOKS = "webhooks"


class VimeoAccount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the Vimeo dialect and its management API need to know of an app."""

    account_type: str = "enterprise"
    capabilities: tuple[str, ...] = ()


class LinkRefresh(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where to ask for a fresh link when one has expired, and the secret that signs the question."""

    url: str
    secret: Secret


class App(msgspec.Struct, frozen=True):
    """A tenant: whose the events and endpoints are. `limits` may hold `endpoints`, `strict_types`, `vimeo_quota`."""

    id: str
    name: str
    created_at: int
    updated_at: int
    notify_emails: tuple[str, ...] = ()
    limits: dict[str, Any] = {}
    vimeo: VimeoAccount = VimeoAccount()
    egress_ips: tuple[str, ...] | None = None
    link_refresh: LinkRefresh | None = None
    metadata: dict[str, Any] = {}


class Token(msgspec.Struct, frozen=True):
    """An access token as it is stored: only the SHA-256 of its text, never the text."""

    id: int
    app_id: str
    name: str
    role: Role
    scopes: tuple[Scope, ...]
    hash: bytes
    last_four: str
    created_at: int
    expires_at: int | None = None


class Caller(msgspec.Struct, frozen=True):
    """Who makes a request, and for which app: the one value that every read and change is scoped by."""

    app_id: str
    token_id: int
    role: Role
    scopes: frozenset[Scope]
    name: str

    def may(self, role: Role, scope: Scope | None) -> bool:
        """Tell whether the caller has at least this role and, where its token is narrowed, this scope."""
        if self.role.rank < role.rank:
            return False
        return not self.scopes or (scope is not None and scope in self.scopes)
