import hashlib
import hmac
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.samples import NOW, an_endpoint, an_event

from reelhook.dialects.dialect import NO_CONTEXT, Context, Message
from reelhook.dialects.vimeo import VIMEO
from reelhook.dialects.vimeo.quota import ACCOUNT_QUOTAS, quota_of_app
from reelhook.errors import NotExpressible
from reelhook.model.access import App, VimeoAccount
from reelhook.model.catalogue import BUILT_IN
from reelhook.model.endpoint import Endpoint, Payload, RateLimit, RetiredSecret, ScheduleRetry
from reelhook.model.quota import Quota
from reelhook.model.secret import Secret
from reelhook.pipeline.check import check_endpoint
from reelhook.pipeline.shape import shape
from reelhook.pipeline.sign import Letterhead, signing_keys

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "vimeo.json").read_text())["vectors"]
DOCUMENTED = {
    *("live-event-started", "live-event-updated", "live-event-ended", "live-event-archive-available"),
    *("live-event-clip-created", "video-deleted", "video-created", "video-transcode-playable"),
    *("video-transcode-fully-playable", "video-transcode-complete", "transcript-status-complete"),
    *("automatic-thumbnail-available", "video-upload-failed", "content-scan-completed"),
}
IN_THE_SCHEMA_TOO = {"live-event-deleted", "transcript-status-updated", "video-updated"}

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
EVENTS = st.sampled_from(VIMEO.translation.types())
SUBJECT = st.dictionaries(
    st.sampled_from(["id", "ids", "title"]), anything | st.dictionaries(st.just("vimeo"), anything)
)
DATA = anything | st.dictionaries(st.sampled_from(["asset", "live", "changes"]), SUBJECT | anything, max_size=3)


def an_endpoint_of_theirs(event: str = "video-created", **more: Any) -> Endpoint:
    return an_endpoint(dialect="vimeo", events=(event,), **{"secret": None} | more)


def an_app(account_type: str = "enterprise", **limits: Any) -> App:
    return App("a", "a", NOW, NOW, limits=limits, vimeo=VimeoAccount(account_type))


def body_of(event_type: str, data: Any, **endpoint: Any) -> Any:
    event = an_event(msgspec.json.encode(data), event_type)
    return json.loads(VIMEO.shape(event, an_endpoint_of_theirs(**endpoint), NO_CONTEXT).data)


def headers_of(endpoint: Endpoint, body: bytes = b"{}", quota: Quota | None = None) -> dict[str, str]:
    message = Message("evt_5", NOW, Context(quota=quota))
    return dict(VIMEO.sign(body, message, signing_keys(endpoint, VIMEO), endpoint))


def pointers(**fields: Any) -> list[str]:
    return [error.pointer for error in check_endpoint(an_endpoint(**{"dialect": "vimeo"} | fields), VIMEO, ())]


# Vectors


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_the_vectors_give_exactly_their_bodies_and_headers(vector: dict[str, Any]) -> None:
    secret = None if vector["secret"] is None else Secret(vector["secret"])
    endpoint = an_endpoint_of_theirs(vector["webhook_type"], secret=secret, options=vector["options"])
    assert check_endpoint(endpoint, VIMEO, ()) == []
    fields = vector["event"] | {"data": msgspec.json.encode(vector["event"]["data"])}
    event = an_event(fields.pop("data"), fields.pop("type"), **fields)
    shaped = shape(event, endpoint, VIMEO, NO_CONTEXT)
    assert shaped.body.data.decode() == vector["body"]
    assert shaped.event_name == vector["webhook_type"]
    quota = None if vector["quota"] is None else Quota(**vector["quota"])
    assert headers_of(endpoint, shaped.body.data, quota) == vector["headers"]


@pytest.mark.parametrize("vector", [one for one in VECTORS if "documented" in one], ids=lambda vector: vector["name"])
def test_what_the_public_shows_is_what_is_sent(vector: dict[str, Any]) -> None:
    assert json.loads(vector["body"]) == vector["documented"]


