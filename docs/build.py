"""Writes the pages of the documentation that come from the code: `make docs`. A test fails when one is stale."""

# ruff: noqa: INP001 - a script beside the pages that it writes, no package

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from reelhook.api import app, documentation
from reelhook.api.openapi import openapi
from reelhook.api.problem import QUOTA_TYPE, Internal, problem_kinds
from reelhook.errors import OverQuota, ReelhookError
from reelhook.model.catalogue import BUILT_IN
from reelhook.model.catalogue.shapes import PARTS
from reelhook.model.delivery import CLOSED, TRANSITIONS, Move, State
from reelhook.model.event_type import EventType
from reelhook.settings import as_markdown

HERE: Final = Path(__file__).parent
_MADE: Final = "<!-- Written by docs/build.py from the code: change it there, then run `make docs`. -->\n"
_MOVES: Final[Mapping[Move, str]] = {
    Move.CLAIM: "It is due, its endpoint has a free permit, and the dispatcher takes it. The attempt is counted.",
    Move.SUCCEED: "The receiver answered 2xx.",
    Move.RETRY: "The attempt failed, and the schedule has another one.",
    Move.EXHAUST: "The attempt failed, and the schedule has no other.",
    Move.RELEASE: (
        "It was claimed but no byte was written, because the server stops, the endpoint was paused or its circuit "
        "opened. The attempt number is given back."
    ),
    Move.RESCUE: (
        "The process died while it was being sent. An attempt `interrupted`, outcome unknown, is recorded; it takes a "
        "number but does not advance the schedule. Every fifth in a row counts as a failed attempt, "
        "which may be the last one: then the delivery is given up here."
    ),
    Move.RESEND: (
        "Somebody asked for it: a resend, a recover or a replay. The schedule starts anew, the numbering goes on. "
        "A delivery that is being sent at this moment answers 409."
    ),
    Move.CANCEL: "Somebody cancelled it, its endpoint was deleted, or it waited longer than events are kept.",
}


def settings_page() -> str:
    """List every setting."""
    about = (
        "Each setting is read from the environment, or from a TOML file under the same name in lower case, with or "
        "without `reelhook_`: `--config FILE`, else `REELHOOK_CONFIG`, else `reelhook.toml` in the working directory. "
        "The environment wins. A wrong value or an unknown name is an error at the start. `reelhook settings` prints "
        "them all as a commented file."
    )
    return f"# Settings\n\n{_MADE}\n{about}\n\n{as_markdown()}"


def states_page() -> str:
    """Draw the life of a delivery, from its one table."""
    arrows = [f"    {before} --> {after}: {move}" for (before, move), after in TRANSITIONS.items()]
    ends = [f"    {state} --> [*]" for state in State if state in CLOSED]
    diagram = "\n".join(["stateDiagram-v2", f"    [*] --> {State.PENDING}: accept", *arrows, *ends])
    rows = [(move.value, _from(move), _to(move), _MOVES[move]) for move in Move]
    about = (
        "A delivery is one event on its way to one endpoint. Its states and what may follow on each stand in one "
        "table, `TRANSITIONS` in `src/reelhook/model/delivery.py`; the same states are a CHECK in SQL."
    )
    table = _table(("Move", "From", "To", "When"), rows)
    return f"# The states of a delivery\n\n{_MADE}\n{about}\n\n```mermaid\n{diagram}\n```\n\n{table}"


def problems_page() -> str:
    """List every kind of error."""
    # Other modules have kinds that no HTTP client sees, and which are there only where those were imported.
    kinds = [kind for kind in problem_kinds() if kind.__module__ in {"reelhook.errors", "reelhook.api.problem"}]
    rows = [(f"`{_type(kind)}`", str(kind.status), kind.title, _doc(kind)) for kind in kinds]
    about = (
        "Every error is a problem document (RFC 9457, `application/problem+json`). `type` and `title` are the same "
        "for every error of one kind; compare `type`. `detail` is one sentence for people: what was wrong, what to "
        "do. `errors` names what was found wrong with the input, at least one thing where that can be said, `pointer` "
        "being a JSON pointer (RFC 6901) into it. A running server explains each type at the path that `type` names."
    )
    return f"# Problems\n\n{_MADE}\n{about}\n\n{_table(('Type', 'Status', 'Title', 'Meaning'), rows)}"


