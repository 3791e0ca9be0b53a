import msgspec
import pytest
from tests.unit.samples import an_endpoint

from reelhook.model.catalogue import BUILT_IN
from reelhook.model.endpoint import DisabledReason, EndpointState
from reelhook.model.event import TYPE_RE, is_operational
from reelhook.model.event_type import EventType
from reelhook.pipeline.schema import compile_schema
from reelhook.worker.notice import endpoint_data

ALL = pytest.mark.parametrize("event_type", BUILT_IN.values(), ids=list(BUILT_IN))


@ALL
def test_every_example_fits_its_schema(event_type: EventType) -> None:
    assert compile_schema(event_type.schema).check(msgspec.json.encode(event_type.example)) == []


@ALL
def test_every_type_has_a_good_name_its_category_and_a_sentence(event_type: EventType) -> None:
    assert TYPE_RE.match(event_type.name)
    assert event_type.category == event_type.name.partition(".")[0]
    assert event_type.description.endswith(".")
    assert event_type.app_id is None


@ALL
def test_a_number_where_an_object_belongs_does_not_fit(event_type: EventType) -> None:
    broken = dict.fromkeys(event_type.example, 1)
    assert compile_schema(event_type.schema).check(msgspec.json.encode(broken))


@ALL
def test_what_a_platform_knows_beyond_the_vocabulary_is_let_through(event_type: EventType) -> None:
    more = event_type.example | {"x_platform": {"shard": 7}}
    assert compile_schema(event_type.schema).check(msgspec.json.encode(more)) == []


def test_the_catalogue_has_the_vocabulary_and_the_operational_events() -> None:
    assert {"asset.fully_playable", "live.clip_created", "metadata.category_added", "draft.exited"} <= set(BUILT_IN)
    assert {"engagement.unfavorited", "user.deleted", "workflow.failed", "system.warning"} <= set(BUILT_IN)
    assert {name for name in BUILT_IN if is_operational(name)} == {
        "endpoint.created",
        "endpoint.updated",
        "endpoint.deleted",
        "endpoint.disabled",
        "endpoint.enabled",
        "endpoint.failing",
        "endpoint.recovered",
        "delivery.exhausted",
    }


def test_an_asset_has_one_shape_in_every_type() -> None:
    shapes = [event_type.schema["properties"].get("asset") for event_type in BUILT_IN.values()]
    assert all(shape is None or shape == shapes[0] for shape in shapes)


@pytest.mark.parametrize(
    ("thumbnails", "fits"),
    [
        (["https://cdn.example.com/a.jpg"], True),
        ([{"url": "https://cdn.example.com/a.jpg", "width": 640}], True),
        ([{"width": 640}], False),
        (["a.jpg", 5], False),
    ],
)
def test_thumbnails_are_links_or_objects_with_one(thumbnails: list[object], fits: bool) -> None:
    validator = compile_schema(BUILT_IN["asset.processed"].schema)
    data = msgspec.json.encode({"asset": {"id": "ast_1", "thumbnails": thumbnails}})
    assert (validator.check(data) == []) is fits


def test_what_the_notifier_says_of_an_endpoint_fits_the_operational_types() -> None:
    endpoint = an_endpoint(state=EndpointState.DISABLED, disabled_reason=DisabledReason.GONE)
    for about in (endpoint, an_endpoint(name="Library")):
        data = {"app_id": "default", "endpoint": endpoint_data(about)}
        assert compile_schema(BUILT_IN["endpoint.disabled"].schema).check(msgspec.json.encode(data)) == []