def test_there_is_a_vector_for_every_type_that_can_be_said() -> None:
    assert {one["event"]["type"] for one in VECTORS} == set(VIMEO.translation.types())


# Names


def test_every_event_of_vimeo_can_be_subscribed_to_and_nothing_else() -> None:
    assert set(VIMEO.translation.names) == DOCUMENTED | IN_THE_SCHEMA_TOO
    assert VIMEO.check_events(sorted(DOCUMENTED | IN_THE_SCHEMA_TOO)) == []
    wrong = ["asset.created", "video-*", "category:asset", "Video-Created", ""]
    assert [error.pointer for error in VIMEO.check_events(wrong)] == [f"/events/{place}" for place in range(5)]


def test_every_documented_event_is_said_for_a_type_of_the_catalogue() -> None:
    said = {VIMEO.name_of(one) for one in BUILT_IN} - {None}
    assert said == DOCUMENTED | {"live-event-deleted", "video-updated"}


def test_an_event_that_no_platform_here_can_tell_of_is_known_and_never_sent() -> None:
    assert VIMEO.translation.canonical("transcript-status-updated") is None
    assert not any(VIMEO.subscribes("transcript-status-updated", one, "asset") for one in BUILT_IN)


@pytest.mark.parametrize("name", sorted(DOCUMENTED | {"live-event-deleted", "video-updated"}))
def test_a_name_means_the_type_that_says_it_plainly(name: str) -> None:
    canonical = VIMEO.translation.canonical(name)
    assert canonical is not None
    assert VIMEO.name_of(canonical) == name
    assert VIMEO.rank(canonical) == 0


def test_the_general_event_is_preferred_to_the_specific_and_both_to_a_fallback() -> None:
    updates = ["asset.updated", "asset.metadata_changed", "asset.info_changed", "asset.tags_changed"]
    updates += ["asset.labels_changed", "asset.moved", "asset.renamed"]
    assert {VIMEO.name_of(one) for one in updates} == {"video-updated"}
    assert [VIMEO.rank(one) for one in updates] == list(range(7))
    assert VIMEO.rank("asset.created") < VIMEO.rank("asset.uploaded")
    assert VIMEO.rank("asset.transcoded") < VIMEO.rank("asset.processed")


@pytest.mark.parametrize("event_type", ["asset.published", "asset.processing_failed", "user.created", "draft.new", "x"])
def test_what_vimeo_has_no_word_for_is_not_said(event_type: str) -> None:
    assert VIMEO.name_of(event_type) is None
    with pytest.raises(NotExpressible):
        shape(an_event(b"{}", event_type), an_endpoint_of_theirs(), VIMEO, NO_CONTEXT)


# Bodies


@pytest.mark.parametrize("event_type", VIMEO.translation.types())
def test_the_example_of_every_type_names_its_video_and_live_event(event_type: str) -> None:
    body = body_of(event_type, BUILT_IN[event_type].example)
    assert body["webhook_type"] == VIMEO.name_of(event_type)
    assert body["timestamp"] == NOW // 1000
    assert body["data"]["video_uri"] == body["data"]["clip_uri"]
    assert body["data"]["video_uri"].startswith("/videos/")
    assert ("live_event_uri" in body["data"]) == event_type.startswith("live.")


def test_our_id_stands_where_vimeo_has_none() -> None:
    assert body_of("asset.created", {"asset": {"id": "a", "ids": {"vimeo": 7}}})["data"]["video_uri"] == "/videos/7"
    assert body_of("asset.created", {"asset": {"id": "a", "ids": {"vimeo": ""}}})["data"]["video_uri"] == "/videos/a"
    assert body_of("asset.created", {"asset": {"id": "a", "ids": {"other": 7}}})["data"]["video_uri"] == "/videos/a"
    assert body_of("asset.created", {"asset": {"id": "a", "ids": "none"}})["data"]["video_uri"] == "/videos/a"
    assert body_of("asset.created", {"asset": {"id": ["a"]}})["data"] == {}