def event_types_page() -> str:
    """List the built-in catalogue with its examples, and the shapes that data are made of."""
    categories: dict[str, list[EventType]] = {}
    for event_type in BUILT_IN.values():
        categories.setdefault(event_type.category, []).append(event_type)
    about = (
        "The built-in vocabulary. An app may add types of its own (`POST /v1/event-types`), and any other name is "
        "accepted too unless the app asks for strictness. Each type has a JSON Schema and an example, which "
        "`GET /v1/event-types/{name}` returns; `reelhook trigger NAME` publishes the example. Schemas name what is "
        "known and let everything else through."
    )
    parts = [f"# Event types\n\n{_MADE}\n{about}\n"]
    for category, members in categories.items():
        rows = [(f"[`{one.name}`](#{_anchor(one.name)})", one.description) for one in members]
        parts.append(f"## {category}\n\n{_table(('Type', 'Meaning'), rows)}")
        parts += [_event_type(one) for one in members]
    parts.append("## What data are made of\n")
    parts += [_part(name, schema) for name, schema in PARTS.items()]
    return "\n".join(parts)


def openapi_page() -> str:
    """Write the OpenAPI document as the server serves it."""
    described = app.ROUTES + app.COMPAT_ROUTES
    routes = described + documentation.routes(described, "", docs=True)
    return json.dumps(openapi(routes, ""), indent=1, ensure_ascii=False) + "\n"


PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "settings.md": settings_page,
    "states.md": states_page,
    "problems.md": problems_page,
    "event-types.md": event_types_page,
    "openapi.json": openapi_page,
}
"""Every generated page by its file name."""


def main() -> None:
    """Write them all."""
    for name, make in PAGES.items():
        (HERE / name).write_text(make(), "utf-8")


def _from(move: Move) -> str:
    return ", ".join(f"`{before}`" for (before, each), _ in TRANSITIONS.items() if each is move)


def _to(move: Move) -> str:
    return ", ".join(dict.fromkeys(f"`{after}`" for (_, each), after in TRANSITIONS.items() if each is move))


def _type(kind: type[ReelhookError]) -> str:
    return QUOTA_TYPE if issubclass(kind, OverQuota) else f"/problems/{kind.slug}"


def _doc(kind: type[ReelhookError]) -> str:
    told = Internal if kind is ReelhookError else kind
    return " ".join((told.__doc__ or "").split())


def _anchor(name: str) -> str:
    """Return the anchor that a heading of this name gets: dots vanish."""
    return name.replace(".", "")


def _event_type(one: EventType) -> str:
    schema = one.schema if isinstance(one.schema, dict) else {}
    needed = [f"`{name}`" for name in schema.get("required", ())]
    either = [f"`{name}`" for alternative in schema.get("anyOf", ()) for name in alternative["required"]]
    needs = f"needs {', '.join(needed)}" if needed else f"needs one of {', '.join(either)}" if either else "any data"
    example = json.dumps(one.example, indent=2, ensure_ascii=False)
    return (
        f"### {one.name}\n\n{one.description} Data: {needs}.\n\n"
        f"<details><summary>Example of its data</summary>\n\n```json\n{example}\n```\n\n</details>\n"
    )


def _part(name: str, schema: Mapping[str, Any]) -> str:
    said = f"{schema['description']}.\n\n" if "description" in schema else ""
    members = list(_fields(schema, ""))
    rows = _table(("Field", "Type", "Meaning"), members) if members else ""
    return f"### {name}\n\n{said}{rows}"


def _fields(schema: Mapping[str, Any], path: str) -> Iterator[tuple[str, str, str]]:
    """Go through the fields of an object, or of the objects in a list, those within them included."""
    inner = schema.get("items", schema)
    for alternative in inner.get("anyOf", (inner,)):
        for name, below in alternative.get("properties", {}).items():
            here = f"{path}.{name}" if path else name
            yield f"`{here}`", _kind(below), below.get("description", "")
            yield from _fields(below, here + ("[]" if "items" in below else ""))


def _kind(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    kind = schema.get("type", "any")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


if __name__ == "__main__":
    main()
