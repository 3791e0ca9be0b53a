"""Apps: the tenants. The operator makes them; an app's admin may look after their own."""

from ipaddress import ip_address
from typing import Annotated, Any, ClassVar, Final, Literal

import msgspec
from msgspec import Meta

from reelhook.api.dispatch import mask
from reelhook.api.exchange import Answer, Call, absent, found
from reelhook.api.link_refresh import check_link_refresh, keep_secret
from reelhook.api.lists import Listing, PageQuery, Time, listing
from reelhook.api.reading import Input, Patch, invalid, refuse, whole
from reelhook.errors import Conflict, FieldError, Forbidden
from reelhook.model import ids
from reelhook.model.access import APP_ID_PATTERN, DEFAULT_APP, App, LinkRefresh, Role, VimeoAccount
from reelhook.model.instant import show_time
from reelhook.model.pointer import pointer
from reelhook.pipeline.check import check_emails, check_extras

OPERATORS: Final = ("limits", "vimeo", "egress_ips")
"""What an app's own admin cannot change: it would lift what the operator has set."""
AccountType = Literal["free", "starter", "standard", "advanced", "studio", "enterprise"]
ShortText = Annotated[str, whole(r"[^\x00-\x1f\x7f]*", max_length=200)]


class LimitsInput(Input):
    """What an app may have: so many endpoints; only event types of its catalogue when `strict_types`; so many Vimeo
    deliveries a minute instead of what its account type gives.
    """

    endpoints: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None
    strict_types: bool = False
    vimeo_quota: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None


class VimeoInput(Input):
    """What the Vimeo dialect and its management API need to know of an app."""

    account_type: AccountType = "enterprise"
    capabilities: Annotated[tuple[ShortText, ...], Meta(max_length=50)] = ()


class AppInput(Input):
    """An app; without an id it is given one."""

    READ_ONLY: ClassVar[tuple[str, ...]] = ("created_at", "updated_at")

    id: Annotated[str, whole(APP_ID_PATTERN)] | None = None
    name: ShortText = ""
    notify_emails: tuple[str, ...] = ()
    limits: LimitsInput = msgspec.field(default_factory=LimitsInput)
    vimeo: VimeoInput = msgspec.field(default_factory=VimeoInput)
    egress_ips: Annotated[tuple[str, ...], Meta(max_length=100)] | None = None
    link_refresh: LinkRefresh | None = None
    metadata: dict[str, Any] = msgspec.field(default_factory=dict)


class AppDocument(msgspec.Struct):
    """An app; `egress_ips` null: those of the installation."""

    id: str
    name: str
    notify_emails: tuple[str, ...]
    limits: dict[str, Any]
    vimeo: VimeoAccount
    egress_ips: tuple[str, ...] | None
    link_refresh: LinkRefresh | None
    metadata: dict[str, Any]
    created_at: Time
    updated_at: Time


async def index(call: Call, query: PageQuery) -> Listing[AppDocument]:
    """List all apps, newest first."""
    return listing(call.services.apps.page(query.cursor, query.limit), _show)


async def create(call: Call, body: AppInput) -> AppDocument:
    """Make an app."""
    app = _make(call, body, body.id or ids.show("app", call.new_id()), None)
    if call.services.apps.get(app.id) is not None:
        raise Conflict(f"there is an app {app.id} already")
    shown = _show(app)
    entry = call.entry("app.created", app.id, {"after": _public(app)}, app.id)
    await call.services.apps.add(app, entry, call.kept(shown))
    call.services.changes.app(app)
    return shown


async def read(call: Call) -> AppDocument:
    """Read an app."""
    return _show(_app(call))


async def change(call: Call, body: Patch[AppInput]) -> Answer[AppDocument]:
    """Change an app; its own admin may change all but what the operator grants: limits, vimeo, egress_ips."""
    async with call.turns.of(("app", call.parts["id"])):
        current = _app(call)
        before = _public(current)
        wanted = body.onto(before)
        if wanted.id not in {None, current.id}:
            raise invalid("the id of an app cannot be changed", "/id")
        app = _make(call, wanted, current.id, current)
        after = _public(app)
        names = [name for name in after if name != "updated_at" and before[name] != after[name]]
        if call.caller.role is not Role.OPERATOR and set(names) & set(OPERATORS):
            raise Forbidden(f"{', '.join(OPERATORS)} are the operator's to change")
        changed = {"before": {name: before[name] for name in names}, "after": {name: after[name] for name in names}}
        await call.services.apps.change(app, call.entry("app.changed", app.id, changed, app.id))
        call.services.changes.app(app)
    call.services.authenticator.forget()
    return Answer(_show(app))


async def remove(call: Call) -> None:
    """Remove an app with its endpoints, tokens, event types and tasks."""
    app = _app(call)
    if app.id == DEFAULT_APP:
        raise Conflict(f"the app {DEFAULT_APP} always exists; it cannot be deleted")
    await call.services.apps.remove(app.id, call.entry("app.deleted", app.id, {"before": _public(app)}, app.id))
    call.services.changes.app_removed(app.id)
    call.services.authenticator.forget()


def _app(call: Call) -> App:
    app_id = call.parts["id"]
    if call.caller.role is not Role.OPERATOR and app_id != call.app_id:
        raise absent("app")
    return found(call.services.apps.get(app_id), "app")


def _make(call: Call, body: AppInput, app_id: str, current: App | None) -> App:
    now = call.services.clock.wall()
    app = App(
        id=app_id,
        name=body.name or app_id,
        created_at=current.created_at if current else now,
        updated_at=now,
        notify_emails=body.notify_emails,
        limits=_limits(body.limits),
        vimeo=VimeoAccount(body.vimeo.account_type, body.vimeo.capabilities),
        egress_ips=body.egress_ips,
        link_refresh=keep_secret(body.link_refresh, current),
        metadata=body.metadata,
    )
    refuse([*check_emails(app.notify_emails), *check_extras(app.metadata, "metadata"), *_check(call, app)])
    return app


def _limits(given: LimitsInput) -> dict[str, Any]:
    limits: dict[str, Any] = {} if given.endpoints is None else {"endpoints": given.endpoints}
    if given.strict_types:
        limits["strict_types"] = True
    if given.vimeo_quota is not None:
        limits["vimeo_quota"] = given.vimeo_quota
    return limits


def _check(call: Call, app: App) -> list[FieldError]:
    errors = []
    for place, address in enumerate(app.egress_ips or ()):
        try:
            ip_address(address)
        except ValueError:
            errors.append(FieldError(f"{address[:60]!r} is not an IP address", pointer("egress_ips", place)))
    return errors + (check_link_refresh(call, app.link_refresh) if app.link_refresh is not None else [])


def _public(app: App) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(_show(app), enc_hook=mask)
    return shown


def _show(app: App) -> AppDocument:
    return AppDocument(
        app.id,
        app.name,
        app.notify_emails,
        app.limits,
        app.vimeo,
        app.egress_ips,
        app.link_refresh,
        app.metadata,
        show_time(app.created_at),
        show_time(app.updated_at),
    )
