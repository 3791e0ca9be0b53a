import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelhook.pipeline.subject import LONGEST_CONTEXT, LONGEST_ID, Subject, contexts_in, subject_of

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def test_an_asset_is_known_by_its_own_id_first_and_by_what_dialects_with_contexts_call_it() -> None:
    data = b'{"asset":{"id":"a1","ids":{"vimeo":"7","wochit":"w1"},"context":"page-7"}}'
    assert subject_of(data) == Subject("a1", ("a1", "w1"), "page-7")
    assert contexts_in(data) == [("a1", "page-7"), ("w1", "page-7")]


def test_an_asset_may_have_one_id_only() -> None:
    assert subject_of(b'{"asset":{"id":7}}') == Subject("7", ("7",))
    assert subject_of(b'{"asset":{"ids":{"wochit":"w1"}}}') == Subject(None, ("w1",))
    assert subject_of(b'{"asset":{"id":"a","ids":{"wochit":"a"}}}').ids == ("a",)


@pytest.mark.parametrize(
    "data", [b"[]", b"7", b"{}", b'{"asset":null}', b'{"asset":"a"}', b'{"asset":[]}', b"{", b"[" * 100_000]
)
def test_data_of_any_other_form_are_about_nothing(data: bytes) -> None:
    assert subject_of(data) == Subject()
    assert contexts_in(data) == []


@pytest.mark.parametrize("asset_id", [None, True, 1.5, [], {}, "", "a" * (LONGEST_ID + 1), "a\0b"])
def test_what_is_no_id_is_none(asset_id: object) -> None:
    data = msgspec.json.encode({"asset": {"id": asset_id, "ids": {"wochit": asset_id}, "context": "c"}})
    assert subject_of(data).ids == ()
    assert contexts_in(data) == []


@pytest.mark.parametrize("context", [None, True, 7, [], {}, "", "a" * (LONGEST_CONTEXT + 1), "a\0b"])
def test_what_is_no_context_is_not_remembered(context: object) -> None:
    data = msgspec.json.encode({"asset": {"id": "a", "context": context}})
    assert contexts_in(data) == []


def test_a_context_that_stands_elsewhere_is_not_the_assets() -> None:
    assert contexts_in(b'{"context":"c","asset":{"id":"a","metadata":{"context":"c"}}}') == []


@given(
    anything | st.fixed_dictionaries({"asset": st.dictionaries(st.sampled_from(["id", "ids", "context"]), anything)})
)
def test_whatever_was_posted_can_be_looked_at(data: object) -> None:
    text = msgspec.json.encode(data)
    subject = subject_of(text)
    assert contexts_in(text) == [(one, subject.context) for one in subject.ids if subject.context]
