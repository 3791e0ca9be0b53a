import json
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from cloudevents.core.formats.json import JSONFormat
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook
from tests.unit.samples import NOW, SECRET, an_endpoint, an_event

from reelhook.dialects.cloudevents import CLOUD_EVENTS
from reelhook.dialects.dialect import NO_CONTEXT, Dialect, Message
from reelhook.dialects.standard import STANDARD
from reelhook.dialects.table import dialect_named
from reelhook.errors import Invalid
from reelhook.model.endpoint import Payload, ScheduleRetry
from reelhook.model.event import Event
from reelhook.model.secret import Secret
from reelhook.pipeline.shape import shape
from reelhook.pipeline.sign import signing_keys

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "cloudevents.json").read_text())["vectors"]
BOTH = pytest.mark.parametrize("dialect", [STANDARD, CLOUD_EVENTS], ids=["standard", "cloudevents"])

json_data = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


@BOTH
def test_the_data_go_out_as_the_text_that_was_posted(dialect: Dialect) -> None:
    data = b'{"a": 1e400, "b":123456789012345678901234567890 , "c":"\\u00e6\xc3\xa6","a":1.10}'
    body = dialect.shape(an_event(data), an_endpoint(), NO_CONTEXT)
    assert body.frame is not None
    assert body.data == body.frame[0] + data + body.frame[1]


@BOTH
def test_a_body_with_chosen_fields_has_no_frame(dialect: Dialect) -> None:
    endpoint = an_endpoint(payload=Payload(fields=("asset.title",)))
    body = dialect.shape(an_event(b'{"asset":{"id":1,"title":"t"}}'), endpoint, NO_CONTEXT)
    assert body.frame is None
    assert json.loads(body.data)["data"] == {"asset": {"title": "t"}}


@BOTH
def test_embedded_metadata_stay_here_unless_chosen(dialect: Dialect) -> None:
    event = an_event(b'{"asset":{"metadata":{"embedded":{"iso":100},"custom":{}}}}')
    assert b"iso" not in dialect.shape(event, an_endpoint(), NO_CONTEXT).data
    chosen = an_endpoint(payload=Payload(groups=("embedded_metadata",)))
    assert b"iso" in dialect.shape(event, chosen, NO_CONTEXT).data


@BOTH
def test_the_defaults_are_those_of_the_contract(dialect: Dialect) -> None:
    defaults = dialect.defaults
    assert defaults.retry == ScheduleRetry((5, 300, 1800, 7200, 18000, 36000, 36000))
    assert defaults.timeout == 15
    assert defaults.jitter > 0
    assert defaults.disable.gone
    assert defaults.disable.failing_for == 5 * 24 * 3600
    assert defaults.retries_non_transient


def test_a_standard_body_is_type_time_of_the_event_and_data() -> None:
    body = STANDARD.shape(an_event(), an_endpoint(), NO_CONTEXT)
    expected = {"type": "asset.created", "timestamp": "2025-11-21T06:30:00.123Z", "data": {"asset": {"id": "ast_1"}}}
    assert json.loads(body.data) == expected
    assert list(json.loads(body.data)) == ["type", "timestamp", "data"]
    assert STANDARD.content_type() == "application/json"


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_the_cloudevents_vectors_give_exactly_their_bodies_and_headers(vector: dict[str, Any]) -> None:
    given_event = vector["event"] | {"data": vector["event"]["data"].encode(), "accepted_at": NOW}
    event, endpoint = Event(**given_event), an_endpoint(options=vector["options"], secret=Secret(vector["secret"]))
    body = CLOUD_EVENTS.shape(event, endpoint, NO_CONTEXT).data
    assert body.decode() == vector["body"]
    keys = signing_keys(endpoint, CLOUD_EVENTS)
    assert (
        dict(CLOUD_EVENTS.sign(body, Message(event.public_id, vector["timestamp"] * 1000), keys, an_endpoint()))
        == vector["headers"]
    )


@pytest.mark.fault("C3")
@given(data=json_data, asset_id=st.none() | st.text(min_size=1, max_size=20) | st.integers(0, 10**12))
def test_the_official_sdk_reads_what_is_sent(data: Any, asset_id: str | int | None) -> None:
    if asset_id is not None:
        data = {"asset": {"id": asset_id}, "more": data}
    event = an_event(msgspec.json.encode(data), ordering_key="k")
    body = CLOUD_EVENTS.shape(event, an_endpoint(options={"source": "https://media.example.com/x"}), NO_CONTEXT)
    message = HTTPMessage({"content-type": CLOUD_EVENTS.content_type()}, body.data)
    read = from_http_event(message, JSONFormat())
    assert read.get_data() == json.loads(event.data)
    assert (read.get_id(), read.get_type(), read.get_source()) == (
        event.public_id,
        event.type,
        "https://media.example.com/x",
    )
    assert read.get_subject() == (None if asset_id is None else str(asset_id))
    assert read.get_datacontenttype() == "application/json"
    assert int(read.get_time().timestamp() * 1000) == event.occurred_at
    assert (read.get_extension("sequence"), read.get_extension("partitionkey")) == ("0" * 18 + "5", "k")


