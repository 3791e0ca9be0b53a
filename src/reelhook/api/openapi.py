"""OpenAPI 3.1, made of the route list and the types of the functions behind it; nothing is declared twice."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from reelhook import __version__
from reelhook.api.manner import Manner
from reelhook.api.manners import manner_of
from reelhook.api.native import NATIVE
from reelhook.api.openapi_schemas import JsonSchema, Schemas, query_parameters
from reelhook.api.openapi_webhooks import DELIVERY_HEADERS, webhooks
from reelhook.api.route import Route

_INTRODUCTION: Final = """\
Accepts events, delivers each to every subscribed endpoint, signed, retried, recorded.

Every error is an RFC 9457 problem. Lists take `limit` and `cursor`, newest first. Times are RFC 3339 in UTC. `PATCH`
is RFC 7396 merge-patch. A POST that creates heeds `Idempotency-Key`, which is kept for 24 hours. An operator token
acts on the app that the header `Reelhook-App` names. `***` stands for a secret; sent back, it keeps what is stored.

What lies below `/compat` speaks as the system that it is named after: its errors, its lists, its times."""

_MEANINGS: Final = {
    400: "The request cannot be read.",
    401: "No token, or one that is unknown or expired.",
    403: "The token's role or scopes do not allow this.",
    404: "It does not exist, or belongs to another app.",
    409: "Its state does not allow this, or it exists already.",
    412: "If-Match named a version that is no longer the current one.",
    413: "The body is over its limit.",
    415: "The body is not JSON in UTF-8.",
    422: "The content is not valid; `errors` says where.",
    503: "Not at this moment. Nothing was done, or nobody can tell: repeat it with the same `Idempotency-Key` or `id`.",
    507: "The disk is full; nothing was done.",
}
_SUCCESS: Final = {200: "OK", 201: "Created", 202: "Taken on", 204: "Done; there is nothing to say"}
_PARAMETERS: Final[Mapping[str, JsonSchema]] = {
    "ReelhookApp": {
        "name": "Reelhook-App",
        "in": "header",
        "description": "For operator tokens: the app to act on, `default` unless said.",
        "schema": {"type": "string", "pattern": "^[a-z0-9_-]{1,64}$"},
    },
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Makes a repetition get the first answer, for 24 hours; quoted or bare.",
        "schema": {"type": "string", "pattern": r'^([!#-\[\]-~]{1,255}|"([ !#-\[\]-~]|\\["\\]){1,255}")$'},
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "description": "The ETag that was read: the change is made only if nobody else made one since.",
        "schema": {"type": "string", "pattern": r'^("[0-9]{1,9}"|\*)$'},
    },
}


def openapi(routes: Sequence[Route], public_url: str) -> dict[str, Any]:
    """Write the whole document."""
    schemas = Schemas(routes)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Reelhook", "version": __version__, "description": _INTRODUCTION},
        "servers": [{"url": public_url or "/"}],
        "security": [{"token": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(_tag(route) for route in routes)],
        "paths": paths,
        "webhooks": webhooks(),
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
            "parameters": {**_PARAMETERS, **DELIVERY_HEADERS},
            "responses": {"Problem": _error("An error.", NATIVE, schemas)},
            "schemas": schemas.components,
        },
    }


def _operation(route: Route, schemas: Schemas) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": f"{_module(route)}_{route.run.__name__}",
        "tags": [_tag(route)],
        "summary": route.summary,
        "description": f"{route.run.__doc__ or route.summary}{_asked(route)}",
        "responses": {**_successes(route, schemas), **_errors(route, schemas)},
    }
    parameters = [*_path_parameters(route), *_header_parameters(route), *query_parameters(route.query)]
    if parameters:
        operation["parameters"] = parameters
    if route.input is not None:
        operation["requestBody"] = _request_body(route, schemas)
    if route.access is None:
        operation["security"] = []
    elif (security := manner_of(route.path).security) != NATIVE.security:
        operation["security"] = security
    return operation


def _module(route: Route) -> str:
    """Name the place of the function, which is told apart from others of its name by it."""
    return route.run.__module__.removeprefix("reelhook.api.").removeprefix("compat.").replace(".", "_")


def _asked(route: Route) -> str:
    """Say which token it takes."""
    return "" if route.access is None else f"\n\n{route.access.told()}"


def _path_parameters(route: Route) -> Iterator[JsonSchema]:
    for part in route.path.split("/"):
        if part.startswith("{"):
            schema = {"type": "string", "pattern": "^[^/?#%]+$", "minLength": 1}
            yield {"name": part[1:-1], "in": "path", "required": True, "schema": schema}


def _header_parameters(route: Route) -> Iterator[JsonSchema]:
    names = []
    if route.access is not None and "{app_id}" not in route.path:
        names.append("ReelhookApp")
    if route.once or route.limit != "body":
        names.append("IdempotencyKey")
    if _has_versions(route):
        names.append("IfMatch")
    yield from ({"$ref": f"#/components/parameters/{name}"} for name in names)


def _has_versions(route: Route) -> bool:
    changes = route.method in {"PATCH", "DELETE"} or route.path.endswith("/rotate")
    return changes and route.path.startswith("/v1/endpoints/{id}")


def _request_body(route: Route, schemas: Schemas) -> JsonSchema:
    kind = "application/merge-patch+json" if route.method == "PATCH" else "application/json"
    content = {"schema": schemas.of_input(route)}
    body: JsonSchema = {"content": {kind: content}}
    if route.method == "PATCH":
        body["content"]["application/json"] = content
    if schemas.is_required(route):
        body["required"] = True
    return body


def _successes(route: Route, schemas: Schemas) -> dict[str, JsonSchema]:
    statuses = [route.status] if route.also is None else [route.also, route.status]
    return {
        str(status): _success(status, output, route, schemas)
        for status, output in zip(statuses, route.outputs, strict=True)
    }


def _success(status: int, output: Any, route: Route, schemas: Schemas) -> JsonSchema:
    answer: JsonSchema = {"description": _SUCCESS[status]}
    if output is bytes:
        kinds = (route.media_type, *route.other_types)
        answer["content"] = {kind: {"schema": {"type": "string"}} for kind in kinds}
    elif output is not None:
        spoken = dict.fromkeys((route.media_type, "application/json"))
        answer["content"] = {kind: {"schema": schemas.of(output)} for kind in spoken}
    return answer


def _errors(route: Route, schemas: Schemas) -> dict[str, JsonSchema]:
    manner = manner_of(route.path)
    meanings: dict[int, list[str]] = {}
    for status in sorted(_statuses(route)):
        meanings.setdefault(manner.status(status), []).append(_MEANINGS[status])
    shown = {str(status): _error(" ".join(said), manner, schemas) for status, said in sorted(meanings.items())}
    other = {"$ref": "#/components/responses/Problem"} if manner is NATIVE else _error("An error.", manner, schemas)
    return {**shown, "default": other}


def _statuses(route: Route) -> Iterable[int]:
    statuses = {503} if route.access is None else {401, 403, 422, 503}
    if "{" in route.path:
        statuses.add(404)
    if route.method != "GET":
        statuses |= {400, 413, 415, 409, 507}
    if _has_versions(route):
        statuses.add(412)
    return statuses


def _error(description: str, manner: Manner, schemas: Schemas) -> JsonSchema:
    return {"description": description, "content": {manner.media_type: {"schema": schemas.of(manner.document)}}}


def _tag(route: Route) -> str:
    parts = route.path.split("/")
    return parts[2] if parts[1] in {"v1", "compat"} else "installation"
