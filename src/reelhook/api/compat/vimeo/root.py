"""Vimeo's API at the root of the server too, for its clients in which only the host can be changed."""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

BASE: Final = "/compat/vimeo"


class AtRoot:
    """Serves `/apps/…` as `/compat/vimeo/apps/…`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and scope["path"].startswith("/apps/"):
            scope = {**scope, "path": BASE + scope["path"]}
        await self._app(scope, receive, send)
