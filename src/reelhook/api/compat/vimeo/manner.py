"""How Vimeo's API lets callers in: the app stands in the path, and has a quota of requests a minute."""

from math import ceil
from typing import Final

from starlette.requests import Request

from reelhook.api.access import Rule, only
from reelhook.api.compat.vimeo import errors
from reelhook.api.exchange import absent, found
from reelhook.api.manner import Refusal
from reelhook.api.services import Services
from reelhook.dialects.vimeo.headers import quota_headers
from reelhook.dialects.vimeo.quota import WINDOW, quota_of_app
from reelhook.errors import OverQuota, ReelhookError
from reelhook.model.access import Caller, Role
from reelhook.worker.quota import FixedWindow

_WINDOW_MS: Final = round(WINDOW * 1000)


class VimeoAdmission:
    """Knows how many requests each app has made in the window that runs."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._windows: dict[str, FixedWindow] = {}
        self._looked_at = 0

    def admit(self, rule: Rule, request: Request, carried: dict[str, str]) -> Caller:
        """Return who calls. From here on every answer tells how the app's quota stands; a request that is refused for
        its scopes counts, one over the quota does not.

        Raises:
            ReelhookError: nobody, somebody who may not, a foreign app, or one whose quota is used up.
        """
        caller = self._caller(request)
        self._count(caller.app_id, carried)
        rule.require(caller)
        return caller

    def _caller(self, request: Request) -> Caller:
        """Return the caller, for the app that the path names: an operator's token acts on any, others on their own."""
        authenticator, app_id = self._services.authenticator, request.path_params["app_id"]
        authorization = only(request.scope["headers"], b"authorization")
        caller = authenticator.caller(authorization, None)
        if caller.app_id == app_id:
            return caller
        if caller.role is not Role.OPERATOR:
            raise absent("app")
        return authenticator.caller(authorization, app_id.encode())

    def _count(self, app_id: str, carried: dict[str, str]) -> None:
        limit = quota_of_app(found(self._services.apps.get(app_id), "app"))
        now, wall = self._services.clock.now(), self._services.clock.wall()
        self._forget_deleted(now)
        window = self._windows.setdefault(app_id, FixedWindow(limit, _WINDOW_MS))
        window.resize(limit, _WINDOW_MS)
        free = window.free(now)
        quota = window.begin(now, wall) if free else window.foretell(now, wall)
        carried.update(quota_headers(quota))
        if not free:
            detail = f"this app has {limit} requests a minute; the next ones are taken when the quota is reset"
            raise OverQuota(detail, retry_after=ceil((quota.reset_at - wall) / 1000))

    def _forget_deleted(self, now: int) -> None:
        """Drop the windows of apps that are gone, once in a window."""
        if now - self._looked_at >= _WINDOW_MS:
            self._looked_at = now
            apps = self._services.apps
            self._windows = {one: window for one, window in self._windows.items() if apps.get(one) is not None}


class Vimeo:
    """Implements `Manner`."""

    prefixes: Final = ("/compat/vimeo", "/apps")
    document: Final = errors.VimeoError
    media_type: Final = errors.MEDIA_TYPE
    security: Final[list[dict[str, list[str]]]] = [{"token": []}]

    def status(self, status: int) -> int:
        """Return which status Vimeo answers where we answer this one."""
        return errors.status_of(status)

    def refuse(self, error: ReelhookError, path: str) -> Refusal:  # noqa: ARG002 - the protocol
        """Write an error."""
        return errors.refuse(error)

    def admission(self, services: Services) -> VimeoAdmission:
        """Begin."""
        return VimeoAdmission(services)


VIMEO: Final = Vimeo()
