"""What Vimeo's API asks of a token: its scopes, inside a role of ours."""

from typing import Final

import msgspec

from reelhook.api.exchange import Call, found
from reelhook.errors import Forbidden
from reelhook.model.access import Caller, Role, Scope

CAPABILITY: Final = "CAPABILITY_WEBHOOK_SCOPE"
"""What an app needs in `vimeo.capabilities` for its webhooks to be changed."""


class VimeoAccess(msgspec.Struct, frozen=True):
    """A role and, where the token is narrowed, `webhooks` with `public` or `private`, and one scope more."""

    role: Role
    also: Scope | None = None

    def require(self, caller: Caller) -> None:
        """Refuse a caller who lacks the role or a scope.

        Raises:
            Forbidden: and what is missing.
        """
        if caller.role.rank < self.role.rank:
            raise Forbidden(f"this needs a token with the role {self.role}, yours is {caller.role}")
        if not caller.scopes:
            return
        if not caller.scopes & {Scope.VIMEO_PUBLIC, Scope.VIMEO_PRIVATE}:
            raise Forbidden("this needs a token with the scope public or private")
        for scope in (Scope.VIMEO_WEBHOOKS, self.also):
            if scope is not None and scope not in caller.scopes:
                raise Forbidden(f"this needs a token with the scope {scope}")

    def told(self) -> str:
        """Say which token it takes."""
        also = f" and `{self.also}`" if self.also else ""
        scopes = f"`webhooks`, one of `public` and `private`{also}"
        return f"Needs a token with the role `{self.role}`, where it is narrowed with the scopes {scopes}."


READ: Final = VimeoAccess(Role.VIEWER)
EDIT: Final = VimeoAccess(Role.MANAGER, Scope.VIMEO_EDIT)
DELETE: Final = VimeoAccess(Role.MANAGER, Scope.VIMEO_DELETE)


def require_capability(call: Call) -> None:
    """Refuse changes where the operator has not granted webhooks to the app.

    Raises:
        Forbidden: and what is missing.
    """
    if CAPABILITY not in found(call.services.apps.get(call.app_id), "app").vimeo.capabilities:
        raise Forbidden(f"this app has not the capability {CAPABILITY}; the operator can grant it")
