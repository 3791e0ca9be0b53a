import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.samples import NOW, an_endpoint, an_event

from reelhook.dialects.dialect import NO_CONTEXT, Message
from reelhook.dialects.foreign import LONGEST_SECRET
from reelhook.dialects.vidizmo import VIDIZMO
from reelhook.dialects.vidizmo.names import CATEGORIES, WORDS
from reelhook.errors import NotExpressible
from reelhook.model.catalogue import BUILT_IN
from reelhook.model.endpoint import Endpoint, FixedRetry, Payload
from reelhook.model.secret import Secret
from reelhook.pipeline.shape import shape
from reelhook.pipeline.sign import signing_keys

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "vidizmo.json").read_text())["vectors"]
DOCUMENTED = {
    *("MashupViewed", "MashupUpdated", "MashupPublished"),
    *("CommentAdd", "MeetingStarted", "LiveMashupStatusChanged"),
}
ENVELOPE = ["id", "vidizmoEventId", "eventDate", "ip", "status", "subjectType", "subjectId", "subjectTitle", "tenant"]
ENVELOPE += ["subjectDetail", "user", "isSystem"]

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
EVENTS = st.sampled_from(VIDIZMO.translation.types())
FIELDS = st.sampled_from(
    [
        *("id", "ids", "vidizmo", "kind", "title", "name", "description", "version", "size", "duration", "status"),
        *("thumbnails", "url", "width", "tags", "labels", "metadata", "custom", "user_id", "content", "parent_id"),
        *("created_at", "code", "message", "type", "first_name", "email"),
    ]
)
PARTS = st.dictionaries(FIELDS, anything | st.dictionaries(FIELDS, anything, max_size=3), max_size=8)
NAMES_OF_PARTS = ["asset", "live", "user", "comment", "error", "workflow", "attribute", "category", "ip"]
DATA = anything | st.dictionaries(st.sampled_from(NAMES_OF_PARTS), PARTS | anything, max_size=5)


def an_endpoint_of_theirs(**more: Any) -> Endpoint:
    return an_endpoint(dialect="vidizmo", **{"secret": None} | more)


def log_of(event_type: str, data: Any, **options: Any) -> Any:
    event = an_event(msgspec.json.encode(data), event_type)
    return json.loads(VIDIZMO.shape(event, an_endpoint_of_theirs(options=options), NO_CONTEXT).data)


def detail_of(event_type: str, data: Any) -> Any:
    return json.loads(log_of(event_type, data)["subjectDetail"])


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_the_vectors_give_exactly_their_bodies_and_no_signature(vector: dict[str, Any]) -> None:
    endpoint = an_endpoint_of_theirs(options=vector["options"])
    fields = dict(vector["event"])
    data, event_type = msgspec.json.encode(fields.pop("data")), fields.pop("type")
    shaped = shape(an_event(data, event_type, **fields), endpoint, VIDIZMO, NO_CONTEXT)
    assert shaped.body.data.decode() == vector["body"]
    assert shaped.event_name == json.loads(vector["body"])["vidizmoEventId"]
    assert VIDIZMO.sign(shaped.body.data, Message("evt_5", NOW), signing_keys(endpoint, VIDIZMO), endpoint) == []


@pytest.mark.parametrize("vector", [one for one in VECTORS if "documented" in one], ids=lambda vector: vector["name"])
def test_a_documented_event_has_all_that_the_documentation_shows(vector: dict[str, Any]) -> None:
    body = json.loads(vector["body"])
    assert vector["documented"].items() <= body.items()
    assert {"tenant", "user"} <= body.keys()
    assert set(body) - {"subjectDetail"} == set(ENVELOPE) - {"subjectDetail"}
    if "documented_detail" in vector:
        assert vector["documented_detail"].items() <= json.loads(body["subjectDetail"]).items()


def test_every_id_has_a_vector() -> None:
    assert {json.loads(vector["body"])["vidizmoEventId"] for vector in VECTORS} == set(WORDS)


def test_the_ids_that_are_not_documented_are_marked_as_invented() -> None:
    assert {name for name, word in WORDS.items() if word.documented} == DOCUMENTED


