"""JSON Schemas of what routes take and give, from their msgspec types."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, get_origin

import msgspec

from reelhook.api.manners import MANNERS
from reelhook.api.reading import Input
from reelhook.api.route import Route
from reelhook.dialects.table import DIALECTS
from reelhook.model.secret import Secret

JsonSchema = dict[str, Any]
_WORDS: Final = {"str": "String"}
_REF: Final = "#/components/schemas/"


class Schemas:
    """The components of the document, and where each type stands in it."""

    def __init__(self, routes: Sequence[Route]) -> None:
        errors = [manner.document for manner in reversed(MANNERS)]
        types = [*errors, *(kind for route in routes for kind in _kinds(route))]
        unique = list({_key(kind): kind for kind in types}.values())
        found, components = msgspec.json.schema_components(unique, schema_hook=_hook, ref_template=_REF + "{name}")
        self._of: dict[str, JsonSchema] = {
            _key(kind): _renamed(schema) for kind, schema in zip(unique, found, strict=True)
        }
        self.components: dict[str, JsonSchema] = {_name(name): _renamed(schema) for name, schema in components.items()}
        for route in routes:
            if _is_input(route.input):
                self._open_input(route.input)
        for route in routes:
            if route.merges:
                self._add_patch(route.input)

    def of(self, kind: Any) -> JsonSchema:
        """Return the schema of a type, a reference where it has a name."""
        return self._of[_key(kind)]

    def of_input(self, route: Route) -> JsonSchema:
        """Return the schema of what a route takes."""
        if route.merges:
            return {"$ref": _REF + _patch_name(route.input)}
        return self.of(route.input)

    def is_required(self, route: Route) -> bool:
        """Tell whether an empty body is refused."""
        if route.merges:
            return False
        return not _is_input(route.input) or bool(self.components[_name(route.input.__name__)].get("required"))

    def _open_input(self, kind: type[Input]) -> None:
        """Say of an input what its decoder lets through beyond its type: null, and what only we set."""
        schema = self.components[_name(kind.__name__)]
        required = schema.get("required", [])
        for name, field in schema["properties"].items():
            if name not in required:
                schema["properties"][name] = _nullable(field)
        for name in kind.READ_ONLY:
            schema["properties"].setdefault(name, {"readOnly": True, "description": "Only we set it; it is ignored."})
        if "dialect" in schema["properties"]:
            schema["properties"]["dialect"] = {"enum": [*DIALECTS, None], "default": "standard"}

    def _add_patch(self, kind: type[Input]) -> None:
        schema = dict(self.components[_name(kind.__name__)])
        schema.pop("required", None)
        schema["title"] = _patch_name(kind)
        schema["properties"] = {
            name: _nullable({key: value for key, value in field.items() if key != "default"})
            for name, field in schema["properties"].items()
        }
        self.components[_patch_name(kind)] = schema


def query_parameters(kind: Any) -> Iterator[JsonSchema]:
    """Write the parameters of a query string."""
    if kind is None:
        return
    (_,), components = msgspec.json.schema_components([kind], schema_hook=_hook)
    for name, field in components[kind.__name__]["properties"].items():
        schema = _without_null(_resolved(field, components))
        description = schema.pop("description", None)
        yield {"name": name, "in": "query", "schema": schema} | ({"description": description} if description else {})


def _kinds(route: Route) -> Iterator[Any]:
    if route.input is not None:
        yield route.input
    yield from (kind for kind in route.outputs if kind not in {None, bytes})


def _key(kind: Any) -> str:
    return repr(kind)


def _is_input(kind: Any) -> bool:
    return get_origin(kind) is None and isinstance(kind, type) and issubclass(kind, Input)


def _hook(kind: type) -> JsonSchema:
    if kind is Secret:
        return {"type": "string", "format": "password"}
    raise NotImplementedError(kind.__name__)


def _name(name: str) -> str:
    """Name a component as a reader would: `EndpointDocument` is `Endpoint`, a listing of them `EndpointList`."""
    for wrapper in ("Listing_", "Plain_"):
        if name.startswith(wrapper):
            return f"{_name(name[len(wrapper) : -1])}List"
    return _WORDS.get(name, name.removesuffix("Document"))


def _patch_name(kind: type[Input]) -> str:
    return kind.__name__.removesuffix("Input") + "Patch"


def _renamed(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {key: _renamed(_ecma(value) if key == "pattern" else value) for key, value in schema.items()}
    if isinstance(schema, list | tuple):
        return [_renamed(value) for value in schema]
    if isinstance(schema, str) and schema.startswith(_REF):
        return _REF + _name(schema[len(_REF) :])
    return schema


def _ecma(pattern: Any) -> Any:
    """Say the end of a text in the dialect of JSON Schema; a field may have the name `pattern`, too."""
    return f"{pattern[:-2]}$" if isinstance(pattern, str) and pattern.endswith(r"\Z") else pattern


def _nullable(field: JsonSchema) -> JsonSchema:
    if {"type": "null"} in field.get("anyOf", ()):
        return field
    return {"anyOf": [field, {"type": "null"}]}


def _without_null(field: JsonSchema) -> JsonSchema:
    options = [option for option in field.get("anyOf", ()) if option != {"type": "null"}]
    rest = {key: value for key, value in field.items() if key != "anyOf" and not (key == "default" and value is None)}
    return rest | (options[0] if len(options) == 1 else {"anyOf": options} if options else {})


def _resolved(field: JsonSchema, components: dict[str, JsonSchema]) -> JsonSchema:
    """Put enumerations in the place of references to them: a parameter says its own values."""
    if "$ref" in field:
        return components[field["$ref"].rpartition("/")[2]] | {
            key: value for key, value in field.items() if key != "$ref"
        }
    if "anyOf" in field:
        return field | {"anyOf": [_resolved(option, components) for option in field["anyOf"]]}
    return field
