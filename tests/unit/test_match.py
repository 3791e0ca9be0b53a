from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.samples import an_endpoint, an_event

from reelhook.dialects.standard import STANDARD
from reelhook.model.endpoint import ChangeCondition, Conditions
from reelhook.pipeline.event_data import equal
from reelhook.pipeline.match import Filter, check_conditions, compile_filter


def category_of(event_type: str) -> str:
    return "films" if event_type == "reel.cut" else event_type.partition(".")[0]


def a_filter(events: tuple[str, ...] = (), **conditions: Any) -> Filter:
    endpoint = an_endpoint(events=events, conditions=Conditions(**conditions))
    return compile_filter(endpoint, STANDARD, category_of)


def changed(*changes: dict[str, Any], event_type: str = "asset.metadata_changed") -> Any:
    return an_event(msgspec.json.encode({"asset": {"id": "ast_1"}, "changes": list(changes)}), event_type)


STATUS = {"field": "metadata.custom.status", "from": "draft", "to": "final"}


@pytest.mark.parametrize(
    ("events", "event_type", "named"),
    [
        ((), "asset.created", True),
        ((), "my.own", True),
        (("asset.created",), "asset.created", True),
        (("asset.created",), "asset.updated", False),
        (("asset.*", "live.started"), "asset.updated", True),
        (("asset.*", "live.started"), "live.started", True),
        (("category:films",), "reel.cut", True),
        (("*",), "my.own", True),
        ((), "endpoint.disabled", False),
        (("*",), "endpoint.disabled", False),
        (("*", "asset.*"), "delivery.exhausted", False),
        (("endpoint.disabled",), "endpoint.disabled", True),
        (("*", "endpoint.*"), "endpoint.disabled", True),
        (("category:endpoint",), "endpoint.disabled", True),
        (("endpoint.*",), "delivery.exhausted", False),
    ],
)
def test_names_say_what_an_endpoint_hears_of(events: tuple[str, ...], event_type: str, named: bool) -> None:
    assert a_filter(events).names(event_type) is named


@pytest.mark.interpreted
def test_an_event_that_the_dialect_cannot_express_matches_nothing() -> None:
    class Mute(type(STANDARD)):
        def name_of(self, event_type: str, endpoint: object = None) -> str | None:
            return None if event_type == "asset.created" else event_type

    filters = compile_filter(an_endpoint(events=("asset.*",)), Mute(), category_of)
    assert not filters.names("asset.created")
    assert filters.names("asset.updated")


def test_a_filter_without_conditions_is_unconditional() -> None:
    assert a_filter(("asset.*",)).unconditional
    assert a_filter(("asset.*",)).accepts(an_event(b"not even json"))
    assert not a_filter(expression="true").unconditional
    assert not a_filter(changes=(ChangeCondition(),)).unconditional


@pytest.mark.parametrize(
    ("conditions", "passes"),
    [
        ([{}], True),
        ([{"field": "metadata.custom.status"}], True),
        ([{"field": "metadata.custom"}], False),
        ([{"field": "title"}], False),
        ([{"field": "metadata.custom.status", "to": "final"}], True),
        ([{"field": "metadata.custom.status", "to": "draft"}], False),
        ([{"field": "metadata.custom.status", "from": "draft", "to": "final"}], True),
        ([{"field": "metadata.custom.status", "from": "x", "to": "final"}], False),
        ([{"from": "draft"}], True),
        ([{"from": None}], False),
        ([{"to": "final"}, {"field": "title"}], True),
        ([{"field": "title"}, {"to": "final"}], True),
        ([{"event": "asset.metadata_changed", "field": "title"}], False),
        ([{"event": "asset.moved", "field": "title"}], True),
        ([{"event": "asset.*", "field": "title"}], False),
        ([{"event": "category:asset", "to": "final"}], True),
        ([{"event": "asset.moved"}, {"field": "title"}], False),
    ],
)
def test_the_entries_of_changes_are_alternatives_and_what_is_left_out_means_any(conditions: Any, passes: bool) -> None:
    entries = msgspec.convert(conditions, tuple[ChangeCondition, ...])
    assert a_filter(changes=entries).accepts(changed(STATUS)) is passes