@pytest.mark.parametrize("event_type", sorted(BUILT_IN))
def test_the_example_of_every_type_is_told_or_has_no_word(event_type: str) -> None:
    event = an_event(msgspec.json.encode(BUILT_IN[event_type].example), event_type)
    name = VIDIZMO.name_of(event_type)
    if name is None:
        with pytest.raises(NotExpressible, match=event_type):
            VIDIZMO.shape(event, an_endpoint_of_theirs(), NO_CONTEXT)
        return
    body = json.loads(VIDIZMO.shape(event, an_endpoint_of_theirs(), NO_CONTEXT).data)
    assert body["vidizmoEventId"] == name
    assert list(body) == [field for field in ENVELOPE if field in body]
    assert body["subjectTitle"]


@pytest.mark.parametrize(
    "event_type", ["draft.created", "user.created", "live.updated", "live.deleted", "system.error"]
)
def test_what_vidizmo_does_not_know_has_no_word(event_type: str) -> None:
    assert VIDIZMO.name_of(event_type) is None


def test_what_has_no_word_of_its_own_leaves_as_a_new_or_a_changed_asset() -> None:
    assert {VIDIZMO.name_of(one) for one in ("asset.created", "asset.uploaded")} == {"MashupAdded"}
    assert {VIDIZMO.name_of(one) for one in ("asset.processed", "asset.transcoded")} == {"MashupUpdated"}
    assert VIDIZMO.translation.canonical("MashupAdded") is None


def test_the_general_change_is_preferred_and_a_pause_is_never_the_end_of_one() -> None:
    changes = ["asset.updated", "asset.metadata_changed", "asset.renamed", "asset.processed"]
    ranks = [VIDIZMO.rank(one) for one in changes]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) == len(changes)


def test_a_pause_and_its_end_share_an_id_and_are_two_changes() -> None:
    assert VIDIZMO.name_of("live.paused") == VIDIZMO.name_of("live.resumed")
    assert not {"live.paused", "live.resumed"} & VIDIZMO.shared


@pytest.mark.parametrize("name", WORDS)
def test_an_id_is_chosen_by_itself_or_by_its_one_category(name: str) -> None:
    word = WORDS[name]
    for event_type in (*word.types, *word.fallbacks):
        chosen = (*WORDS, *(f"category:{one}" for one in CATEGORIES))
        by = [entry for entry in chosen if VIDIZMO.subscribes(entry, event_type, "asset")]
        assert by == [name, f"category:{word.category}"]


def test_the_categories_are_the_five_of_the_contract() -> None:
    assert CATEGORIES == ("media_updated", "media_metadata", "media_actions", "live_session", "workflow")
    assert VIDIZMO.check_events([f"category:{one}" for one in CATEGORIES]) == []


@pytest.mark.parametrize("entry", ["asset.updated", "category:asset", "mashupupdated", "*", ""])
def test_an_unknown_entry_is_refused_with_the_categories_and_the_ids(entry: str) -> None:
    (error,) = VIDIZMO.check_events(["CommentAdd", entry, "category:workflow"])[:1]
    assert error.pointer == "/events/1"
    assert "category:media_updated" in error.detail
    assert "MashupViewed" in error.detail


def test_the_defaults_are_those_of_vidizmo() -> None:
    defaults = VIDIZMO.defaults
    assert (defaults.retry, defaults.jitter, defaults.timeout) == (FixedRetry(3, 5), 0, 15)
    assert not defaults.retries_non_transient
    assert (defaults.disable.gone, defaults.disable.non_transient) == (False, True)
    assert defaults.disable.failing_for is defaults.disable.failure_rate is None
    assert defaults.tested_before_saving


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"payload": Payload(fields=("asset.title",))}, "/payload"),
        ({"options": {"tenant": "x"}}, "/options/tenant"),
        ({"options": {"tenant_id": "5975"}}, "/options/tenant_id"),
        ({"options": {"live_subjects": 1}}, "/options/live_subjects"),
    ],
)
def test_what_vidizmo_has_no_room_for_is_refused(fields: dict[str, Any], pointer: str) -> None:
    assert [error.pointer for error in VIDIZMO.check(an_endpoint_of_theirs(**fields))] == [pointer]


def test_a_secret_is_kept_and_not_used() -> None:
    for length, wrong in ((1, []), (LONGEST_SECRET, []), (LONGEST_SECRET + 1, ["/secret"])):
        endpoint = an_endpoint_of_theirs(secret=Secret("s" * length))
        assert [error.pointer for error in VIDIZMO.check(endpoint)] == wrong
        assert VIDIZMO.sign(b"{}", Message("evt_5", NOW), signing_keys(endpoint, VIDIZMO), endpoint) == []


