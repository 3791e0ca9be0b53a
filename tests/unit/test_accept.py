"""What is taken as an event, and what is refused with a status, a sentence and a pointer."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.samples import NOW

from reelhook.errors import Invalid, Malformed
from reelhook.pipeline import accept
from reelhook.pipeline.values import Draft

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def body(**fields: object) -> bytes:
    return msgspec.json.encode({"type": "asset.created", "data": {}} | fields)


def refused(given: bytes, *, batch: bool = False) -> Invalid:
    with pytest.raises(Invalid) as refusal:
        (accept.read_batch if batch else accept.read_event)(given)
    return refusal.value


def a_draft(data: bytes = b"{}", **more: str) -> Draft:
    return Draft("asset.created", msgspec.Raw(data), **more)


# One event


def test_the_data_are_kept_as_they_were_posted() -> None:
    (draft,) = accept.read_event(b'{"type":"asset.created", "data": { "b":1,\t"a": 1.0e2, "c":"\\u00e9" } }')
    assert bytes(draft.data) == b'{ "b":1,\t"a": 1.0e2, "c":"\\u00e9" }'


@pytest.mark.parametrize("data", [None, True, 0, "text", [], {}])
def test_data_may_be_any_json(data: object) -> None:
    assert accept.read_event(body(data=data))


@pytest.mark.parametrize("name", ["asset", "asset.created", "my_own.type-2.x", "A.B", "0", "a" * 128])
def test_an_event_type_is_words_joined_by_dots(name: str) -> None:
    assert accept.read_event(body(type=name))[0].type == name


@pytest.mark.fault("S13")
@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "a.",
        ".a",
        "a..b",
        "a b",
        "a/b",
        "asset.\u00fc",
        "a\n",
        "a\x00",
        "\u202ea",
        "a.*",
        "a" * 129,
        "a" * 999_999,
    ],
)
def test_an_event_type_of_another_form_is_refused(name: str) -> None:
    error = refused(body(type=name))
    assert [one.pointer for one in error.errors] == ["/type"]
    assert len(error.detail) < 200


@pytest.mark.parametrize(
    "given_id", ["1", "video-4711_v2", "a@b", "urn:x:1", "a/b+c=~", "a,b", 'a"b', "{!}", "x" * 128, "evt_mine"]
)
def test_an_event_id_is_visible_ascii(given_id: str) -> None:
    assert accept.read_event(body(id=given_id))[0].id == given_id


@pytest.mark.fault("S11")
@pytest.mark.fault("S13")
@pytest.mark.parametrize(
    "given_id",
    ["", "a.b", ".", "a b", "a\r\nx: y", "a\x00", "\u00fc", "a\n", "\x7f", "x" * 129, "x" * 1_000_000],
)
def test_an_event_id_with_a_dot_or_control_characters_is_refused(given_id: str) -> None:
    assert [one.pointer for one in refused(body(id=given_id)).errors] == ["/id"]


def test_an_id_of_the_form_that_reelhook_makes_is_refused() -> None:
    assert "made by Reelhook" in refused(body(id="evt_0000000000000005")).detail


@pytest.mark.parametrize("key", ["a", "any text, \u00fc", "k" * 128])
def test_an_ordering_key_is_any_short_text(key: str) -> None:
    assert accept.read_event(body(ordering_key=key))[0].ordering_key == key


@pytest.mark.parametrize("key", ["", "k" * 129])
def test_an_empty_or_long_ordering_key_is_refused(key: str) -> None:
    assert [one.pointer for one in refused(body(ordering_key=key)).errors] == ["/ordering_key"]


@pytest.mark.parametrize("at", ["2026-11-21", "2026-11-21T06:30:00", "1795242600", "", "1969-12-31T23:59:59Z"])
def test_a_time_that_is_none_is_refused(at: str) -> None:
    assert [one.pointer for one in refused(body(occurred_at=at)).errors] == ["/occurred_at"]


def test_an_unknown_field_is_refused_with_its_place() -> None:
    error = refused(body(idd="x"))
    assert error.detail == "unknown field: idd"
    assert [one.pointer for one in error.errors] == ["/idd"]


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        (b'{"data":{}}', "/type"),
        (b'{"type":"a"}', "/data"),
        (b'{"type":5,"data":{}}', "/type"),
        (b"[]", ""),
        (b"5", ""),
    ],
)
def test_a_missing_or_wrong_field_is_refused_with_its_place(given: bytes, pointer: str) -> None:
    assert [one.pointer for one in refused(given).errors] == [pointer]


# What is not JSON


@pytest.mark.fault("S18")
@pytest.mark.parametrize(
    "given",
    [
        b"",
        b" ",
        b"{",
        b"\xef\xbb\xbf" + body(),
        body().decode().encode("utf-16"),
        b'{"type":"a","data":"\xff"}',
        b'{"type":"a","data":"\xed\xa0\x80"}',
        b'{"type":"a","data":"\\ud800"}',
        b'{"type":"a","data":"\\x41"}',
        b'{"type":"a","data":"\x00"}',
        b'{"type":"a","data":"a\nb"}',
        b'{"type":"a","data":NaN}',
        b'{"type":"a","data":-Infinity}',
        b'{"type":"a","data":01}',
        b'{"type":"a","data":1.}',
        b'{"type":"a","data":[1,]}',
        b'{"type":"a","data":{"a":1,}}',
        b'{"type":"a","data":{a:1}}',
        b"{'type':'a','data':1}",
        b'{"type":"a","data":1} {}',
        b'{"type":"a","data":1}\x00',
        b'{"type":"a","data":/**/1}',
        b'{"type":"a","data":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"type":"a","data":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}",
    ],
)
def test_what_is_not_json_is_malformed_and_never_a_fault_of_ours(given: bytes) -> None:
    with pytest.raises(Malformed) as refusal:
        accept.read_event(given)
    assert len(refusal.value.detail) < 200


@pytest.mark.fault("S18")
def test_of_duplicate_names_the_last_one_counts() -> None:
    (draft,) = accept.read_event(b'{"type":"a.b","type":"asset.created","data":{"x":1,"x":2}}')
    assert draft.type == "asset.created"
    assert bytes(draft.data) == b'{"x":1,"x":2}'


@pytest.mark.fault("S18")
def test_a_number_that_no_double_can_hold_passes_through_as_it_is() -> None:
    (draft,) = accept.read_event(b'{"type":"a","data":{"n":1e400},"id":"x"}')
    assert bytes(draft.data) == b'{"n":1e400}'
    assert accept.fingerprint(draft)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(given: bytes) -> None:
    for read in (accept.read_event, accept.read_batch):
        try:
            read(given)
        except (Malformed, Invalid):
            continue


# A batch


def test_a_batch_keeps_its_order() -> None:
    drafts = accept.read_batch(msgspec.json.encode([{"type": f"t.{n}", "data": n} for n in range(1000)]))
    assert [draft.type for draft in drafts] == [f"t.{n}" for n in range(1000)]


@pytest.mark.parametrize("count", [0, 1001])
def test_a_batch_holds_1_to_1000_events(count: int) -> None:
    assert f"this one {count}" in refused(msgspec.json.encode([{"type": "a", "data": 1}] * count), batch=True).detail


def test_one_bad_event_refuses_the_batch_and_says_which() -> None:
    error = refused(b'[{"type":"a","data":1},{"type":"a b","data":1}]', batch=True)
    assert [one.pointer for one in error.errors] == ["/1/type"]


def test_a_field_of_the_wrong_type_says_which_event_it_is_in() -> None:
    error = refused(b'[{"type":"a","data":1},{"type":7,"data":1}]', batch=True)
    assert [one.pointer for one in error.errors] == ["/1/type"]


def test_equal_instants_are_equal_content_however_they_are_written() -> None:
    one = accept.read_event(b'{"type":"a","data":1,"id":"x","occurred_at":"2026-11-21T10:00:00+02:00"}')[0]
    same = accept.read_event(b'{"type":"a","data":1,"id":"x","occurred_at":"2026-11-21T08:00:00Z"}')[0]
    assert accept.fingerprint(one) == accept.fingerprint(same)


# What is made of it


def test_an_event_happened_when_it_says_else_when_it_was_accepted() -> None:
    assert accept.make_event(a_draft(), "default", 5, NOW).occurred_at == NOW
    event = accept.make_event(a_draft(occurred_at="2026-11-21T06:30:00Z"), "default", 5, NOW)
    assert (event.occurred_at, event.accepted_at) == (1_795_242_600_000, NOW)


def test_the_world_sees_the_given_id_else_ours() -> None:
    assert accept.make_event(a_draft(id="mine"), "default", 5, NOW).public_id == "mine"
    assert accept.make_event(a_draft(), "default", 5, NOW).public_id == "evt_0000000000000005"


def test_the_answer_says_what_was_accepted() -> None:
    event = accept.make_event(a_draft(), "default", 5, NOW)
    receipt = {"id": "evt_0000000000000005", "type": "asset.created", "accepted_at": "2025-11-21T06:30:00.123Z"}
    assert msgspec.json.decode(accept.answer([accept.receipt(event, 3)], batch=False)) == receipt | {"deliveries": 3}
    both = [accept.receipt(event, 0), accept.receipt(event, 1)]
    assert msgspec.json.decode(accept.answer(both, batch=True)) == {
        "items": [receipt | {"deliveries": 0}, receipt | {"deliveries": 1}]
    }
    assert accept.receipts(accept.answer(both, batch=True)) == both


# The fingerprint


@given(json_values)
def test_the_fingerprint_is_the_same_however_the_data_are_written(data: object) -> None:
    compact = msgspec.json.encode(data)
    wide = msgspec.json.format(msgspec.json.encode(data, order="sorted"), indent=4)
    assert accept.fingerprint(a_draft(compact)) == accept.fingerprint(a_draft(wide))


@given(json_values, json_values)
def test_the_fingerprint_differs_where_the_data_do(left: object, right: object) -> None:
    same = msgspec.json.encode(left, order="sorted") == msgspec.json.encode(right, order="sorted")
    one, other = (accept.fingerprint(a_draft(msgspec.json.encode(data))) for data in (left, right))
    assert (one == other) == same


def test_the_fingerprint_covers_type_time_and_ordering_key() -> None:
    base = a_draft()
    others = [
        msgspec.structs.replace(base, type="asset.updated"),
        a_draft(occurred_at="2026-11-21T06:30:00Z"),
        a_draft(ordering_key="k"),
    ]
    assert len({accept.fingerprint(one) for one in (base, *others)}) == 4


@pytest.mark.parametrize("data", [b"[" * 5000 + b"]" * 5000, b"1e400"])
def test_data_that_cannot_be_taken_apart_still_have_a_fingerprint(data: bytes) -> None:
    assert accept.fingerprint(a_draft(data)) == accept.fingerprint(a_draft(data))
