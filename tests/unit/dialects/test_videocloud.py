import hashlib
import hmac
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

from reelhook.dialects.dialect import NO_CONTEXT, Message
from reelhook.dialects.videocloud import VIDEOCLOUD
from reelhook.errors import NotExpressible
from reelhook.model.catalogue import BUILT_IN
from reelhook.model.endpoint import Endpoint, Payload, RetiredSecret, ScheduleRetry
from reelhook.model.secret import Secret
from reelhook.pipeline.shape import shape
from reelhook.pipeline.sign import signing_keys

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "videocloud.json").read_text())["vectors"]
LISTED = {
    *("video.uploaded", "video.processed", "video.published", "video.updated", "video.deleted"),
    *("user.created", "user.updated", "user.deleted"),
    *("engagement.view", "engagement.like", "engagement.comment"),
    *("system.error", "system.warning"),
}
ALIASES = {"user.registered": "user.created", "comment.created": "engagement.comment"}

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
EVENTS = st.sampled_from(VIDEOCLOUD.translation.types())
NAMES = st.sampled_from(
    ["id", "ids", "videocloud", "title", "status", "renditions", "quality", "thumbnails", "url", "user_id", "content"]
)
PARTS = st.dictionaries(
    NAMES, anything | st.lists(st.dictionaries(NAMES, anything, max_size=3), max_size=2), max_size=6
)
DATA = anything | st.dictionaries(st.sampled_from(["asset", "user", "comment", "error"]), PARTS | anything, max_size=4)


def an_endpoint_of_theirs(**more: Any) -> Endpoint:
    return an_endpoint(dialect="videocloud", **{"secret": None} | more)


def data_of(event_type: str, data: Any) -> Any:
    event = an_event(msgspec.json.encode(data), event_type)
    return json.loads(VIDEOCLOUD.shape(event, an_endpoint_of_theirs(), NO_CONTEXT).data)["data"]


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_the_vectors_give_exactly_their_bodies_and_headers(vector: dict[str, Any]) -> None:
    secret = None if vector["secret"] is None else Secret(vector["secret"])
    endpoint = an_endpoint_of_theirs(events=tuple(vector["subscribed"]), secret=secret)
    given_event = vector["event"] | {"data": msgspec.json.encode(vector["event"]["data"])}
    shaped = shape(
        an_event(given_event.pop("data"), given_event.pop("type"), **given_event), endpoint, VIDEOCLOUD, NO_CONTEXT
    )
    assert shaped.body.data.decode() == vector["body"]
    assert shaped.event_name == json.loads(vector["body"])["event"]
    keys = signing_keys(endpoint, VIDEOCLOUD)
    assert dict(VIDEOCLOUD.sign(shaped.body.data, Message("evt_5", NOW), keys, endpoint)) == vector["headers"]


@pytest.mark.parametrize("vector", [one for one in VECTORS if "documented" in one], ids=lambda vector: vector["name"])
def test_a_documented_payload_has_its_fields_their_values_and_their_order(vector: dict[str, Any]) -> None:
    body = json.loads(vector["body"])
    assert body == vector["documented"]
    assert [list(body), list(body["data"])] == [list(vector["documented"]), list(vector["documented"]["data"])]


def test_every_name_of_the_documentation_has_a_vector() -> None:
    assert {json.loads(vector["body"])["event"] for vector in VECTORS} == LISTED | set(ALIASES)


def test_the_names_are_the_thirteen_of_the_list_and_the_two_of_the_payloads() -> None:
    assert set(VIDEOCLOUD.translation.names) == LISTED | set(ALIASES)
    assert VIDEOCLOUD.check_events([*LISTED, *ALIASES]) == []
    wrong = VIDEOCLOUD.check_events(["video.uploaded", "asset.uploaded", "video.*", "*"])
    assert [error.pointer for error in wrong] == ["/events/1", "/events/2", "/events/3"]
    assert "there are video.uploaded" in wrong[0].detail


@pytest.mark.parametrize(("alias", "listed"), ALIASES.items())
def test_an_alias_subscribes_to_the_listed_event_and_names_it(alias: str, listed: str) -> None:
    event_type = VIDEOCLOUD.translation.canonical(listed)
    assert event_type is not None
    assert VIDEOCLOUD.translation.canonical(alias) == event_type
    assert VIDEOCLOUD.subscribes(alias, event_type, "")
    assert VIDEOCLOUD.name_of(event_type, an_endpoint_of_theirs(events=(alias,))) == alias
    assert VIDEOCLOUD.name_of(event_type, an_endpoint_of_theirs()) == listed


@pytest.mark.parametrize("event_type", sorted(BUILT_IN))
def test_the_example_of_every_type_is_told_or_has_no_word(event_type: str) -> None:
    event = an_event(msgspec.json.encode(BUILT_IN[event_type].example), event_type)
    name = VIDEOCLOUD.name_of(event_type)
    if name is None:
        with pytest.raises(NotExpressible, match=event_type):
            VIDEOCLOUD.shape(event, an_endpoint_of_theirs(), NO_CONTEXT)
        return
    body = json.loads(VIDEOCLOUD.shape(event, an_endpoint_of_theirs(), NO_CONTEXT).data)
    assert body["event"] == name
    assert body["data"]