def test_a_plain_endpoint_and_all_options_are_fine() -> None:
    options = {"tenant_id": 1, "tenant_name": "Lex", "tenant_url": "lex.example", "live_subjects": True}
    assert VIDIZMO.check(an_endpoint_of_theirs(options=options)) == []


@pytest.mark.parametrize(
    ("given_id", "told"),
    [
        ("263482", 263482),
        (263482, 263482),
        ("0", 0),
        ("007", "007"),
        ("ast_1", "ast_1"),
        ("9" * 19, "9" * 19),
        (None, 0),
    ],
)
def test_an_id_is_a_number_where_it_is_one(given_id: Any, told: Any) -> None:
    assert log_of("asset.updated", {"asset": {"id": given_id}})["subjectId"] == told


def test_vidizmos_own_id_is_preferred_wherever_it_stands() -> None:
    live = {"live": {"id": "lev_1", "ids": {"vidizmo": "152386"}}, "asset": {"id": "ast_1"}}
    assert log_of("live.paused", live)["subjectId"] == 152386
    assert log_of("asset.updated", {"asset": {"id": "ast_1", "ids": {"vidizmo": 5}}})["subjectId"] == 5


def test_the_id_of_the_log_is_a_number_as_text_or_what_the_publisher_gave() -> None:
    event = an_event(b"{}", "asset.updated", id=382525839204483072)
    named = an_event(b"{}", "asset.updated", given_id="66278")
    bodies = [json.loads(VIDIZMO.shape(one, an_endpoint_of_theirs(), NO_CONTEXT).data) for one in (event, named)]
    assert [body["id"] for body in bodies] == ["382525839204483072", "66278"]


def test_the_date_has_three_digits_and_no_zone() -> None:
    assert log_of("asset.updated", {})["eventDate"] == "2025-11-21T06:30:00.123"


def test_nobody_is_a_user_with_the_id_zero_and_an_unknown_address_is_left_out() -> None:
    body = log_of("asset.updated", {"asset": {"id": 7}})
    assert body["user"] == {"id": 0}
    assert "ip" not in body


@pytest.mark.parametrize(
    ("kind", "format_"), [("video", "Video"), ("image", "Image"), ("live", "Live"), (None, "Video")]
)
def test_the_kind_of_an_asset_is_the_type_of_the_subject(kind: str | None, format_: str) -> None:
    assert log_of("asset.published", {"asset": {"id": 7, "kind": kind}})["subjectType"] == format_


def test_a_length_is_milliseconds_and_a_document_has_none() -> None:
    video = {"asset": {"id": 7, "kind": "video", "duration": 244.52}}
    document = {"asset": {"id": 7, "kind": "document", "duration": 12}}
    assert detail_of("asset.updated", video)["EstimatedDuration"] == 244520
    assert "EstimatedDuration" not in detail_of("asset.updated", document)


def test_embedded_metadata_stay_here() -> None:
    data = {"asset": {"id": 7, "metadata": {"embedded": {"camera": "private"}, "custom": {"a": 1}}}}
    assert "private" not in json.dumps(log_of("asset.metadata_changed", data))
    assert detail_of("asset.metadata_changed", data)["CustomAttributes"] == [{"Name": "a", "Value": 1}]


def test_a_status_that_vidizmo_does_not_have_is_not_told() -> None:
    told = [
        detail_of("asset.updated", {"asset": {"id": 7, "status": one}}).get("Status") for one in ("purged", "ready")
    ]
    assert told == ["Purged", None]


@given(EVENTS, DATA, st.booleans())
def test_whatever_the_data_are_the_log_is_well_formed(event_type: str, data: Any, live_subjects: bool) -> None:
    with suppress(msgspec.MsgspecError):
        body = log_of(event_type, data, live_subjects=live_subjects)
        assert isinstance(body["id"], str)
        assert isinstance(body["subjectId"], str | int)
        assert list(body) == [field for field in ENVELOPE if field in body]
        assert isinstance(json.loads(body.get("subjectDetail", "{}")), dict)


@given(EVENTS, st.binary(max_size=60))
def test_data_that_are_no_json_raise_nothing_else(event_type: str, data: bytes) -> None:
    with suppress(msgspec.MsgspecError):
        VIDIZMO.shape(an_event(data, event_type), an_endpoint_of_theirs(), NO_CONTEXT)