def test_one_change_must_fit_all_that_an_entry_says() -> None:
    entry = ChangeCondition(field="title", to="final")
    event = changed({"field": "title", "from": "a", "to": "b"}, {"field": "status", "from": "x", "to": "final"})
    assert not a_filter(changes=(entry,)).accepts(event)


def test_events_that_no_entry_names_pass() -> None:
    only_final = a_filter(changes=(ChangeCondition(field="status", to="final"),))
    assert only_final.accepts(an_event(event_type="asset.created"))
    assert not only_final.accepts(an_event(event_type="asset.metadata_changed"))


def test_an_absent_from_is_null() -> None:
    event = changed({"field": "title", "to": "b"})
    assert a_filter(changes=(ChangeCondition(field="title", from_=None),)).accepts(event)
    assert not a_filter(changes=(ChangeCondition(field="title", from_="a"),)).accepts(event)


@pytest.mark.parametrize(
    "data", [b"[]", b"null", b'{"changes":5}', b'{"changes":[5,null,{"field":7}]}', b'{"changes":', b"[" * 5000]
)
def test_data_without_readable_changes_do_not_match_and_the_reason_is_told(data: bytes) -> None:
    event = an_event(data, "asset.metadata_changed")
    wanted = a_filter(changes=(ChangeCondition(field="title"),))
    assert not wanted.accepts(event)
    assert wanted.explain(event)


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        (None, False, False),
        ("1", 1, False),
        ([1, {"a": True}], [1.0, {"a": True}], True),
        ([1, {"a": True}], [1, {"a": 1}], False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": 1}, {"a": 1, "b": None}, False),
        ([1], [1, 2], False),
        (10**30, 10**30, True),
    ],
)
def test_json_values_are_compared_as_json(left: Any, right: Any, same: bool) -> None:
    assert equal(left, right) is same
    assert equal(right, left) is same


def test_changes_and_expression_must_both_hold() -> None:
    both = a_filter(changes=(ChangeCondition(field="metadata.custom.status"),), expression="event.data.asset.id == 'x'")
    assert both.explain(changed(STATUS)) == "conditions.expression is false"
    right = an_event(msgspec.json.encode({"asset": {"id": "x"}, "changes": [STATUS]}), "asset.metadata_changed")
    assert both.explain(right) is None
    wrong = an_event(b'{"asset":{"id":"x"},"changes":[{"field":"title"}]}', "asset.metadata_changed")
    assert both.explain(wrong) == "none of conditions.changes fits; the event changed title"


def test_the_reason_names_the_type_when_it_is_not_subscribed() -> None:
    assert a_filter(("live.*",)).explain(an_event()) == "the endpoint's events do not name asset.created"


def test_an_expression_that_no_longer_compiles_matches_nothing_and_says_why() -> None:
    old = a_filter(expression="event.nope(")
    assert not old.accepts(an_event())
    assert "cannot be used" in (old.explain(an_event()) or "")


def test_conditions_are_checked_before_they_are_saved() -> None:
    many = Conditions(changes=(ChangeCondition(),) * 51, expression="event.")
    assert [error.pointer for error in check_conditions(many)] == ["/conditions/changes", "/conditions/expression"]
    long = Conditions(changes=(ChangeCondition(field=""), ChangeCondition(field="x" * 257)))
    expected = ["/conditions/changes/0/field", "/conditions/changes/1/field"]
    assert [error.pointer for error in check_conditions(long)] == expected
    assert check_conditions(Conditions(changes=(ChangeCondition(),) * 50, expression="event.type == 'a'")) == []


@given(data=st.binary(max_size=60))
def test_no_data_can_break_matching(data: bytes) -> None:
    wanted = a_filter(changes=(ChangeCondition(field="title"),), expression="event.data.a == 1")
    assert wanted.accepts(an_event(data, "asset.metadata_changed")) in (True, False)