@pytest.mark.parametrize(
    "data",
    [b"[]", b"null", b'{"asset":null}', b'{"asset":{"id":null}}', b'{"asset":{"id":""}}', b'{"asset":{"id":[]}}'],
)
def test_an_event_about_no_asset_has_no_subject(data: bytes) -> None:
    assert "subject" not in json.loads(CLOUD_EVENTS.shape(an_event(data), an_endpoint(), NO_CONTEXT).data)


def test_cloudevents_are_signed_like_standard_webhooks() -> None:
    assert CLOUD_EVENTS.content_type() == "application/cloudevents+json; charset=utf-8"
    keys = signing_keys(an_endpoint(), CLOUD_EVENTS)
    headers = dict(CLOUD_EVENTS.sign(b"{}", Message("evt_5", _wall() * 1000), keys, an_endpoint()))
    assert Webhook(SECRET).verify(b"{}", headers) == {}


@BOTH
@pytest.mark.parametrize(
    ("entry", "event_type", "category", "named"),
    [
        ("asset.created", "asset.created", "asset", True),
        ("asset.created", "asset.created_late", "asset", False),
        ("asset.*", "asset.created", "asset", True),
        ("asset.*", "asset.a.b", "asset", True),
        ("asset.*", "asset", "asset", False),
        ("asset.*", "assets.created", "assets", False),
        ("*", "anything.at.all", "anything", True),
        ("category:asset", "asset.created", "asset", True),
        ("category:films", "reel.cut", "films", True),
        ("category:asset", "reel.cut", "films", False),
        ("category:asset", "category:asset", "x", False),
    ],
)
def test_an_entry_names_events(dialect: Dialect, entry: str, event_type: str, category: str, named: bool) -> None:
    assert dialect.subscribes(entry, event_type, category) is named


@BOTH
def test_entries_that_can_never_name_an_event_are_refused(dialect: Dialect) -> None:
    good = ["asset.created", "asset.*", "*", "category:asset", "my.own-type", "a_b"]
    bad = ["", "asset.", ".asset", "asset*", "*.created", "category:", "category:a.b", "a b", "a\n", "é", "a" * 200]
    assert dialect.check_events(good) == []
    assert [error.pointer for error in dialect.check_events(bad)] == [f"/events/{place}" for place in range(len(bad))]


@BOTH
def test_options_are_known_and_of_their_type(dialect: Dialect) -> None:
    wrong = an_endpoint(options={"ed25519": "yes", "a/b": 1, "source": "a b"})
    pointers = {error.pointer for error in dialect.check(wrong)}
    assert pointers == {"/options/ed25519", "/options/a~1b", "/options/source"}
    assert dialect.check(an_endpoint(options={"ed25519": True})) == []


@pytest.mark.parametrize("source", ["", "a b", 'x"', "é", "a" * 257, "50%", 5])
def test_a_source_is_a_uri_reference(source: object) -> None:
    assert CLOUD_EVENTS.check(an_endpoint(options={"source": source}))


@pytest.mark.parametrize("source", ["https://media.example.com/a?b=%20", "/apps/x", "urn:example:1"])
def test_a_good_source_is_taken(source: str) -> None:
    assert CLOUD_EVENTS.check(an_endpoint(options={"source": source})) == []


def test_an_unknown_dialect_is_refused_with_the_known_ones() -> None:
    with pytest.raises(Invalid, match="standard, cloudevents"):
        dialect_named("morse")
    assert dialect_named("standard") is STANDARD


@pytest.mark.interpreted
def test_an_event_that_a_dialect_cannot_express_is_a_problem_of_its_own() -> None:
    class Mute(type(STANDARD)):
        name = "mute"

        def name_of(self, event_type: str, endpoint: object = None) -> None:
            return None

    with pytest.raises(Invalid, match=r"no word for asset\.created") as caught:
        shape(an_event(), an_endpoint(), Mute(), NO_CONTEXT)
    assert caught.value.problem_slug == "not-expressible"


def test_shaping_names_the_event_and_gives_its_body() -> None:
    shaped = shape(an_event(), an_endpoint(), STANDARD, NO_CONTEXT)
    assert shaped.event_name == "asset.created"
    assert shaped.body == STANDARD.shape(an_event(), an_endpoint(), NO_CONTEXT)


def test_data_that_cannot_be_taken_apart_are_a_clear_error() -> None:
    chosen = an_endpoint(payload=Payload(fields=("a",)))
    with pytest.raises(Invalid, match="cannot be taken apart"):
        shape(an_event(b'{"a":'), chosen, STANDARD, NO_CONTEXT)


def _wall() -> int:
    """The reference library reads the wall clock itself."""
    return int(time.time())
