import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.samples import NOW, an_endpoint, an_event

from reelhook.dialects.dialect import NO_CONTEXT, Context, Message
from reelhook.dialects.foreign import LONGEST_SECRET
from reelhook.dialects.wochit import WOCHIT
from reelhook.errors import NotExpressible
from reelhook.model.catalogue import BUILT_IN
from reelhook.model.endpoint import Endpoint, Payload, ScheduleRetry
from reelhook.model.secret import Secret
from reelhook.pipeline.shape import shape
from reelhook.pipeline.sign import signing_keys

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "wochit.json").read_text())["vectors"]
NAMES = ("video.ready", "video.failed", "video.delete", "draft.new", "draft.update", "draft.exit", "draft.delete")
DRAFTS = ("draft.created", "draft.updated", "draft.exited", "draft.deleted")

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
EVENTS = st.sampled_from(WOCHIT.translation.types())
FIELDS = st.sampled_from(["id", "ids", "wochit", "title", "url", "cdn_url", "duration", "thumbnails", "context"])
PART = st.dictionaries(FIELDS, anything | st.lists(anything, max_size=2), max_size=7)
DATA = anything | st.dictionaries(st.sampled_from(["asset", "error", "message"]), PART | anything, max_size=3)


def an_endpoint_of_theirs(**more: Any) -> Endpoint:
    return an_endpoint(dialect="wochit", **{"secret": None} | more)


def body_of(event_type: str, data: Any, first_context: str | None = None) -> Any:
    event = an_event(msgspec.json.encode(data), event_type)
    return json.loads(WOCHIT.shape(event, an_endpoint_of_theirs(), Context(first_context)).data)


def objection(event_type: str, data: Any, first_context: str | None = None, **options: Any) -> str | None:
    event = an_event(msgspec.json.encode(data), event_type)
    return WOCHIT.objection(event, an_endpoint_of_theirs(options=options), first_context)


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_the_vectors_give_exactly_their_bodies_and_no_headers(vector: dict[str, Any]) -> None:
    told = dict(vector["event"])
    event = an_event(msgspec.json.encode(told.pop("data")), told.pop("type"), **told)
    endpoint = an_endpoint_of_theirs()
    shaped = shape(event, endpoint, WOCHIT, Context(vector["first_context"]))
    assert shaped.body.data.decode() == vector["body"]
    assert shaped.event_name == json.loads(vector["body"])["type"]
    keys = signing_keys(endpoint, WOCHIT)
    assert dict(WOCHIT.sign(shaped.body.data, Message("evt_5", NOW), keys, endpoint)) == vector["headers"] == {}


@pytest.mark.parametrize("vector", [one for one in VECTORS if "documented" in one], ids=lambda vector: vector["name"])
def test_a_documented_payload_has_its_fields_their_values_and_their_order(vector: dict[str, Any]) -> None:
    body = json.loads(vector["body"])
    assert body == vector["documented"]
    assert list(body) == list(vector["documented"])
    assert not any(isinstance(body.get("videoDuration"), kind) for kind in (int, str))


def test_every_name_has_a_vector() -> None:
    assert {json.loads(vector["body"])["type"] for vector in VECTORS} == set(NAMES) == set(WOCHIT.translation.names)
    assert WOCHIT.check_events(NAMES) == []
    wrong = WOCHIT.check_events(["draft.new", "draft.created", "draft.*", "asset.deleted"])
    assert [error.pointer for error in wrong] == ["/events/1", "/events/2", "/events/3"]


@pytest.mark.parametrize("event_type", sorted(BUILT_IN))
def test_the_example_of_every_type_is_told_or_has_no_word(event_type: str) -> None:
    event = an_event(msgspec.json.encode(BUILT_IN[event_type].example), event_type)
    name = WOCHIT.name_of(event_type)
    if name is None:
        with pytest.raises(NotExpressible, match=event_type):
            WOCHIT.shape(event, an_endpoint_of_theirs(), NO_CONTEXT)
        return
    body = json.loads(WOCHIT.shape(event, an_endpoint_of_theirs(), NO_CONTEXT).data)
    assert next(iter(body.items())) == ("type", name)
    assert "wochitVideoId" in body


def test_what_is_processed_is_preferred_to_what_is_only_transcoded() -> None:
    assert WOCHIT.rank("asset.processed") < WOCHIT.rank("asset.transcoded")
    assert WOCHIT.shared == {"asset.processed", "asset.transcoded"}


@pytest.mark.parametrize("event_type", DRAFTS)
def test_a_draft_is_told_when_it_has_a_context_of_its_own_or_an_earlier_one(event_type: str) -> None:
    assert objection(event_type, {"asset": {"id": "a", "context": "page-7"}}) is None
    assert objection(event_type, {"asset": {"id": "a"}}, "page-7") is None
    for data in ({"asset": {"id": "a"}}, {"asset": {"context": ""}}, {"asset": {"context": 7}}, [], {"asset": None}):
        assert "has no context" in (objection(event_type, data) or "")