def test_an_odd_number_elsewhere_in_the_data_stops_nothing() -> None:
    event = an_event(b'{"asset":{"id":"a","size":1e400}}')
    assert b"/videos/a" in VIMEO.shape(event, an_endpoint_of_theirs(), NO_CONTEXT).data


@given(event_type=EVENTS, data=DATA)
def test_whatever_is_posted_becomes_json_of_the_form_or_a_clear_error(event_type: str, data: Any) -> None:
    event = an_event(msgspec.json.encode(data), event_type)
    with suppress(msgspec.MsgspecError):
        body = json.loads(VIMEO.shape(event, an_endpoint_of_theirs(), NO_CONTEXT).data)
        assert list(body) == ["webhook_type", "data", "timestamp"]
        assert set(body["data"]) <= {"video_uri", "clip_uri", "live_event_uri"}
        assert all(uri.isascii() and " " not in uri for uri in body["data"].values())


@given(data=st.binary(max_size=40))
def test_what_is_no_json_is_a_clear_error_or_a_body_about_nothing(data: bytes) -> None:
    with suppress(msgspec.MsgspecError, RecursionError):
        json.loads(VIMEO.shape(an_event(data), an_endpoint_of_theirs(), NO_CONTEXT).data)


def test_the_secret_in_a_body_is_masked_in_the_log() -> None:
    echoing = an_endpoint_of_theirs(secret=Secret("s3cret"), options={"secret_in_body": True})
    body = VIMEO.shape(an_event(), echoing, NO_CONTEXT)
    assert json.loads(body.data)["secret"] == "s3cret"
    assert body.shown is not None
    assert json.loads(body.shown) == json.loads(body.data) | {"secret": "***"}
    silent = an_endpoint_of_theirs(secret=Secret("s3cret"), options={"secret_in_body": False})
    assert VIMEO.shape(an_event(), silent, NO_CONTEXT).shown is None
    assert b"s3cret" not in VIMEO.shape(an_event(), silent, NO_CONTEXT).data


# Signatures


