"""From what a client sends to an endpoint version: addresses joined, masked secrets kept, the rest made or checked."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import msgspec

from reelhook.api import endpoint_document
from reelhook.api.exchange import Call
from reelhook.api.reading import Input, invalid, refuse
from reelhook.dialects.dialect import Dialect
from reelhook.dialects.signing_keys import SEED_SIZE, new_signing_key
from reelhook.dialects.table import dialect_named
from reelhook.dialects.webhook_signature import ED25519_OPTION, SHORTEST_KEY
from reelhook.errors import FieldError
from reelhook.model.endpoint import (
    Auth,
    Conditions,
    Endpoint,
    EndpointState,
    NoAuth,
    Ordering,
    Payload,
    RateLimit,
    Retry,
)
from reelhook.model.pointer import pointer
from reelhook.model.secret import MASK, Secret
from reelhook.model.shard import SPAN, first_in, shard_of_name
from reelhook.model.turn import turn
from reelhook.model.url import join
from reelhook.pipeline.check import check_endpoint

_HIDDEN: Final = Secret(MASK)


class EndpointInput(Input):
    """An endpoint as a client describes it: give `url`, or `hostname` and `path`. What is left out has its default."""

    READ_ONLY: ClassVar[tuple[str, ...]] = endpoint_document.READ_ONLY

    name: str = ""
    dialect: str = "standard"
    url: str | None = None
    hostname: str | None = None
    path: str | None = None
    events: tuple[str, ...] = ()
    conditions: Conditions = Conditions()
    payload: Payload = Payload()
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    auth: Auth = NoAuth()
    secret: Secret | None = None
    retry: Retry | None = None
    timeout: float | None = None
    rate_limit: RateLimit | None = None
    concurrency: int | None = None
    ordering: Ordering = Ordering.NONE
    state: EndpointState = EndpointState.ACTIVE
    notify_emails: tuple[str, ...] = ()
    options: dict[str, Any] = msgspec.field(default_factory=dict)
    metadata: dict[str, Any] = msgspec.field(default_factory=dict)


def make(call: Call, form: EndpointInput, current: Endpoint | None = None) -> Endpoint:
    """Make a new endpoint, or the next version of one, and check it whole; nothing is stored.

    Raises:
        Invalid: and everything that is wrong.
    """
    dialect = dialect_named(form.dialect)
    now = call.services.clock.wall()
    number = current.id if current else _new_number(call, dialect)
    turned = turn(form.state, current, now)
    endpoint = Endpoint(
        id=number,
        app_id=call.app_id,
        version=current.version + 1 if current else 1,
        url=_url(form),
        created_at=current.created_at if current else now,
        updated_at=now,
        name=form.name,
        dialect=form.dialect,
        hostname=form.hostname,
        path=form.path,
        events=form.events,
        conditions=form.conditions,
        payload=form.payload,
        headers=_headers(form, current),
        auth=_auth(form.auth, current),
        secret=_secret(call, form, current, dialect),
        retired_secrets=current.retired_secrets if current else (),
        signing_key=_signing_key(call, form, current),
        retry=None if form.retry == dialect.defaults.retry else form.retry,
        timeout=None if form.timeout == dialect.defaults.timeout else form.timeout,
        rate_limit=form.rate_limit,
        concurrency=form.concurrency,
        ordering=form.ordering,
        state=turned.state,
        disabled_reason=turned.disabled_reason,
        notify_emails=form.notify_emails,
        options=form.options,
        metadata=form.metadata,
        compat_id=_compat_id(form, current, dialect, number),
        enabled_at=turned.enabled_at,
        disabled_at=turned.disabled_at,
        disabling=turned.disabling,
    )
    check(call, endpoint, dialect)
    return endpoint


def _new_number(call: Call, dialect: Dialect) -> int:
    """Take the id of a new endpoint. Where an app's endpoints share a quota their ids lie in one shard, so that one
    node sends to all of them and counts exactly.
    """
    app = call.services.apps.get(call.app_id)
    if app is None or dialect.quota(app) is None:
        return call.new_id()
    return first_in(shard_of_name(app.id), call.new_id(SPAN))


def check(call: Call, endpoint: Endpoint, dialect: Dialect) -> None:
    """Refuse an endpoint with anything wrong about it."""
    errors = check_endpoint(endpoint, dialect, tuple(call.services.exceptions))
    if call.services.https_only and not endpoint.url.lower().startswith("https://"):
        errors.append(FieldError("this installation calls https URLs only", "/url"))
    refuse(errors)


def settle_address(merged: dict[str, Any], given: Mapping[str, Any], current: Mapping[str, Any]) -> dict[str, Any]:
    """Let the address that a patch changes win over the one that it merely repeats: `url`, or `hostname` and `path`."""
    changed = {name for name in ("url", "hostname", "path") if name in given and given[name] != current[name]}
    if changed == {"url"}:
        return {name: value for name, value in merged.items() if name not in {"hostname", "path"}}
    if changed and "url" not in changed:
        return {name: value for name, value in merged.items() if name != "url"}
    return merged


def _url(form: EndpointInput) -> str:
    if form.hostname is None:
        if form.url is None or form.path is not None:
            raise invalid("give url, or hostname and path", "/url" if form.path is None else "/hostname")
        return form.url
    try:
        url = join(form.hostname, form.path or "/")
    except ValueError as error:
        raise invalid(str(error), "/hostname") from None
    if form.url is not None and form.url != url:
        raise invalid(f"url says something else than hostname and path, which make {url[:200]}", "/url")
    return url


def _headers(form: EndpointInput, current: Endpoint | None) -> dict[str, str]:
    stored = current.headers if current else {}
    headers = {}
    for name, value in form.headers.items():
        if value == MASK and name not in stored:
            raise _nothing_stored(pointer("headers", name))
        headers[name] = stored[name] if value == MASK else value
    return headers


def _auth(auth: Auth, current: Endpoint | None) -> Auth:
    """Put stored credentials in the place of masks."""
    kept = {}
    for name in auth.__struct_fields__:
        if getattr(auth, name) == _HIDDEN:
            stored = getattr(current.auth, name, None) if current and type(current.auth) is type(auth) else None
            if stored is None:
                raise _nothing_stored(pointer("auth", name))
            kept[name] = stored
    return msgspec.structs.replace(auth, **kept)


def _secret(call: Call, form: EndpointInput, current: Endpoint | None, dialect: Dialect) -> Secret | None:
    if form.secret is None:
        made = dialect.new_secret(call.services.random_bytes(SHORTEST_KEY))
        return None if made is None else Secret(made)
    if form.secret != _HIDDEN:
        return form.secret
    if current is None or current.secret is None:
        raise _nothing_stored("/secret")
    return current.secret


def _signing_key(call: Call, form: EndpointInput, current: Endpoint | None) -> Secret | None:
    if form.options.get(ED25519_OPTION) is not True:
        return None
    if current and current.signing_key:
        return current.signing_key
    return Secret(new_signing_key(call.services.random_bytes(SEED_SIZE)))


def _compat_id(form: EndpointInput, current: Endpoint | None, dialect: Dialect, number: int) -> str | None:
    """Return what the system's own API calls the endpoint; a new dialect has a new name for it."""
    kept = current.compat_id if current and current.dialect == form.dialect else None
    return kept or dialect.compat_id(number)


def _nothing_stored(where: str) -> Exception:
    return invalid(f"{MASK} stands for what is stored, and nothing is", where)
