"""The API: all routes as one list, and the ASGI application that serves them."""

from collections import defaultdict
from collections.abc import MutableMapping
from typing import Annotated, Any, Final

from msgspec import Meta
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as Connection

from reelhook.api import (
    apps,
    audit,
    deliveries,
    documentation,
    egress,
    endpoints,
    event_types,
    events,
    health,
    logs,
    recovery,
    secrets,
    stats,
    tasks,
    tokens,
    trials,
)
from reelhook.api.access import Access
from reelhook.api.armour import ARMOUR
from reelhook.api.compat.videocloud.routes import VIDEOCLOUD_ROUTES
from reelhook.api.compat.vimeo.root import AtRoot
from reelhook.api.compat.vimeo.routes import VIMEO_ROUTES
from reelhook.api.csv_export import CSV_TYPE
from reelhook.api.dispatch import Dispatch, PathRoutes, refusal_response
from reelhook.api.fault import fault
from reelhook.api.pdf_export import PDF_TYPE
from reelhook.api.route import Route
from reelhook.api.services import Services
from reelhook.errors import NotFound
from reelhook.model.access import Role, Scope
from reelhook.pipeline.accept import LARGEST_BATCH
from reelhook.pipeline.values import Draft, Receipt, Receipts
from reelhook.telemetry import METRICS_TYPE

_ANYBODY: Final = Access(Role.VIEWER, any_scope=True)
_READ_LOG: Final = Access(Role.VIEWER, Scope.DELIVERIES_READ)
_READ_ENDPOINTS: Final = Access(Role.VIEWER, Scope.ENDPOINTS_READ)
_PUBLISH: Final = Access(Role.MEMBER, Scope.EVENTS_WRITE)
_RETRY: Final = Access(Role.MEMBER, Scope.DELIVERIES_RETRY)
_TRY: Final = Access(Role.MEMBER, Scope.ENDPOINTS_WRITE)
_MANAGE: Final = Access(Role.MANAGER, Scope.ENDPOINTS_WRITE)
_REVEAL: Final = Access(Role.MANAGER, Scope.SECRETS_REVEAL)
_RECOVER: Final = Access(Role.MANAGER, Scope.DELIVERIES_RETRY)
_ADMIN: Final = Access(Role.ADMIN)
_OPERATE: Final = Access(Role.OPERATOR)

_DRAFTS: Final = Annotated[list[Draft], Meta(min_length=1, max_length=LARGEST_BATCH)]
_EXPORT: Final[dict[str, Any]] = {"gives": bytes, "media_type": CSV_TYPE, "other_types": (PDF_TYPE,)}
_EVENT: Final[dict[str, Any]] = {"limit": "event", "takes": Draft, "gives": Receipt}
_BATCH: Final[dict[str, Any]] = {"limit": "batch", "takes": _DRAFTS, "gives": Receipts}

