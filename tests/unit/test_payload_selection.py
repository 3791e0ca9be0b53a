import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelhook.dialects.selection import GROUPS, check_payload, select
from reelhook.model.endpoint import Payload

ASSET = (
    b'{"asset": {"id": "ast_1", "title": "\\u00c6 \xc3\x86", "size": 123456789012345678901234567890, "ratio": 1e400,'
    b' "hash": "h", "labels": ["l"], "renditions": [{"url": "a", "size": 1.50}, {"url": "b"}, 7],'
    b' "metadata": {"system": {"s": 1}, "custom": {"c": -0.0}, "embedded": {"exif": 2}}}, "changes": []}'
)

names = st.sampled_from(["a", "b", "asset", "metadata", "embedded", "x y", "ä"])
# Numbers as text: 1e400, 1.10, -0.0 and integers of any length must come out as they went in.
numbers = st.from_regex(r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?", fullmatch=True)
scalars = numbers | st.text(max_size=8).filter(lambda text: text.isprintable()).map(json.dumps) | st.just("null")


def objects(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.dictionaries(names, values, max_size=4).map(
        lambda fields: "{" + ",".join(f" {json.dumps(name)} :{value}" for name, value in fields.items()) + "}"
    )


def lists(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(values, max_size=3).map(lambda items: "[" + ",".join(items) + "]")


documents = st.recursive(scalars, lambda values: objects(values) | lists(values), max_leaves=12)


def as_text(data: bytes) -> Any:
    """Read JSON with every number as the text that it was."""
    return json.loads(data, parse_float=str, parse_int=str)


def test_nothing_chosen_is_everything_but_embedded_metadata() -> None:
    everything = as_text(ASSET)
    del everything["asset"]["metadata"]["embedded"]
    assert as_text(select(ASSET, Payload())) == everything


@pytest.mark.parametrize(
    "data",
    [
        b'{"asset":{"id":"ast_1"}}',
        b'{"embedded":1}',
        b'{"asset":{"metadata":{"custom":{"embedded":1}}}}',
        b'{"asset":{"metadata":["embedded"]}}',
        b'{"asset":"embedded","metadata":{"embedded":1}}',
        b'["embedded"]',
        b"null",
    ],
)
def test_data_without_embedded_metadata_are_the_very_same_bytes(data: bytes) -> None:
    assert select(data, Payload()) is data


@pytest.mark.parametrize("key", [b'"embedded"', b'"\\u0065mbedded"', b'"embe\\u0064\\u0064ed"', b'"emb\\u0065DDed"'])
def test_embedded_metadata_are_found_however_the_word_is_written(key: bytes) -> None:
    data = b'{"asset":{"metadata":{"a":1,' + key + b":2}}}"
    left = json.loads(select(data, Payload()))["asset"]["metadata"]
    assert left == ({"a": 1} if b"DD" not in key else {"a": 1, "embeDDed": 2} | left)
    assert "embedded" not in left


def test_chosen_fields_keep_their_text_and_the_order_of_the_event() -> None:
    chosen = Payload(fields=("asset.ratio", "asset.size", "asset.title", "asset.id"))
    assert select(ASSET, chosen) == (
        b'{"asset":{"id":"ast_1","title":"\\u00c6 \xc3\x86","size":123456789012345678901234567890,"ratio":1e400}}'
    )


def test_a_path_takes_all_below_it_and_reaches_into_lists() -> None:
    assert select(ASSET, Payload(fields=("asset.renditions.url",))) == (
        b'{"asset":{"renditions":[{"url":"a"},{"url":"b"}]}}'
    )
    whole = select(ASSET, Payload(fields=("asset.metadata", "asset.metadata.custom")))
    assert as_text(whole)["asset"] == {"metadata": as_text(ASSET)["asset"]["metadata"]}


def test_a_thumbnail_that_is_written_as_its_address_alone_is_the_url_that_was_chosen() -> None:
    data = b'{"asset":{"tags":["t"],"thumbnails":["https:\\/\\/a", {"url":"b","width":5}, 7, null]}}'
    assert select(data, Payload(fields=("asset.thumbnails.url",))) == (
        b'{"asset":{"thumbnails":["https:\\/\\/a",{"url":"b"}]}}'
    )
    for other in ("asset.thumbnails.width", "asset.thumbnails.url.x", "asset.tags.name"):
        assert b"https" not in select(data, Payload(fields=(other,)))


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_takes_its_fields(group: str) -> None:
    found = json.loads(select(ASSET, Payload(groups=(group,))))["asset"]
    assert list(found["metadata"]) == [group.removesuffix("_metadata")]
    assert ("hash" in found and "labels" in found) is (group == "system_metadata")


def test_everything_can_be_chosen_with_embedded_metadata() -> None:
    assert select(ASSET, Payload(fields=("*",))) is ASSET


@pytest.mark.parametrize("data", [b"null", b"7", b'"text"', b'{"user":{"id":1}}', b'{"asset":null}', b"  {}"])
def test_what_is_not_there_is_left_out(data: bytes) -> None:
    assert json.loads(select(data, Payload(fields=("asset.title",)))) == {}


def test_data_that_are_not_json_are_refused() -> None:
    with pytest.raises(msgspec.MsgspecError):
        select(b'{"asset":{"title":"a"', Payload(fields=("asset.title",)))


@given(document=documents)
def test_leaving_out_embedded_metadata_changes_nothing_else(document: str) -> None:
    data = document.encode()
    expected = as_text(data)
    asset = expected.get("asset") if isinstance(expected, dict) else None
    metadata = asset.get("metadata") if isinstance(asset, dict) else None
    if isinstance(metadata, dict):
        metadata.pop("embedded", None)
    result = select(data, Payload())
    assert as_text(result) == expected
    assert result is data or b"embedded" in data


@given(
    document=documents, paths=st.lists(st.lists(names, min_size=1, max_size=3).map(".".join), min_size=1, max_size=4)
)
def test_choosing_fields_loses_no_digit(document: str, paths: list[str]) -> None:
    result = as_text(select(document.encode(), Payload(fields=tuple(paths))))
    expected = _pick(as_text(document.encode()), [path.split(".") for path in paths])
    assert result == ({} if expected is _NOTHING else expected)
    assert json.dumps(result) == json.dumps({} if expected is _NOTHING else expected)


_NOTHING = object()


def _pick(value: Any, paths: list[list[str]]) -> Any:
    """The plain reading of the rule, over decoded values."""
    if [] in paths:
        return value
    if isinstance(value, list):
        return [part for item in value if (part := _pick(item, paths)) is not _NOTHING]
    if not isinstance(value, dict):
        return _NOTHING
    parts = {
        name: _pick(item, [path[1:] for path in paths if path[0] == name])
        for name, item in value.items()
        if any(path[0] == name for path in paths)
    }
    return {name: part for name, part in parts.items() if part is not _NOTHING}


@pytest.mark.parametrize(
    ("payload", "pointers"),
    [
        (Payload(fields=("asset.title", "*", "asset.metadata.custom.status"), groups=("system_metadata",)), []),
        (Payload(fields=("asset..title", "")), ["/payload/fields/0", "/payload/fields/1"]),
        (Payload(fields=("a b", "a\nb", ".a")), ["/payload/fields/0", "/payload/fields/1", "/payload/fields/2"]),
        (Payload(fields=("a." * 10 + "a",)), ["/payload/fields/0"]),
        (Payload(fields=("a",) * 101), ["/payload/fields"]),
        (Payload(groups=("custom_metadata", "exif")), ["/payload/groups/1"]),
    ],
)
def test_what_cannot_be_chosen_is_said(payload: Payload, pointers: list[str]) -> None:
    assert [error.pointer for error in check_payload(payload)] == pointers
