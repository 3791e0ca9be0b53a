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
from reelhook.dialects.foreign import LONGEST_SECRET
from reelhook.dialects.scaleflex import SCALEFLEX
from reelhook.errors import NotExpressible
from reelhook.model.catalogue import BUILT_IN
from reelhook.model.endpoint import ChangeCondition, Conditions, Endpoint, Payload
from reelhook.model.secret import Secret
from reelhook.pipeline.check import check_endpoint
from reelhook.pipeline.match import compile_filter
from reelhook.pipeline.shape import shape
from reelhook.pipeline.sign import signing_keys

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "scaleflex.json").read_text())["vectors"]
TRIGGERS = (
    *("on_upload", "on_move", "on_rename", "on_delete"),
    *("on_change_meta", "on_change_info", "on_change_tag", "on_change_label"),
)
FILE = {"name", "size", "path", "mime_type", "cdn_link", "uuid"}
IMAGE = {"width", "height"}
VIDEO = {*IMAGE, "length", "bitrate", "playlist_url"}
FULL = {
    "id": "ast_1",
    "name": "n",
    "size": 1,
    "path": "/n",
    "cdn_url": "https://cdn.example.com/n",
    "width": 2,
    "height": 3,
    "duration": 4.5,
    "bitrate": 5,
    "playlists": {"hls": "https://cdn.example.com/n.m3u8"},
}

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
EVENTS = st.sampled_from(SCALEFLEX.translation.types())
NAMES = st.sampled_from(
    ["id", "ids", "kind", "mime_type", "metadata", "system", "hash", "labels", "playlists", "field"]
)
PARTS = st.dictionaries(NAMES, anything | st.dictionaries(NAMES, anything, max_size=3), max_size=6)
DATA = anything | st.fixed_dictionaries({"asset": PARTS | anything, "changes": st.lists(PARTS | anything) | anything})
CHOICES = st.builds(
    Payload,
    st.lists(st.sampled_from(sorted(FILE | VIDEO))).map(tuple),
    st.lists(st.sampled_from(["system_metadata", "custom_metadata", "embedded_metadata"])).map(tuple),
)


def an_endpoint_of_theirs(**more: Any) -> Endpoint:
    return an_endpoint(dialect="scaleflex", **{"secret": None} | more)


def file_of(asset: Any, event_type: str = "asset.uploaded", **chosen: tuple[str, ...]) -> dict[str, Any]:
    event = an_event(msgspec.json.encode({"asset": asset}), event_type)
    endpoint = an_endpoint_of_theirs(payload=Payload(**chosen))
    file: dict[str, Any] = json.loads(SCALEFLEX.shape(event, endpoint, NO_CONTEXT).data)["file"]
    return file


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_the_vectors_give_exactly_their_bodies(vector: dict[str, Any]) -> None:
    given_event = vector["event"] | {"data": msgspec.json.encode(vector["event"]["data"])}
    event = an_event(given_event.pop("data"), given_event.pop("type"), **given_event)
    chosen = {name: tuple(values) for name, values in vector["chosen"].items()}
    shaped = shape(event, an_endpoint_of_theirs(payload=Payload(**chosen)), SCALEFLEX, NO_CONTEXT)
    assert shaped.body.data.decode() == vector["body"]


def test_every_trigger_has_a_vector() -> None:
    assert {json.loads(vector["body"])["event"] for vector in VECTORS} == set(TRIGGERS)


def test_the_triggers_are_the_eight_of_the_documentation() -> None:
    assert SCALEFLEX.translation.names == TRIGGERS
    assert SCALEFLEX.check_events(TRIGGERS) == []
    wrong = SCALEFLEX.check_events(["on_change_meta", "on_change", "asset.uploaded", "*"])
    assert [error.pointer for error in wrong] == ["/events/1", "/events/2", "/events/3"]


@pytest.mark.parametrize("event_type", sorted(BUILT_IN))
def test_the_example_of_every_type_is_told_or_has_no_trigger(event_type: str) -> None:
    event = an_event(msgspec.json.encode(BUILT_IN[event_type].example), event_type)
    name = SCALEFLEX.name_of(event_type)
    if name is None:
        with pytest.raises(NotExpressible, match=event_type):
            SCALEFLEX.shape(event, an_endpoint_of_theirs(), NO_CONTEXT)
        return
    body = json.loads(SCALEFLEX.shape(event, an_endpoint_of_theirs(), NO_CONTEXT).data)
    assert body["event"] == name
    assert body["file"]["uuid"]


