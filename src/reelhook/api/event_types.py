"""Event types: the built-in catalogue, and the app's own beside it."""

from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta

from reelhook.api.exchange import Answer, Call, absent
from reelhook.api.lists import PAGE, Cursor, Limit, Listing, PageQuery, Time, cut, listing
from reelhook.api.reading import Input, Patch, invalid, refuse, whole
from reelhook.dialects.table import DIALECTS, dialect_named
from reelhook.errors import Conflict, FieldError, Invalid
from reelhook.model.catalogue import BUILT_IN
from reelhook.model.event import LONGEST_NAME, OPERATIONAL, TYPE_PATTERN
from reelhook.model.event_type import EventType
from reelhook.model.instant import show_time
from reelhook.pipeline.schema import compile_schema
from reelhook.ports import SealedAnswer

TypeName = Annotated[str, whole(TYPE_PATTERN, max_length=LONGEST_NAME)]
Category = Annotated[str, whole("[A-Za-z0-9_-]+", max_length=64)]


DialectName = Annotated[str, Meta(extra_json_schema={"enum": list(DIALECTS)})]


class EventTypeQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`dialect` adds what that dialect calls each type."""

    limit: Limit = PAGE
    cursor: Cursor = None
    dialect: DialectName | None = None


class DialectQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`dialect` adds what that dialect calls the type."""

    dialect: DialectName | None = None


class EventTypeInput(Input):
    """An event type of the app's own; the category is the first word of the name unless it says another."""

    READ_ONLY: ClassVar[tuple[str, ...]] = ("built_in", "dialect_name", "app_id", "created_at", "updated_at")

    name: TypeName
    category: Category | None = None
    description: Annotated[str, Meta(max_length=2000)] = ""
    schema: dict[str, Any] | bool = True
    example: Any = None
    version: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    validate: bool = False
    deprecated: bool = False


class EventTypeDocument(msgspec.Struct, kw_only=True):
    """An event type; `schema` is JSON Schema 2020-12 for `data`. `dialect_name` null: it cannot be expressed."""

    name: str
    category: str
    description: str
    schema: dict[str, Any] | bool
    example: Any
    version: int
    validate: bool
    deprecated: bool
    built_in: bool
    created_at: Time | None
    updated_at: Time | None
    dialect_name: str | msgspec.UnsetType | None = msgspec.UNSET


async def index(call: Call, query: EventTypeQuery) -> Listing[EventTypeDocument]:
    """List event types: the app's own, newest first, then the built-in ones by name."""
    everything = [*call.services.event_types.of(call.app_id), *BUILT_IN.values()]
    page = cut(everything, lambda one: (-one.created_at, one.name), PageQuery(limit=query.limit, cursor=query.cursor))
    return listing(page, lambda one: _show(one, query.dialect))


async def read(call: Call, query: DialectQuery) -> EventTypeDocument:
    """Read one event type."""
    return _show(_known(call), query.dialect)


async def create(call: Call, body: EventTypeInput) -> EventTypeDocument:
    """Add an event type of the app's own."""
    if body.name.startswith(OPERATIONAL):
        raise invalid(f"names that begin with {' or '.join(OPERATIONAL)} are Reelhook's own", "/name")
    async with call.turns.of(("event types", call.app_id)):
        if body.name in BUILT_IN or call.services.event_types.get(call.app_id, body.name):
            raise Conflict(f"there is an event type {body.name} already")
        made = _make(call, body, None)
        shown = _show(made, None)
        await _put(call, made, "event_type.created", call.kept(shown))
    return shown


async def change(call: Call, body: Patch[EventTypeInput]) -> Answer[EventTypeDocument]:
    """Change an event type of the app's own. A new schema is a new version."""
    async with call.turns.of(("event types", call.app_id)):
        current = _own(call)
        wanted = body.onto(_editable(current))
        if wanted.name != current.name:
            raise invalid("a type cannot be renamed: publishers and endpoints know it by its name", "/name")
        if wanted.schema != current.schema and wanted.version == current.version:
            wanted.version += 1
        made = _make(call, wanted, current)
        await _put(call, made, "event_type.changed")
    return Answer(_show(made, None))


async def remove(call: Call) -> None:
    """Remove an event type of the app's own; events of this name are still accepted, unless the app is strict."""
    current = _own(call)
    entry = call.entry("event_type.deleted", current.name)
    await call.services.event_types.remove(call.app_id, current.name, entry)
    call.services.changes.event_types(call.app_id)


async def _put(call: Call, made: EventType, action: str, answer: SealedAnswer | None = None) -> None:
    change = {"version": made.version, "validate": made.validate, "deprecated": made.deprecated}
    await call.services.event_types.put(made, call.entry(action, made.name, change), answer)
    call.services.changes.event_types(call.app_id)


def _known(call: Call) -> EventType:
    name = call.parts["name"]
    known = BUILT_IN.get(name) or call.services.event_types.get(call.app_id, name)
    if known is None:
        raise absent("event type")
    return known


def _own(call: Call) -> EventType:
    known = _known(call)
    if known.name in BUILT_IN:
        raise Conflict(f"{known.name} is built in and cannot be changed")
    return known


def _make(call: Call, body: EventTypeInput, current: EventType | None) -> EventType:
    now = call.services.clock.wall()
    made = EventType(
        name=body.name,
        category=body.category or body.name.partition(".")[0],
        description=body.description,
        schema=body.schema,
        example=body.example,
        version=body.version,
        validate=body.validate,
        deprecated=body.deprecated,
        app_id=call.app_id,
        created_at=current.created_at if current else now,
        updated_at=now,
    )
    _check_example(made)
    return made


def _check_example(made: EventType) -> None:
    """Compile the schema, and hold the example against it, where there is one."""
    try:
        validator = compile_schema(made.schema)
    except ValueError as error:
        raise invalid(str(error), "/schema") from None
    if made.example is not None:
        wrong = validator.check(msgspec.json.encode(made.example))
        refuse([FieldError(f"the example does not fit: {one.detail}", f"/example{one.pointer}") for one in wrong])


def _editable(current: EventType) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(_show(current, None))
    return {name: value for name, value in shown.items() if name in EventTypeInput.__struct_fields__}


def _show(one: EventType, dialect: str | None) -> EventTypeDocument:
    return EventTypeDocument(
        name=one.name,
        category=one.category,
        description=one.description,
        schema=one.schema,
        example=one.example,
        version=one.version,
        validate=one.validate,
        deprecated=one.deprecated,
        built_in=one.name in BUILT_IN,
        created_at=show_time(one.created_at) if one.created_at else None,
        updated_at=show_time(one.updated_at) if one.updated_at else None,
        dialect_name=msgspec.UNSET if dialect is None else _dialect_name(one.name, dialect),
    )


def _dialect_name(name: str, dialect: str) -> str | None:
    try:
        return dialect_named(dialect).name_of(name)
    except Invalid as error:
        raise invalid(error.detail, "/dialect") from None