ROUTES: Final = (
    Route("GET", "/v1/apps", apps.index, _OPERATE, "List apps"),
    Route("POST", "/v1/apps", apps.create, _OPERATE, "Create an app", 201, once=True),
    Route("GET", "/v1/apps/{id}", apps.read, _ADMIN, "Read an app"),
    Route("PATCH", "/v1/apps/{id}", apps.change, _ADMIN, "Change an app"),
    Route("DELETE", "/v1/apps/{id}", apps.remove, _OPERATE, "Delete an app", 204),
    Route("POST", "/v1/events", events.publish, _PUBLISH, "Publish an event", 202, **_EVENT),
    Route("POST", "/v1/events/batch", events.publish_batch, _PUBLISH, "Publish many events", 202, **_BATCH),
    Route("GET", "/v1/events", events.index, _READ_LOG, "List events"),
    Route("POST", "/v1/events/{id}/replay", events.replay, _RECOVER, "Send an event again", 202, once=True),
    Route("GET", "/v1/events/{id}", events.read, _READ_LOG, "Read an event"),
    Route("GET", "/v1/endpoints", endpoints.index, _READ_ENDPOINTS, "List endpoints"),
    Route("POST", "/v1/endpoints", endpoints.create, _MANAGE, "Create an endpoint", 201, once=True),
    Route("POST", "/v1/endpoints/preview", trials.preview, _TRY, "Preview a request"),
    Route("POST", "/v1/endpoints/test", trials.run_unsaved, _TRY, "Test an endpoint before saving it"),
    Route("GET", "/v1/endpoints/{id}", endpoints.read, _READ_ENDPOINTS, "Read an endpoint"),
    Route("PATCH", "/v1/endpoints/{id}", endpoints.change, _MANAGE, "Change an endpoint"),
    Route("DELETE", "/v1/endpoints/{id}", endpoints.remove, _MANAGE, "Delete an endpoint", 204),
    Route("POST", "/v1/endpoints/{id}/test", trials.run_saved, _TRY, "Test an endpoint"),
    Route("GET", "/v1/endpoints/{id}/secret", secrets.read, _REVEAL, "Show an endpoint's secret"),
    Route("POST", "/v1/endpoints/{id}/secret/rotate", secrets.rotate, _MANAGE, "Replace the secret", once=True),
    Route(
        "POST",
        "/v1/endpoints/{id}/recover",
        recovery.recover,
        _RECOVER,
        "Send what was missed",
        202,
        once=True,
        also=200,
    ),
    Route("POST", "/v1/endpoints/{id}/replay", recovery.replay, _RECOVER, "Send all again", 202, once=True, also=200),
    Route("GET", "/v1/endpoints/{id}/stats", stats.read, _READ_LOG, "Read an endpoint's figures"),
    Route("GET", "/v1/tasks", tasks.index, _READ_LOG, "List tasks"),
    Route("GET", "/v1/tasks/{id}", tasks.read, _READ_LOG, "Read a task"),
    Route("PATCH", "/v1/tasks/{id}", tasks.change, _RECOVER, "Change a task's rate"),
    Route("POST", "/v1/tasks/{id}/cancel", tasks.cancel, _RECOVER, "Cancel a task"),
    Route("GET", "/v1/deliveries", deliveries.index, _READ_LOG, "List deliveries"),
    Route("GET", "/v1/deliveries/{id}", deliveries.read, _READ_LOG, "Read a delivery"),
    Route("GET", "/v1/deliveries/{id}/attempts", deliveries.attempts, _READ_LOG, "List a delivery's attempts"),
    Route("POST", "/v1/deliveries/{id}/resend", deliveries.resend, _RETRY, "Send a delivery again", 202),
    Route("POST", "/v1/deliveries/{id}/cancel", deliveries.cancel, _RETRY, "Cancel a delivery", 202),
    Route("GET", "/v1/logs", logs.index, _READ_LOG, "List attempts"),
    Route("GET", "/v1/logs/export", logs.export, _READ_LOG, "Export the log", **_EXPORT),
    Route("GET", "/v1/logs/{id}", logs.read, _READ_LOG, "Read an attempt"),
    Route("GET", "/v1/event-types", event_types.index, _READ_ENDPOINTS, "List event types"),
    Route("POST", "/v1/event-types", event_types.create, _MANAGE, "Create an event type", 201, once=True),
    Route("GET", "/v1/event-types/{name}", event_types.read, _READ_ENDPOINTS, "Read an event type"),
    Route("PATCH", "/v1/event-types/{name}", event_types.change, _MANAGE, "Change an event type"),
    Route("DELETE", "/v1/event-types/{name}", event_types.remove, _MANAGE, "Delete an event type", 204),
    Route("GET", "/v1/tokens", tokens.index, _ADMIN, "List tokens"),
    Route("POST", "/v1/tokens", tokens.create, _ADMIN, "Create a token", 201, once=True),
    Route("DELETE", "/v1/tokens/{id}", tokens.remove, _ADMIN, "Delete a token", 204),
    Route("GET", "/v1/audit", audit.index, _ADMIN, "List changes"),
    Route("GET", "/v1/egress-ips", egress.index, _ANYBODY, "List the addresses that deliveries come from"),
    Route("GET", "/healthz", health.alive, None, "Whether the process answers"),
    Route("GET", "/readyz", health.ready, None, "Whether events are accepted and delivered"),
    Route("GET", "/metrics", health.metrics, None, "Figures for Prometheus", gives=bytes, media_type=METRICS_TYPE),
)
COMPAT_ROUTES: Final = VIMEO_ROUTES + VIDEOCLOUD_ROUTES
"""The management APIs of other systems."""
WATCHING_ROUTES: Final = tuple(route for route in ROUTES if route.path in {"/healthz", "/readyz", "/metrics"})
"""What is asked by those who watch over a process."""


def make_app(services: Services) -> ASGIApp:
    """Make the application that serves everything; the door answers the hot routes before it."""
    dispatch = Dispatch(services)
    routes = served(services)
    by_path: defaultdict[str, dict[str, Route]] = defaultdict(dict)
    for route in routes:
        by_path[route.path][route.method] = route
    mounted = [StarletteRoute(_mounted(path), PathRoutes(dispatch, of_path)) for path, of_path in by_path.items()]
    handlers: Any = {HTTPException: _absent, Exception: _fault}
    app = Starlette(routes=mounted, exception_handlers=handlers)
    app.router.redirect_slashes = False  # a redirect would be built from the Host header
    return Armoured(AtRoot(app))


def _mounted(path: str) -> str:
    """Say it in Starlette's words. Ids of events that clients have chosen may hold slashes."""
    return path.replace("/v1/events/{id}", "/v1/events/{id:path}")


def served(services: Services) -> tuple[Route, ...]:
    """Return the routes that this process answers."""
    if services.watched_only:
        return WATCHING_ROUTES
    described = ROUTES + COMPAT_ROUTES
    return described + documentation.routes(described, services.public_url, docs=services.docs)


class Armoured:
    """Adds to every answer what keeps browsers from taking it for something else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_armoured(message: Message) -> None:
            if message["type"] == "http.response.start":
                _arm(message)
            await send(message)

        await self._app(scope, receive, send_armoured)


def _arm(message: MutableMapping[str, Any]) -> None:
    present = {name for name, _ in message["headers"]}
    message["headers"] = [*message["headers"], *(pair for pair in ARMOUR if pair[0] not in present)]


def _absent(request: Request, error: HTTPException) -> Response:  # noqa: ARG001 - the form that Starlette calls
    """Answer for a path that there is not."""
    return refusal_response(NotFound("there is nothing at this path"), request.url.path)


def _fault(request: Request, error: Exception) -> Response:
    return refusal_response(fault(error, request.method, request.url.path), request.url.path)
