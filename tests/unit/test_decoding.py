from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
import pytest

from reelhook.errors import FieldError, Invalid, Malformed
from reelhook.model.decoding import convert, read_json


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    size: int


class Outer(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    parts: list[Inner] = []
    by_name: dict[str, Inner] = {}


DECODER = msgspec.json.Decoder(Outer)


def refused(body: bytes) -> tuple[str, str, str]:
    with pytest.raises(Invalid) as refusal:
        read_json(DECODER, body)
    ((detail, pointer),) = refusal.value.errors
    return refusal.value.detail, detail, pointer


def test_a_good_body_becomes_a_value() -> None:
    assert read_json(DECODER, b'{"name":"n","parts":[{"size":1}]}') == Outer("n", [Inner(1)])


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"[]", ""),
        (b'{"name":5}', "/name"),
        (b'{"name":"n","parts":[{"size":1},{"size":"x"}]}', "/parts/1/size"),
        (b'{"name":"n","parts":{}}', "/parts"),
        (b'{"name":"n","by_name":{"a":{"size":null}}}', "/by_name/a/size"),
    ],
)
def test_a_wrong_value_is_refused_with_a_pointer_to_its_place(body: bytes, pointer: str) -> None:
    detail, said, place = refused(body)
    assert place == pointer
    assert said.startswith("expected ")
    assert detail == f"{pointer or 'the body'}: {said}"


class Kinds(msgspec.Struct, forbid_unknown_fields=True):
    flag: bool = False
    text: str = ""
    count: Annotated[int, msgspec.Meta(ge=1)] = 1
    share: float | None = None
    parts: list[int] = []
    names: dict[str, str] = {}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"flag": "x"}, "expected boolean, got string"),
        ({"text": True}, "expected string, got boolean"),
        ({"count": "x"}, "expected whole number, got string"),
        ({"count": 0}, "expected whole number >= 1"),
        ({"count": 1.5}, "expected whole number, got number"),
        ({"share": "x"}, "expected number or null, got string"),
        ({"text": 7}, "expected string, got whole number"),
        ({"parts": {}}, "expected array, got object"),
        ({"names": []}, "expected object, got array"),
        ({"text": None}, "expected string, got null"),
    ],
)
def test_kinds_are_called_as_json_calls_them(value: Any, said: str) -> None:
    with pytest.raises(Invalid) as refusal:
        convert(value, Kinds)
    assert [error.detail for error in refusal.value.errors] == [said]


def test_a_key_is_found_by_the_type_of_its_value_or_its_mapping_is_the_place() -> None:
    assert refused(b'{"name":"n","by_name":{"a":{"size":1},"b/~":{"size":"x"},"c":{"size":"y"}}}')[2] == (
        "/by_name/b~1~0/size"
    )
    assert refused(b'{"name":"n","by_name":{"a":{"size":1},"b":5}}')[2] == "/by_name/b"
    # Which of the two lacks it is not told.
    assert refused(b'{"name":"n","by_name":{"a":{"size":1},"b":{}}}')[2] == "/by_name/size"


def test_an_unknown_field_is_named_at_its_place() -> None:
    assert refused(b'{"name":"n","parts":[{"size":1,"sise":2}]}') == (
        "unknown field: sise",
        "unknown field",
        "/parts/0/sise",
    )


def test_a_missing_field_is_named_at_its_place() -> None:
    assert refused(b'{"parts":[]}') == ("missing field: name", "missing field", "/name")


def test_a_pointer_escapes_what_pointers_must() -> None:
    assert refused(b'{"name":"n","a/b~c":1}')[2] == "/a~1b~0c"


def test_a_long_unknown_field_does_not_make_a_long_message() -> None:
    detail, _, _ = refused(b'{"name":"n","' + b"x" * 10_000 + b'":1}')
    assert len(detail) < 120


@pytest.mark.fault("S18")
@pytest.mark.parametrize("body", [b"", b"{", b"\xef\xbb\xbf{}", b'{"name":"\xff"}', b"[" * 100_000, b'{"name":NaN}'])
def test_what_is_not_json_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        read_json(msgspec.json.Decoder(), body)


def test_a_byte_that_is_not_utf_8_is_pointed_at() -> None:
    with pytest.raises(Malformed, match=r"not UTF-8 \(byte 9\)"):
        read_json(DECODER, b'{"name":"\xff"}')


def test_plain_values_are_converted_with_the_same_errors() -> None:
    assert convert({"name": "n"}, Outer) == Outer("n")
    with pytest.raises(Invalid) as refusal:
        convert({"name": "n", "parts": [{"size": "x"}]}, Outer)
    assert refusal.value.errors[0].pointer == "/parts/0/size"


def test_values_without_end_are_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises((Malformed, Invalid)):
        convert({"name": "n", "parts": endless}, Outer)


class _Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class _Round(msgspec.Struct, tag="round", tag_field="kind"):
    size: Literal[1, 2, 3] = 1


class _Square(msgspec.Struct, tag="square", tag_field="kind"):
    colour: _Colour | None = None


class _Box(msgspec.Struct):
    colours: tuple[_Colour, ...] = ()
    by_name: dict[str, _Colour] = {}
    shape: _Round | _Square | None = None
    finish: Annotated[Literal["matt"] | None, msgspec.Meta(description="how it looks")] = None


@pytest.mark.parametrize(
    ("value", "pointer", "said"),
    [
        ({"colours": ["red", "grey"]}, "/colours/1", "expected red or blue, got 'grey'"),
        ({"shape": {"kind": "flat"}}, "/shape/kind", "expected round or square, got 'flat'"),
        ({"shape": {"kind": "square", "colour": "x"}}, "/shape/colour", "expected red or blue, got 'x'"),
        ({"shape": {"kind": "round", "size": 9}}, "/shape/size", "expected 1, 2 or 3, got 9"),
        ({"finish": "dull"}, "/finish", "expected matt, got 'dull'"),
    ],
)
def test_a_word_that_is_none_of_the_few_allowed_is_answered_with_these(value, pointer, said) -> None:
    decoder, body = msgspec.json.Decoder(_Box), msgspec.json.encode(value)
    for read in (lambda: convert(value, _Box), lambda: read_json(decoder, body)):
        with pytest.raises(Invalid) as raised:
            read()
        assert raised.value.errors == (FieldError(said, pointer),)
        assert raised.value.detail == f"{pointer}: {said}"