@given(secret=st.text(min_size=1, max_size=99), body=st.binary(max_size=99))
def test_a_signature_is_the_lower_case_hex_of_the_hmac_over_the_raw_body(secret: str, body: bytes) -> None:
    signed = headers_of(an_endpoint_of_theirs(secret=Secret(secret)), body)
    assert signed == {"X-Webhook-Signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def test_an_endpoint_without_a_secret_signs_nothing_even_while_a_former_one_is_in_its_overlap() -> None:
    retired = (RetiredSecret(Secret("former"), NOW + 1000),)
    assert headers_of(an_endpoint_of_theirs(retired_secrets=retired)) == {}
    both = an_endpoint_of_theirs(secret=Secret("current"), retired_secrets=retired)
    assert headers_of(both) == headers_of(an_endpoint_of_theirs(secret=Secret("current")))


def test_the_headers_can_be_sent() -> None:
    options = {"signature_prefix": "sha256=", "signature_alias_header": "X-Vimeo-Signature"}
    endpoint = an_endpoint_of_theirs(secret=Secret("s"), options=options)
    message = Message("evt_5", NOW, Context(quota=Quota(25, 0, NOW)))
    head = Letterhead(endpoint, VIMEO).sign(b"{}", message).head.decode()
    assert "\r\nX-Vimeo-Signature: sha256=" in head
    assert "\r\nX-Webhook-RateLimit-Remaining: 0\r\n" in head


# Rules


def test_the_defaults_are_those_of_the_contract() -> None:
    defaults = VIMEO.defaults
    assert (defaults.retry, defaults.timeout) == (ScheduleRetry(()), 15)
    rule = defaults.disable
    assert (rule.gone, rule.failure_rate, rule.of_attempts, rule.within) == (True, 0.5, 20, 3600)
    assert VIMEO.content_type() == "application/json"
    assert VIMEO.new_secret(bytes(32)) is None


def test_an_endpoint_has_exactly_one_event() -> None:
    assert pointers(events=("video-created",)) == []
    assert pointers(events=()) == ["/events"]
    assert pointers(events=("video-created", "video-deleted")) == ["/events"]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"payload": Payload(fields=("asset.title",))}, "/payload"),
        ({"secret": Secret("")}, "/secret"),
        ({"secret": Secret("x" * 4097)}, "/secret"),
        ({"headers": {"x-webhook-signature": "forged"}}, "/headers/x-webhook-signature"),
        ({"headers": {"X-Webhook-RateLimit-Limit": "9"}}, "/headers/X-Webhook-RateLimit-Limit"),
        ({"options": {"ed25519": True}}, "/options/ed25519"),
        ({"options": {"signature_prefix": 256}}, "/options/signature_prefix"),
        ({"options": {"signature_prefix": "sha256= "}}, "/options/signature_prefix"),
        ({"options": {"signature_prefix": "x\r\nEvil: 1"}}, "/options/signature_prefix"),
        ({"options": {"signature_prefix": "x" * 33}}, "/options/signature_prefix"),
        ({"options": {"secret_in_body": "yes"}}, "/options/secret_in_body"),
        ({"options": {"signature_alias_header": True}}, "/options/signature_alias_header"),
        ({"options": {"signature_alias_header": "X Vimeo"}}, "/options/signature_alias_header"),
        ({"options": {"signature_alias_header": "X-A\r\nEvil"}}, "/options/signature_alias_header"),
        ({"options": {"signature_alias_header": "Content-Length"}}, "/options/signature_alias_header"),
        ({"options": {"signature_alias_header": "webhook-signature"}}, "/options/signature_alias_header"),
        ({"options": {"signature_alias_header": "Authorization"}}, "/options/signature_alias_header"),
        ({"options": {"signature_alias_header": "X-WEBHOOK-SIGNATURE"}}, "/options/signature_alias_header"),
        (
            {"headers": {"X-Mine": "1"}, "options": {"signature_alias_header": "x-mine"}},
            "/options/signature_alias_header",
        ),
    ],
)
def test_what_vimeo_has_no_room_for_is_refused_where_it_stands(fields: dict[str, Any], pointer: str) -> None:
    assert pointers(**{"events": ("video-created",)} | fields) == [pointer]


@pytest.mark.parametrize("alias", ["", "X-Vimeo-Signature", "vimeo-signature", "x-vimeo-webhook-signature"])
def test_the_names_that_receivers_look_for_can_be_chosen(alias: str) -> None:
    assert pointers(events=("video-created",), options={"signature_alias_header": alias}) == []


def test_an_endpoint_is_a_decimal_number_for_vimeo() -> None:
    assert VIMEO.compat_id(382525839204483072) == "382525839204483072"


# Quota


@pytest.mark.parametrize(
    ("account_type", "quota"),
    [("free", 25), ("starter", 125), ("standard", 250), ("advanced", 750), ("studio", 1500), ("enterprise", 2500)],
)
def test_an_account_has_the_quota_of_its_type(account_type: str, quota: int) -> None:
    assert ACCOUNT_QUOTAS[account_type] == quota_of_app(an_app(account_type)) == quota
    assert VIMEO.quota(an_app(account_type)) == RateLimit(quota, 60)


def test_a_limit_of_the_app_takes_its_place() -> None:
    assert quota_of_app(an_app("free", vimeo_quota=40)) == 40
    assert quota_of_app(an_app("free", endpoints=5)) == 25
    assert quota_of_app(an_app("of a later release")) == 2500
