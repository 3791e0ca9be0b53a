"""`reelhook types`: the catalogue of event types, and those of the app's own."""

from typing import Any, Final

from cyclopts import App
from rich.text import Text

from reelhook.cli.client import route
from reelhook.cli.given_data import json_of, object_of
from reelhook.cli.outcome import Exit, Stop
from reelhook.cli.remote import HERE, Flag, Remote
from reelhook.cli.screen import facts, table

types: Final = App(name="types", help="Look at event types, add ones of your own.", version_flags=[])


@types.command(name="list")
def list_(*, limit: int = 500, dialect: str | None = None, own: Flag = False, remote: Remote = HERE) -> None:
    """List event types: the app's own, then the built-in ones.

    Args:
        limit: How many at most.
        dialect: Say what this dialect calls each.
        own: Only the app's own.
    """
    page = remote.client().list(route("event-types"), limit, dialect=dialect)
    if own:
        page["items"] = [each for each in page["items"] if not each["built_in"]]
    named = ("CALLED",) if dialect else ()
    rows = [(*_row(each), *([each["dialect_name"]] if dialect else [])) for each in page["items"]]
    columns = ("NAME", "CATEGORY", "VERSION", "KIND", *named)
    remote.screen.answer(page, lambda: table(columns, rows, "The app has no event types of its own."))


@types.command
def show(name: str, /, *, dialect: str | None = None, remote: Remote = HERE) -> None:
    """Show one event type with its schema and example.

    Args:
        name: Its name.
        dialect: Say what this dialect calls it.
    """
    _answer(remote, remote.client().get(route("event-types", name), dialect=dialect))


@types.command
def create(
    name: str,
    /,
    *,
    schema: str | None = None,
    example: str | None = None,
    description: str | None = None,
    category: str | None = None,
    validate: Flag = False,
    body: str | None = None,
    remote: Remote = HERE,
) -> None:
    """Add an event type of the app's own.

    Args:
        name: Its name: words joined by dots.
        schema: JSON Schema 2020-12 of its data: in place, @file or @-.
        example: An example of its data, as JSON: in place, @file or @-.
        description: What it tells, for people.
        category: Its category; else the first word of its name.
        validate: Refuse events of this type whose data do not fit the schema.
        body: The whole type as JSON: in place, @file or @-. Options change it.
    """
    made = _document(schema, example, description, category, body) | ({"validate": True} if validate else {})
    _answer(remote, remote.client().post(route("event-types"), made | {"name": name}))


@types.command
def update(
    name: str,
    /,
    *,
    schema: str | None = None,
    example: str | None = None,
    description: str | None = None,
    category: str | None = None,
    validate: bool | None = None,
    deprecated: bool | None = None,
    body: str | None = None,
    remote: Remote = HERE,
) -> None:
    """Change an event type of the app's own; a new schema makes a new version.

    Args:
        name: Its name.
        schema: JSON Schema 2020-12 of its data: in place, @file or @-.
        example: An example of its data, as JSON: in place, @file or @-.
        description: What it tells, for people.
        category: Its category.
        validate: Refuse events of this type whose data do not fit the schema, or do not.
        deprecated: Mark it as one that publishers should leave, or do not.
        body: The change as JSON: in place, @file or @-. Options change it.
    """
    flags = {"validate": validate, "deprecated": deprecated}
    change = _document(schema, example, description, category, body)
    change |= {field: value for field, value in flags.items() if value is not None}
    if not change:
        raise Stop("say what to change; see --help", Exit.USAGE)
    _answer(remote, remote.client().patch(route("event-types", name), change))


@types.command
def delete(name: str, /, *, remote: Remote = HERE) -> None:
    """Delete an event type of the app's own; events of this name are still accepted, unless the app is strict.

    Args:
        name: Its name.
    """
    remote.client().delete(route("event-types", name))
    remote.screen.answer({"name": name, "deleted": True}, lambda: Text(f"{name} is deleted."))


def _document(
    schema: str | None, example: str | None, description: str | None, category: str | None, body: str | None
) -> dict[str, Any]:
    made = object_of(body, "--body") if body is not None else {}
    given = {name: text for name, text in (("description", description), ("category", category)) if text is not None}
    read = {name: json_of(text, f"--{name}") for name, text in (("schema", schema), ("example", example)) if text}
    return made | given | read


def _row(each: dict[str, Any]) -> tuple[object, ...]:
    kind = "built in" if each["built_in"] else "own, checked" if each["validate"] else "own"
    return each["name"], each["category"], each["version"], f"{kind}, deprecated" if each["deprecated"] else kind


def _answer(remote: Remote, event_type: dict[str, Any]) -> None:
    remote.screen.answer(event_type, lambda: facts(event_type))