@pytest.mark.parametrize(
    ("asset", "fields"),
    [
        ({"kind": "video"}, FILE | VIDEO),
        ({"kind": "video", "mime_type": "application/mxf"}, FILE | VIDEO),
        ({"kind": "image"}, FILE | IMAGE),
        ({"kind": "audio"}, FILE),
        ({"kind": "document"}, FILE),
        ({"kind": "hologram"}, FILE),
        ({"kind": 5}, FILE),
        ({"mime_type": "video/quicktime"}, FILE | VIDEO),
        ({"mime_type": "Image/JPEG"}, FILE | IMAGE),
        ({"mime_type": "application/pdf"}, FILE),
        ({}, FILE | VIDEO),
    ],
    ids=lambda one: str(one) if isinstance(one, dict) else f"{len(one)} fields",
)
def test_an_asset_has_the_fields_of_its_kind(asset: dict[str, Any], fields: set[str]) -> None:
    asset = FULL | asset
    expected = fields if "mime_type" in asset else fields - {"mime_type"}
    assert set(file_of(asset)) == expected
    assert set(file_of(asset, fields=tuple(FILE | VIDEO))) == expected


def test_a_chosen_field_that_is_not_for_the_kind_is_left_out() -> None:
    assert file_of(FULL | {"kind": "image"}, fields=("uuid", "length", "bitrate")) == {"uuid": "ast_1"}


def test_only_what_was_chosen_goes_out() -> None:
    assert file_of(FULL | {"kind": "video", "hash": "h"}, fields=("playlist_url",)) == {
        "playlist_url": "https://cdn.example.com/n.m3u8"
    }
    assert file_of(FULL | {"hash": "h"}, groups=("system_metadata",)) == {"system_metadata": {"hash": "h"}}


def test_the_uuid_is_that_of_scaleflex_where_it_is_known() -> None:
    assert file_of({"id": "ast_1", "ids": {"scaleflex": "f00d"}})["uuid"] == "f00d"
    assert file_of({"id": "ast_1", "ids": {"vimeo": "9"}})["uuid"] == "ast_1"


def test_a_dash_manifest_stands_in_for_a_missing_hls_playlist() -> None:
    assert file_of({"playlists": {"dash": "d"}}) == {"playlist_url": "d"}
    assert file_of({"playlists": {"hls": "h", "dash": "d"}}) == {"playlist_url": "h"}


def test_the_link_to_the_original_is_no_link_to_the_delivery_network() -> None:
    assert file_of({"id": "a", "url": "https://origin.example.com/a?token=1"}) == {"uuid": "a"}


def test_embedded_metadata_stay_here_unless_they_are_chosen() -> None:
    asset = {"metadata": {"system": {"s": 1}, "custom": {"c": 2}, "embedded": {"e": 3}}}
    assert file_of(asset) == {"system_metadata": {"s": 1}, "custom_metadata": {"c": 2}}
    assert file_of(asset, groups=("embedded_metadata",)) == {"embedded_metadata": {"e": 3}}


def test_system_metadata_hold_hash_and_labels_even_where_there_are_no_others() -> None:
    assert file_of({"hash": "h", "labels": []}) == {"system_metadata": {"hash": "h", "labels": []}}
    assert file_of({"hash": "h", "metadata": {"system": {"hash": "old"}}}) == {"system_metadata": {"hash": "h"}}
    assert file_of({"metadata": {"system": "text"}}) == {}


def test_whatever_the_trigger_changes_that_were_posted_are_told() -> None:
    change = {"field": "path", "from": "/a", "to": "/b"}
    for event_type in ("asset.uploaded", "asset.deleted", "asset.moved"):
        event = an_event(msgspec.json.encode({"asset": {"id": "a"}, "changes": [change]}), event_type)
        assert json.loads(SCALEFLEX.shape(event, an_endpoint_of_theirs(), NO_CONTEXT).data)["changes"] == [change]


@given(EVENTS, DATA, CHOICES)
def test_whatever_was_posted_makes_a_body_that_is_json(event_type: str, data: Any, payload: Payload) -> None:
    event = an_event(msgspec.json.encode(data), event_type)
    body = json.loads(SCALEFLEX.shape(event, an_endpoint_of_theirs(payload=payload), NO_CONTEXT).data)
    assert list(body)[:3] == ["event", "timestamp", "file"]
    assert isinstance(body["file"], dict)
    assert isinstance(body.get("changes", []), list)
    if payload != Payload():
        assert body["file"].keys() <= {*payload.fields, *payload.groups}


@given(EVENTS, st.binary(max_size=30))
def test_what_is_no_json_raises_what_the_pipeline_expects(event_type: str, data: bytes) -> None:
    with suppress(msgspec.MsgspecError):
        json.loads(SCALEFLEX.shape(an_event(data, event_type), an_endpoint_of_theirs(), NO_CONTEXT).data)


