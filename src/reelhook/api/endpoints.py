"""Endpoints: where deliveries go."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec

from reelhook.api.connection_test import must_pass, require_connection, same_connection
from reelhook.api.dispatch import mask
from reelhook.api.endpoint_document import EndpointDocument, etag, show
from reelhook.api.endpoint_form import EndpointInput, make, settle_address
from reelhook.api.exchange import Answer, Call, found
from reelhook.api.lists import LARGEST_PAGE, Listing, PageQuery, listing
from reelhook.api.merge_patch import merge_patch, merge_tagged
from reelhook.api.reading import Patch
from reelhook.dialects.table import dialect_named
from reelhook.errors import Conflict, OverLimit, PreconditionFailed
from reelhook.model import ids
from reelhook.model.endpoint import Endpoint
from reelhook.ports import SealedAnswer

_TRIES: Final = 3
"""A change that meets another one (an endpoint that is just being disabled) is made anew so many times."""
_CHANGED: Final = "the endpoint was changed meanwhile; read it again and repeat your change"
_TAGGED: Final = {"auth": "type", "retry": "kind"}


async def index(call: Call, query: PageQuery) -> Listing[EndpointDocument]:
    """List endpoints, newest first."""
    page = call.services.endpoints.page(call.app_id, query.cursor, query.limit)
    return listing(page, lambda endpoint: _show(call, endpoint))


async def create(call: Call, body: EndpointInput) -> Answer[EndpointDocument]:
    """Create an endpoint. The answer is the only one that shows its secret, beside `GET …/secret`."""
    endpoint = make(call, body)
    if must_pass(endpoint):
        _require_room(call, endpoint)
        await require_connection(call, endpoint)
    answer = Answer(_show(call, endpoint, reveal=True), headers=etag(endpoint))
    await add(call, endpoint, answer)
    return answer


async def add(call: Call, endpoint: Endpoint, answer: object) -> None:
    """Store a new endpoint, where there is room for it, together with the answer that tells of it."""
    async with call.turns.of(("endpoints", call.app_id)):
        _require_room(call, endpoint)
        entry = call.entry("endpoint.created", name_of(endpoint), {"after": public(endpoint)})
        await call.services.endpoints.add(endpoint, entry, call.kept(answer))
        call.services.changes.endpoint(endpoint)


async def read(call: Call) -> Answer[EndpointDocument]:
    """Read an endpoint; `ETag` names the version."""
    endpoint = this(call)
    return Answer(_show(call, endpoint), headers=etag(endpoint))


async def change(call: Call, body: Patch[EndpointInput]) -> Answer[EndpointDocument]:
    """Change an endpoint. With `If-Match` only if nobody else has changed it meanwhile (412)."""
    number = call.id("ep", "endpoint")
    tested = await _tested(call, body)
    for last in (False,) * (_TRIES - 1) + (True,):
        async with call.turns.of(("endpoint", number)):
            current = this(call)
            require_match(call, current)
            endpoint = make(call, _merge(body, current), current)
            if endpoint.dialect != current.dialect:
                _require_room(call, endpoint)
            if must_pass(endpoint, current) and not (tested and same_connection(endpoint, tested)):
                raise Conflict(_CHANGED)  # while the test ran: what would be saved is not what was tested
            try:
                await store(call, current, endpoint, "endpoint.changed")
            except Conflict:
                if last:
                    raise
                continue
        made = endpoint.secret != current.secret and body.values.get("secret") is None
        return Answer(_show(call, endpoint, reveal=made), headers=etag(endpoint))
    raise AssertionError("the last try returns or raises")


async def _tested(call: Call, body: Patch[EndpointInput]) -> Endpoint | None:
    """Test what a change leads to, where its system asks for it; nobody waits for a lock meanwhile."""
    current = this(call)
    form = _merge(body, current)
    if not dialect_named(form.dialect).defaults.tested_before_saving:
        return None
    require_match(call, current)
    endpoint = make(call, form, current)
    if must_pass(endpoint, current):
        if endpoint.dialect != current.dialect:
            _require_room(call, endpoint)
        await require_connection(call, endpoint)
    return endpoint


async def remove(call: Call) -> None:
    """Delete an endpoint: nothing is sent to it any more, what waits is cancelled, its log stays."""
    endpoint = this(call)
    require_match(call, endpoint)
    entry = call.entry("endpoint.deleted", name_of(endpoint), {"before": public(endpoint)})
    with changed_meanwhile(call):
        version = endpoint.version if _is_conditional(call) else None
        await call.services.endpoints.remove(call.app_id, endpoint.id, entry, version)
    call.services.changes.endpoint_removed(endpoint.id)


def this(call: Call) -> Endpoint:
    """Return the endpoint that the path names."""
    return found(call.services.endpoints.get(call.app_id, call.id("ep", "endpoint")), "endpoint")


def require_match(call: Call, endpoint: Endpoint) -> None:
    """Heed `If-Match` (RFC 9110 §13.1.1).

    Raises:
        PreconditionFailed: the client has seen another version.
    """
    if not _is_conditional(call):
        return
    if etag(endpoint)["etag"] not in [tag.strip() for tag in call.headers["if-match"].split(",")]:
        raise PreconditionFailed(_CHANGED)


@contextmanager
def changed_meanwhile(call: Call) -> Iterator[None]:
    """Answer a conditional request as such when the store finds another version than the one that was read.

    Raises:
        PreconditionFailed: in the place of Conflict, where the request has `If-Match`.
    """
    try:
        yield
    except Conflict as error:
        if not _is_conditional(call):
            raise
        raise PreconditionFailed(_CHANGED) from error


def _is_conditional(call: Call) -> bool:
    return call.headers.get("if-match", "*").strip() != "*"


async def store(
    call: Call, current: Endpoint, endpoint: Endpoint, action: str, answer: SealedAnswer | None = None
) -> None:
    """Store the next version, tell everybody, and note in the audit log what is different."""
    before, after = public(current), public(endpoint)
    names = [name for name in after if name != "updated_at" and before[name] != after[name]]
    change = {"before": {name: before[name] for name in names}, "after": {name: after[name] for name in names}}
    replaced = [name for name in ("secret", "auth", "headers") if getattr(current, name) != getattr(endpoint, name)]
    entry = call.entry(action, name_of(endpoint), {**change, "set": replaced})
    await call.services.endpoints.change(endpoint, entry, answer)
    call.services.changes.endpoint(endpoint)


def public(endpoint: Endpoint) -> dict[str, Any]:
    """Return an endpoint as plain values without secrets."""
    shown: dict[str, Any] = msgspec.to_builtins(show(endpoint, ""), enc_hook=mask)
    del shown["circuit"]
    return shown


def name_of(endpoint: Endpoint) -> str:
    """Return its id as the world writes it."""
    return ids.show("ep", endpoint.id)


def merge(body: Patch[EndpointInput], current: Endpoint) -> dict[str, Any]:
    """Merge a patch into what the client sees of an endpoint (RFC 7396)."""
    seen = public(current)
    merged = dict(seen)
    for name, value in body.values.items():
        if value is None:
            merged.pop(name, None)
        else:
            tag = _TAGGED.get(name)
            merged[name] = merge_tagged(merged.get(name), value, tag) if tag else merge_patch(merged.get(name), value)
    if current.retry is None and "retry" not in body:
        merged.pop("retry", None)  # the default of its dialect, which the patch may change
    if current.timeout is None and "timeout" not in body:
        merged.pop("timeout", None)
    return settle_address(merged, body.values, seen)


def _merge(body: Patch[EndpointInput], current: Endpoint) -> EndpointInput:
    return body.check(merge(body, current))


def _show(call: Call, endpoint: Endpoint, *, reveal: bool = False) -> EndpointDocument:
    return show(endpoint, call.services.circuit(endpoint.id), reveal=reveal)


def _require_room(call: Call, endpoint: Endpoint) -> None:
    """Heed the app's limit and the dialect's on how many endpoints there may be."""
    app = found(call.services.apps.get(call.app_id), "app")
    of_app, of_dialect = app.limits.get("endpoints"), dialect_named(endpoint.dialect).defaults.endpoints_per_app
    if of_app is None and of_dialect is None:
        return
    others = [other for other in every(call) if other.id != endpoint.id]
    if of_app is not None and len(others) >= of_app:
        raise OverLimit(f"this app may have {of_app} endpoints; delete one, or ask the operator for more")
    alike = sum(other.dialect == endpoint.dialect for other in others)
    if of_dialect is not None and alike >= of_dialect:
        raise OverLimit(f"an app may have {of_dialect} endpoints of the dialect {endpoint.dialect}; delete one")


def every(call: Call) -> list[Endpoint]:
    """Return all endpoints of the app, newest first."""
    endpoints: list[Endpoint] = []
    cursor: str | None = None
    while True:
        page = call.services.endpoints.page(call.app_id, cursor, LARGEST_PAGE)
        endpoints += page.items
        cursor = page.next
        if cursor is None:
            return endpoints