@pytest.mark.parametrize("event_type", DRAFTS)
def test_no_draft_is_told_when_drafts_management_is_off(event_type: str) -> None:
    assert "options.drafts" in (objection(event_type, {"asset": {"context": "page-7"}}, drafts=False) or "")
    assert objection(event_type, {"asset": {"context": "page-7"}}, drafts=True) is None


def test_updates_of_drafts_can_be_switched_off_alone() -> None:
    data = {"asset": {"context": "page-7"}}
    told = [objection(event_type, data, draft_updates=False) is None for event_type in DRAFTS]
    assert told == [True, False, True, True]


@pytest.mark.parametrize("event_type", ["asset.processed", "asset.processing_failed", "asset.deleted"])
def test_videos_are_told_with_or_without_a_context_whatever_is_said_of_drafts(event_type: str) -> None:
    assert objection(event_type, {"asset": {"id": "a"}}, drafts=False) is None


def test_an_event_whose_data_are_no_json_has_no_context() -> None:
    assert WOCHIT.objection(an_event(b'{"a":', "draft.created"), an_endpoint_of_theirs(), None)
    assert WOCHIT.objection(an_event(b'{"a":', "draft.created"), an_endpoint_of_theirs(), "page-7") is None


@pytest.mark.parametrize(
    ("posted", "sent"),
    [
        ("35.9", ',"videoDuration":35.9'),
        ("35", ',"videoDuration":35.0'),
        ("0", ',"videoDuration":0.0'),
        ("1" + "0" * 400, ""),
        ("true", ""),
        ('"35.9"', ""),
        ("null", ""),
    ],
)
def test_a_duration_is_a_number_with_a_decimal_point_or_left_out(posted: str, sent: str) -> None:
    event = an_event(b'{"asset":{"duration":%s}}' % posted.encode(), "asset.processed")
    body = WOCHIT.shape(event, an_endpoint_of_theirs(), NO_CONTEXT).data.decode()
    assert body == f'{{"type":"video.ready"{sent}}}'


def test_what_is_absent_or_of_another_kind_is_left_out() -> None:
    odd = {"id": True, "title": 5, "url": {}, "thumbnails": [None, {"url": 1}], "context": ["x"]}
    assert body_of("asset.processed", {"asset": odd}) == {"type": "video.ready"}
    assert body_of("asset.processing_failed", {"asset": {"id": "a"}, "error": "x"}) == {
        "type": "video.failed",
        "wochitVideoId": "a",
    }


@given(EVENTS, DATA, st.none() | st.text(max_size=5))
def test_whatever_was_posted_makes_a_body_that_is_json(event_type: str, data: Any, context: str | None) -> None:
    body = body_of(event_type, data, context)
    assert body["type"] == WOCHIT.name_of(event_type)
    assert all(isinstance(value, str | float) for value in body.values())
    objection(event_type, data, context)


@given(EVENTS, st.binary(max_size=30))
def test_what_is_no_json_raises_what_the_pipeline_expects(event_type: str, data: bytes) -> None:
    with suppress(msgspec.MsgspecError):
        json.loads(WOCHIT.shape(an_event(data, event_type), an_endpoint_of_theirs(), NO_CONTEXT).data)


def test_the_defaults_are_those_of_the_contract() -> None:
    defaults = WOCHIT.defaults
    assert defaults.retry == ScheduleRetry((5, 300, 1800, 7200, 18000, 36000, 36000))
    assert (defaults.timeout, defaults.disable.gone, defaults.disable.failing_for) == (15, True, 5 * 86400)
    assert (defaults.link_life, defaults.remembers_context) == (86400, True)


def test_what_the_system_has_no_room_for_is_refused() -> None:
    wrong = an_endpoint_of_theirs(
        options={"drafts": "yes", "signature": True}, payload=Payload(fields=("asset.title",))
    )
    pointers = {error.pointer for error in WOCHIT.check(wrong)}
    assert pointers == {"/options/drafts", "/options/signature", "/payload"}
    assert WOCHIT.check(an_endpoint_of_theirs(options={"drafts": False, "draft_updates": False})) == []
    assert WOCHIT.new_secret(b"\0" * 24) is None


def test_a_secret_is_kept_and_not_used() -> None:
    for length, wrong in ((1, []), (LONGEST_SECRET, []), (LONGEST_SECRET + 1, ["/secret"])):
        endpoint = an_endpoint_of_theirs(secret=Secret("s" * length))
        assert [error.pointer for error in WOCHIT.check(endpoint)] == wrong
        assert WOCHIT.sign(b"{}", Message("evt_5", NOW), signing_keys(endpoint, WOCHIT), endpoint) == []


def test_the_bodies_in_the_documentation_are_those_of_vectors() -> None:
    page = (Path(__file__).parents[3] / "docs" / "dialects" / "wochit.md").read_text()
    shown = re.findall(r"^```json\n(\{.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(shown) >= 2
    for one in shown:
        assert json.loads(one) in [json.loads(vector["body"]) for vector in VECTORS]