@pytest.mark.parametrize(
    ("entry", "changes", "fits"),
    [
        ({}, [], True),
        ({"field": "metadata.custom.status"}, [{"field": "metadata.custom.status", "from": 1, "to": 2}], True),
        ({"field": "metadata.custom.status"}, [{"field": "metadata.custom.rights", "from": 1, "to": 2}], False),
        ({"field": "metadata.custom.status", "to": "done"}, [{"field": "metadata.custom.status", "to": "done"}], True),
        ({"field": "metadata.custom.status", "to": "done"}, [{"field": "metadata.custom.status", "to": "x"}], False),
        ({"to": "done"}, [{"field": "metadata.custom.any", "to": "done"}], True),
    ],
    ids=["any", "field", "other field", "field to value", "field to other value", "any field to value"],
)
@pytest.mark.parametrize("event", ["on_change_meta", None])
def test_change_meta_fires_for_a_field_or_any_that_takes_a_value_or_any(
    event: str | None, entry: dict[str, Any], changes: list[dict[str, Any]], fits: bool
) -> None:
    condition = msgspec.convert(entry | ({"event": event} if event else {}), ChangeCondition)
    endpoint = an_endpoint_of_theirs(conditions=Conditions(changes=(condition,)))
    compiled = compile_filter(endpoint, SCALEFLEX, lambda name: name.partition(".")[0])
    data = msgspec.json.encode({"asset": {"id": "a"}, "changes": changes})
    assert compiled.accepts(an_event(data, "asset.metadata_changed")) is fits
    assert compiled.accepts(an_event(data, "asset.tags_changed"))  # no entry is about this trigger


def test_conditions_name_triggers_of_scaleflex() -> None:
    endpoint = an_endpoint_of_theirs(conditions=Conditions(changes=(ChangeCondition(event="asset.metadata_changed"),)))
    errors = check_endpoint(endpoint, SCALEFLEX, ())
    assert [error.pointer for error in errors] == ["/conditions/changes/0/event"]


def test_an_app_has_five_endpoints_and_an_endpoint_ten_headers() -> None:
    assert SCALEFLEX.defaults.endpoints_per_app == 5
    ten = {f"X-{place}": "v" for place in range(10)}
    assert check_endpoint(an_endpoint_of_theirs(headers=ten), SCALEFLEX, ()) == []
    (error,) = check_endpoint(an_endpoint_of_theirs(headers=ten | {"X-10": "v"}), SCALEFLEX, ())
    assert (error.detail, error.pointer) == ("at most 10 custom headers", "/headers")


def test_an_endpoint_is_as_patient_as_a_standard_one() -> None:
    defaults = SCALEFLEX.defaults
    assert defaults.retry.delays == (5, 300, 1800, 7200, 18000, 36000, 36000)
    assert (defaults.timeout, defaults.disable.gone, defaults.disable.failing_for) == (15, True, 5 * 86400)
    assert defaults.jitter > 0


def test_what_the_system_has_no_room_for_is_refused() -> None:
    chosen = Payload(fields=("name", "asset.title"), groups=("custom_metadata", "exif"))
    wrong = an_endpoint_of_theirs(options={"x": 1}, payload=chosen)
    errors = SCALEFLEX.check(wrong)
    assert [error.pointer for error in errors] == ["/options/x", "/payload/fields/1", "/payload/groups/1"]
    assert "there are name, size, path, mime_type, cdn_link, uuid, width" in errors[1].detail
    assert "system_metadata, custom_metadata, embedded_metadata" in errors[2].detail


def test_a_secret_is_kept_and_not_used() -> None:
    for length, wrong in ((1, []), (LONGEST_SECRET, []), (LONGEST_SECRET + 1, ["/secret"])):
        endpoint = an_endpoint_of_theirs(secret=Secret("s" * length))
        assert [error.pointer for error in SCALEFLEX.check(endpoint)] == wrong
        assert SCALEFLEX.sign(b"{}", Message("evt_5", NOW), signing_keys(endpoint, SCALEFLEX), endpoint) == []


def test_nothing_is_signed() -> None:
    endpoint = an_endpoint_of_theirs()
    assert SCALEFLEX.sign(b"{}", Message("evt_5", NOW), signing_keys(endpoint, SCALEFLEX), endpoint) == []
    assert SCALEFLEX.new_secret(b"\0" * 24) is None
    assert SCALEFLEX.compat_id(5) is None


def test_the_body_in_the_documentation_is_that_of_a_vector() -> None:
    page = (Path(__file__).parents[3] / "docs" / "dialects" / "scaleflex.md").read_text()
    (shown,) = re.findall(r"^```json\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert json.loads(shown) in [json.loads(vector["body"]) for vector in VECTORS]
