from typing import Any

import pytest

from reelhook.errors import Invalid
from reelhook.pipeline.schema import compile_schema

DRAFT_7 = "http://json-schema.org/draft-07/schema#"


def chain(levels: int, width: int) -> dict[str, Any]:
    """Definitions that each name the next one several times: `width ** levels` checks."""
    definitions: dict[str, Any] = {
        f"d{level}": {"allOf": [{"$ref": f"#/$defs/d{level + 1}", "minProperties": n} for n in range(width)]}
        for level in range(levels)
    }
    return {"$ref": "#/$defs/d0", "$defs": definitions | {f"d{levels}": {"type": "object"}}}


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"properties": {"a": schema}}
    return schema


def test_what_does_not_fit_is_said_with_pointers_into_the_data() -> None:
    schema = {
        "type": "object",
        "required": ["id"],
        "properties": {"id": {"type": "string"}, "a/b": {"items": {"type": "integer"}}},
    }
    validator = compile_schema(schema)
    assert validator.check(b'{"id":"x","a/b":[1,2]}') == []
    found = validator.check(b'{"id":7,"a/b":[1,"2"]}')
    assert [error.pointer for error in found] == ["/id", "/a~1b/1"]
    assert 'is not of type "string"' in found[0].detail
    assert [error.pointer for error in validator.check(b"{}")] == [""]


def test_errors_are_few_and_short() -> None:
    validator = compile_schema({"items": {"maxLength": 1}})
    found = validator.check(b"[" + b",".join([b'"' + b"x" * 1000 + b'"'] * 100) + b"]")
    assert len(found) == 20
    assert all(len(error.detail) <= 200 for error in found)


def test_true_and_false_are_schemas() -> None:
    assert compile_schema(True).check(b"1") == []
    assert compile_schema(False).check(b"1") != []


@pytest.mark.parametrize("data", [b"", b"{", b'"\\ud800"', b"[" * 100_000, b'{"a":' * 990 + b"1" + b"}" * 990])
def test_data_that_cannot_be_checked_do_not_fit(data: bytes) -> None:
    assert compile_schema({"type": "object", "properties": {"a": {"maxLength": 1}}, "maxProperties": 0}).check(data)


@pytest.mark.fault("S31")
@pytest.mark.parametrize(
    ("schema", "pointer"),
    [
        ({"$ref": "http://127.0.0.1:9/x.json"}, "/schema/$ref"),
        ({"properties": {"a": {"$ref": "https://example.com/x"}}}, "/schema/properties/a/$ref"),
        ({"items": {"$ref": "other.json"}}, "/schema/items/$ref"),
        ({"$ref": "file:///etc/passwd"}, "/schema/$ref"),
        ({"$id": "https://example.com/a", "$ref": "b"}, "/schema/$ref"),
        ({"properties": {"a": {"$id": "http://example.com/a"}}}, "/schema/properties/a/$id"),
        ({"$dynamicRef": "#a"}, "/schema/$dynamicRef"),
        ({"$ref": "#/$defs/none"}, "/schema/$ref"),
        ({"$ref": 5}, "/schema/$ref"),
        ({"$schema": DRAFT_7}, "/schema/$schema"),
        ({"$schema": "http://127.0.0.1:9/meta"}, "/schema/$schema"),
        ({"properties": {"a": {"pattern": "(a)\\1"}}}, "/schema/properties/a/pattern"),
        ({"pattern": "^(?=a)b"}, "/schema/pattern"),
        ({"pattern": "((a{1,1000}){1,1000}){1,1000}"}, "/schema/pattern"),
        ({"patternProperties": {"(": {}}}, "/schema/patternProperties"),
        ({"type": "strin"}, "/schema/type"),
        ({"properties": 1}, "/schema/properties"),
        (nested(45), "/schema"),
        (nested(900), "/schema"),
        (chain(30, 2), "/schema"),
        (chain(10, 3), "/schema"),
        ({"enum": ["x" * 70_000]}, "/schema"),
        ({"$ref": "#/$defs/0", "$defs": {str(n): {"$ref": f"#/$defs/{n + 1}"} for n in range(1500)}}, "/schema"),
    ],
    ids=lambda value: value if isinstance(value, str) else "schema",
)
def test_a_schema_that_reaches_out_or_could_run_away_is_refused_when_saved(schema: Any, pointer: str) -> None:
    with pytest.raises(Invalid) as caught:
        compile_schema(schema)
    assert caught.value.errors[0].pointer.startswith(pointer)
    assert len(caught.value.detail) < 400


@pytest.mark.fault("S31")
def test_a_pattern_takes_time_that_grows_with_the_text_alone() -> None:
    validator = compile_schema({"pattern": "^(a+)+$"})
    assert validator.check(b'"' + b"a" * 100_000 + b'!"')
    assert validator.check(b'"' + b"a" * 100_000 + b'"') == []


@pytest.mark.fault("S31")
@pytest.mark.parametrize(
    "branches",
    [
        {"properties": {"a": {"allOf": [{"$ref": "#", "minProperties": 0}, {"$ref": "#", "maxProperties": 9}]}}},
        {"properties": {"a": {"oneOf": [{"$ref": "#/$defs/x"}, {"$ref": "#/$defs/y"}]}}},
        {"properties": {"a": {"$ref": "#"}}, "patternProperties": {"a": {"$ref": "#", "title": "z"}}},
        {"$ref": "#"},
    ],
)
def test_a_recursive_schema_gives_a_verdict_at_once(branches: dict[str, Any]) -> None:
    definitions = {
        "x": {"properties": {"a": {"allOf": [{"$ref": "#"}, {"$ref": "#/$defs/y"}]}}},
        "y": {"properties": {"a": {"allOf": [{"$ref": "#/$defs/x"}, {"$ref": "#"}]}}, "minProperties": 0},
    }
    validator = compile_schema({"type": "object", "required": ["id"], "$defs": definitions} | branches)
    deep = b'{"a":' * 100 + b"{}" + b"}" * 100
    assert [error.pointer for error in validator.check(deep)] == [""]


def test_recursion_without_branches_is_for_trees() -> None:
    tree = {"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#"}}}}
    validator = compile_schema(tree)
    assert validator.check(b'{"children":[{"children":[]},{}]}') == []
    assert validator.check(b'{"children":[{"children":[5]},{}]}')


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "object"}}},
        {"$ref": "#/$defs/a%20b", "$defs": {"a b": {"type": "object"}}},
        {"$ref": "#name", "$defs": {"a": {"$anchor": "name", "type": "object"}}},
        {"$id": "https://example.com/s", "$ref": "#/$defs/a", "$defs": {"a": {"type": "object"}}},
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"},
    ],
)
def test_references_inside_the_document_work(schema: dict[str, Any]) -> None:
    validator = compile_schema(schema)
    assert validator.check(b"{}") == []
    assert validator.check(b"1")


def test_a_property_called_ref_and_examples_are_not_references() -> None:
    schema = {"properties": {"$ref": {"type": "string"}}, "examples": [{"$ref": "http://example.com"}]}
    assert compile_schema(schema).check(b'{"$ref":"x"}') == []
