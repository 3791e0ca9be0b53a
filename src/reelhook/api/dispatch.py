"""Runs routes: admit, read, run once, write. Whatever goes wrong is answered in the manner of the API it is about."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from reelhook.api.access import only
from reelhook.api.exchange import Answer, Call, Stream, Text, Turns
from reelhook.api.fault import fault
from reelhook.api.idempotency import Keeping, Kept, Repeats, read_idempotency_key
from reelhook.api.manners import MANNERS, manner_of
from reelhook.api.native import NATIVE
from reelhook.api.problem import MethodNotAllowed
from reelhook.api.reading import Input, check_media_type, invalid, read_input, read_patch, read_query
from reelhook.api.route import Route
from reelhook.api.services import Services
from reelhook.errors import ReelhookError, TooLarge
from reelhook.model.access import Caller, Role
from reelhook.model.secret import MASK, Secret

NOBODY: Final = Caller("", 0, Role.VIEWER, frozenset(), "")
"""Who calls a route that asks for no token."""


class Dispatch:
    """What all routes share: the services, the locks, the keys that are in use."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._admissions = {manner: manner.admission(services) for manner in MANNERS}
        self._turns = Turns()
        self._repeats = Repeats(services.answers, services.clock)

    async def respond(self, routes: Mapping[str, Route], request: Request) -> Response:
        """Answer a request for a path that has these routes, by method."""
        carried: dict[str, str] = {}
        try:
            response = await self._run(_route(routes, request.method), request, carried)
        except ReelhookError as error:
            response = refusal_response(error, request.url.path)
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception as error:  # noqa: BLE001 - a fault of ours must end as an answer, and the log tells it whole
            response = refusal_response(fault(error, request.method, request.url.path), request.url.path)
        response.headers.update(carried)
        return response

    async def _run(self, route: Route, request: Request, carried: dict[str, str]) -> Response:
        caller = NOBODY
        if route.access is not None:
            caller = self._admissions[manner_of(route.path)].admit(route.access, request, carried)
        raw = await self._body(route, request) if request.method not in {"GET", "HEAD"} else b""
        headers = dict(request.headers)
        path = request.url.path
        call = Call(self._services, self._turns, caller, request.method, path, request.path_params, headers)
        given = _arguments(route, request, raw)
        key = read_idempotency_key(_raw(request, b"idempotency-key")) if route.once else None
        if key is None:
            return _write(await route.run(call, **given), route)

        async def run(keeping: Keeping) -> Kept:
            keeper = replace(call, kept=lambda answer: keeping.seal(_kept(answer, route)))
            return _kept(await route.run(keeper, **given), route)

        kept = await self._repeats.once(caller.app_id, f"{route.method} {path}", key, raw, run)
        return _response(kept.status, kept.body, kept.headers)

    async def _body(self, route: Route, request: Request) -> bytes:
        services = self._services
        limits = {
            "body": services.max_body_bytes,
            "event": services.max_event_bytes,
            "batch": services.max_batch_bytes,
        }
        raw = await _read(request, limits[route.limit])
        if raw:
            said = request.headers
            patches = route.method == "PATCH" and manner_of(route.path) is NATIVE  # others know one kind of patch only
            check_media_type(said.get("content-type"), said.get("content-encoding"), patches=patches)
        return raw


class PathRoutes:
    """One path of the API as an ASGI application."""

    def __init__(self, dispatch: Dispatch, routes: Mapping[str, Route]) -> None:
        self._dispatch = dispatch
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        response = await self._dispatch.respond(self._routes, request)
        if request.method == "HEAD":
            response = _without_body(response)
        await response(scope, receive, send)


def refusal_response(error: ReelhookError, path: str) -> Response:
    """Write an error as the API that this path belongs to writes them."""
    refusal = manner_of(path).refuse(error, path)
    return Response(refusal.body, refusal.status, dict(refusal.headers))


def _route(routes: Mapping[str, Route], method: str) -> Route:
    route = routes.get("GET" if method == "HEAD" else method)
    if route is None:
        allow = sorted({*routes, *(["HEAD"] if "GET" in routes else [])})
        raise MethodNotAllowed(f"this path knows {', '.join(allow)}", allow)
    return route


def _raw(request: Request, name: bytes) -> bytes | None:
    return only(request.scope["headers"], name)


async def _read(request: Request, limit: int) -> bytes:
    """Read the body whole, but no further than its limit, whatever its length is said to be."""
    stated = request.headers.get("content-length", "")
    if stated.isdecimal() and int(stated) > limit:
        raise _too_large(limit)
    parts = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
    return b"".join(parts)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body may have {limit} bytes at most")


def _arguments(route: Route, request: Request, raw: bytes) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if route.query is not None:
        given["query"] = read_query(route.query, request.query_params.multi_items())
    elif request.query_params and route.access is not None:
        name = next(iter(request.query_params))
        raise invalid(f"unknown parameter: {name[:80]}", f"/{name[:80]}")
    if "raw" in route.arguments:
        given["raw"] = raw
    if "body" in route.arguments:
        given["body"] = read_patch(route.input, raw) if route.patches else read_input(route.input, raw)
    elif route.input is None and route.method == "POST":
        read_input(Input, raw)  # there is nothing to say, and whatever is said all the same would be passed over
    return given


def _without_body(response: Response) -> Response:
    """Keep status and headers, the length too: what a GET would have answered (RFC 9110 §9.3.2)."""
    bare = Response(status_code=response.status_code)
    bare.raw_headers = response.raw_headers
    return bare


def _write(given: Any, route: Route) -> Response:
    if isinstance(given, Stream):
        return StreamingResponse(given.chunks, route.status, given.headers, given.media_type)
    kept = _kept(given, route)
    return _response(kept.status, kept.body, kept.headers)


def _kept(given: Any, route: Route) -> Kept:
    match given:
        case Text():
            return Kept(
                given.status or route.status, {**given.headers, "content-type": given.media_type}, given.content
            )
        case Answer():
            headers = {"content-type": route.media_type, **given.headers}
            return Kept(given.status or route.status, headers, encode(given.document))
        case None:
            return Kept(204, {}, b"")
        case _:
            return Kept(route.status, {"content-type": route.media_type}, encode(given))


def _response(status: int, body: bytes, headers: Mapping[str, str]) -> Response:
    return Response(body, status, dict(headers))


def encode(document: Any) -> bytes:
    """Write a document; every secret in it is masked."""
    return msgspec.json.encode(document, enc_hook=mask)


def mask(value: Any) -> Any:
    """Encode the one type of ours that msgspec does not know."""
    if isinstance(value, Secret):
        return MASK
    raise NotImplementedError(f"{type(value).__name__} has no form in JSON")