def test_the_plain_event_is_preferred_to_its_details_and_to_what_only_falls_back_on_it() -> None:
    assert [VIDEOCLOUD.rank(one) for one in ("asset.updated", "asset.tags_changed")] == [0, 3]
    assert VIDEOCLOUD.rank("asset.uploaded") < VIDEOCLOUD.rank("asset.created")
    assert VIDEOCLOUD.rank("asset.processed") < VIDEOCLOUD.rank("asset.transcoded")


def test_a_time_is_told_in_whole_seconds() -> None:
    event = an_event(b"{}", "asset.deleted", occurred_at=1711886400999)
    assert json.loads(VIDEOCLOUD.shape(event, an_endpoint_of_theirs(), NO_CONTEXT).data)["timestamp"] == (
        "2024-03-31T12:00:00Z"
    )


def test_a_comment_that_answers_none_says_so_and_all_else_that_is_absent_is_left_out() -> None:
    assert data_of("engagement.commented", {"comment": {"id": "c"}}) == {"commentId": "c", "parentId": None}
    assert data_of("user.created", {"user": {"id": None, "email": None}}) == {}
    assert data_of("asset.processed", {"asset": {"id": "a", "thumbnails": []}}) == {"videoId": "a", "status": "ready"}


def test_a_rendition_that_is_no_object_is_passed_over() -> None:
    data = data_of("asset.processed", {"asset": {"renditions": ["https://x.example", {"quality": "sd", "width": 5}]}})
    assert data == {"status": "ready", "formats": [{"quality": "sd"}]}


@given(EVENTS, DATA)
def test_whatever_was_posted_makes_a_body_that_is_json(event_type: str, data: Any) -> None:
    event = an_event(msgspec.json.encode(data), event_type)
    body = json.loads(VIDEOCLOUD.shape(event, an_endpoint_of_theirs(), NO_CONTEXT).data)
    assert list(body) == ["event", "timestamp", "data"]
    assert isinstance(body["data"], dict)


@given(EVENTS, st.binary(max_size=30))
def test_what_is_no_json_raises_what_the_pipeline_expects(event_type: str, data: bytes) -> None:
    with suppress(msgspec.MsgspecError):
        json.loads(VIDEOCLOUD.shape(an_event(data, event_type), an_endpoint_of_theirs(), NO_CONTEXT).data)


@given(st.text(min_size=1, max_size=40), st.binary(max_size=200))
def test_the_signature_is_the_hex_hmac_of_the_raw_body(secret: str, body: bytes) -> None:
    endpoint = an_endpoint_of_theirs(secret=Secret(secret))
    headers = VIDEOCLOUD.sign(body, Message("evt_5", NOW), signing_keys(endpoint, VIDEOCLOUD), endpoint)
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    assert headers == [("X-VideoCloud-Signature", expected)]
    assert len(expected) == 64


def test_while_a_secret_is_rotated_the_new_one_signs() -> None:
    old = RetiredSecret(Secret("old"), NOW + 60_000)
    endpoint = an_endpoint_of_theirs(secret=Secret("new"), retired_secrets=(old,))
    headers = VIDEOCLOUD.sign(b"{}", Message("evt_5", NOW), signing_keys(endpoint, VIDEOCLOUD), endpoint)
    assert headers == [("X-VideoCloud-Signature", hmac.new(b"new", b"{}", hashlib.sha256).hexdigest())]


def test_an_endpoint_is_as_patient_as_the_table_of_attempts() -> None:
    defaults = VIDEOCLOUD.defaults
    assert defaults.retry == ScheduleRetry((60, 300, 900, 1800))
    assert (defaults.jitter, defaults.timeout, defaults.retries_non_transient) == (0, 15, True)
    assert (defaults.disable.gone, defaults.disable.failing_for, defaults.disable.failure_rate) == (True, None, None)
    assert not defaults.disable.non_transient


def test_the_id_of_the_management_api_is_the_endpoints_own_behind_another_prefix() -> None:
    assert VIDEOCLOUD.compat_id(0x54EB4710A400000) == "whk_054eb4710a400000"


def test_what_the_system_has_no_room_for_is_refused() -> None:
    wrong = an_endpoint_of_theirs(
        options={"signature_prefix": "sha256="},
        payload=Payload(fields=("asset.title",)),
        headers={"x-videocloud-SIGNATURE": "mine"},
        secret=Secret("x" * 4097),
    )
    pointers = [error.pointer for error in VIDEOCLOUD.check(wrong)]
    assert pointers == ["/options/signature_prefix", "/payload", "/headers/x-videocloud-SIGNATURE", "/secret"]
    assert VIDEOCLOUD.check(an_endpoint_of_theirs(headers={"X-Team": "films"}, secret=Secret("s"))) == []


def test_a_secret_is_the_customers_own_and_none_is_made() -> None:
    assert VIDEOCLOUD.new_secret(b"\0" * 24) is None


def test_the_body_in_the_documentation_is_that_of_a_vector() -> None:
    page = (Path(__file__).parents[3] / "docs" / "dialects" / "videocloud.md").read_text()
    (shown,) = re.findall(r"^```json\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert json.loads(shown) in [json.loads(vector["body"]) for vector in VECTORS]
