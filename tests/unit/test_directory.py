import pytest
from tests.unit.samples import NOW, an_endpoint

from reelhook.dialects.table import dialect_named
from reelhook.errors import Invalid
from reelhook.model.access import App
from reelhook.model.endpoint import Conditions, EndpointState
from reelhook.model.event_type import EventType
from reelhook.pipeline import directory as directory_module
from reelhook.pipeline.directory import Directory


def a_directory(*endpoints: object, types: tuple[EventType, ...] = (), **limits: object) -> Directory:
    directory = Directory(dialect_named)
    directory.load([App("default", "Default", NOW, NOW, limits=limits)], types, endpoints)  # type: ignore[arg-type]
    return directory


def matching(directory: Directory, event_type: str, app_id: str = "default") -> list[int]:
    return sorted(route.endpoint.id for route in directory.matching(app_id, event_type))


def own(name: str, **more: object) -> EventType:
    return EventType(name, str(more.pop("category", "custom")), "", app_id="default", **more)  # type: ignore[arg-type]


def test_what_was_loaded_is_found_and_matched() -> None:
    one, two = an_endpoint(id=1), an_endpoint(id=2, events=("live.*",))
    directory = a_directory(one, two)
    assert (directory.endpoint(1), directory.endpoint(3)) == (one, None)
    assert matching(directory, "asset.created") == [1]
    assert matching(directory, "live.started") == [1, 2]
    assert directory.states() == {"active": 2, "paused": 0, "disabled": 0}


def test_a_new_endpoint_is_matched_by_the_very_next_event() -> None:
    directory = a_directory()
    assert matching(directory, "asset.created") == []
    directory.put(an_endpoint(id=1))
    assert matching(directory, "asset.created") == [1]


def test_a_changed_endpoint_takes_the_place_of_its_former_version() -> None:
    directory = a_directory(an_endpoint(id=1))
    assert matching(directory, "live.started") == [1]
    directory.put(an_endpoint(id=1, version=2, events=("asset.created",)))
    assert matching(directory, "live.started") == []
    route = directory.route(1)
    assert route is not None
    assert route.endpoint.version == 2


@pytest.mark.interpreted
def test_what_was_removed_last_is_known_for_the_sake_of_its_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory_module, "_MOST_REMOVED", 2)
    endpoints = [an_endpoint(id=number, dialect="vimeo", events=("video-deleted",)) for number in (1, 2, 3, 4)]
    directory = a_directory(*endpoints)
    directory.remove(1)
    directory.remove(2)
    directory.remove_app("default")
    assert [directory.removed(number) for number in (1, 2, 3, 4)] == [None, None, *endpoints[2:]]


def test_a_removed_endpoint_is_matched_no_more() -> None:
    directory = a_directory(an_endpoint(id=1))
    matching(directory, "asset.created")
    directory.remove(1)
    directory.remove(1)
    assert matching(directory, "asset.created") == []
    assert directory.route(1) is None


def test_apps_do_not_see_each_others_endpoints() -> None:
    directory = a_directory(an_endpoint(id=1), an_endpoint(id=2, app_id="other"))
    assert matching(directory, "asset.created") == [1]
    assert matching(directory, "asset.created", "other") == [2]
    assert matching(directory, "asset.created", "nobody") == []


def test_an_app_that_is_removed_takes_its_endpoints_along() -> None:
    directory = a_directory(an_endpoint(id=1), an_endpoint(id=2, app_id="other"))
    directory.remove_app("default")
    directory.remove_app("default")
    assert directory.app("default") is None
    assert directory.endpoint(1) is None
    assert directory.endpoint(2) is not None


def test_a_category_of_an_own_type_counts_as_soon_as_the_type_is_known() -> None:
    directory = a_directory(an_endpoint(id=1, events=("category:films",)))
    assert matching(directory, "reel.cut") == []
    directory.put_types("default", [own("reel.cut", category="films")])
    assert matching(directory, "reel.cut") == [1]
    directory.put_types("default", [])
    assert matching(directory, "reel.cut") == []


def test_a_category_counts_from_the_start_too() -> None:
    directory = a_directory(an_endpoint(id=1, events=("category:films",)), types=(own("reel.cut", category="films"),))
    assert matching(directory, "reel.cut") == [1]


def test_the_catalogue_of_an_app_is_the_built_in_one_and_its_own() -> None:
    directory = a_directory(types=(own("reel.cut"),), strict_types=True)
    assert not directory.topic("default", "asset.created").refused
    assert not directory.topic("default", "reel.cut").refused
    assert directory.topic("default", "reel.unknown").refused


def test_only_an_app_that_asks_for_it_is_strict() -> None:
    assert not a_directory().topic("default", "reel.cut").refused
    assert a_directory(strict_types=True).topic("default", "reel.cut").refused
    assert not a_directory(strict_types=True).topic("other", "reel.cut").refused


def test_an_app_that_becomes_strict_refuses_from_the_next_event_on() -> None:
    directory = a_directory()
    assert not directory.topic("default", "reel.cut").refused
    directory.put_app(App("default", "Default", NOW, NOW, limits={"strict_types": True}))
    assert directory.topic("default", "reel.cut").refused


def test_a_type_that_is_added_is_known_from_the_next_event_on() -> None:
    directory = a_directory(strict_types=True)
    assert directory.topic("default", "reel.cut").refused
    directory.put_types("default", [own("reel.cut")])
    assert not directory.topic("default", "reel.cut").refused


def test_only_types_that_ask_for_it_are_checked() -> None:
    schema = {"type": "object", "required": ["n"]}
    types = (own("a.checked", schema=schema, validate=True), own("a.free", schema=schema))
    directory = a_directory(types=types)
    assert directory.topic("default", "a.free").validator is None
    validator = directory.topic("default", "a.checked").validator
    assert validator is not None
    assert validator.check(b"{}")
    assert not validator.check(b'{"n":1}')


def test_a_topic_says_whether_any_of_its_endpoints_looks_into_the_event() -> None:
    looks = an_endpoint(id=2, conditions=Conditions(expression="data.n > 1"))
    assert a_directory(an_endpoint(id=1)).topic("default", "asset.created").unconditional
    assert not a_directory(an_endpoint(id=1), looks).topic("default", "asset.created").unconditional


@pytest.mark.interpreted
def test_publishers_that_invent_types_without_end_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory_module, "_MOST_CACHED", 10)
    directory = a_directory(an_endpoint(id=1))
    for number in range(100):
        assert matching(directory, f"invented.{number}") == [1]
    assert len(directory._of("default")._topics) <= 10


def test_a_letterhead_is_made_when_it_is_first_needed_and_kept() -> None:
    route = a_directory(an_endpoint(id=1)).route(1)
    assert route is not None
    assert route.letterhead is route.letterhead


def test_an_endpoint_of_a_dialect_that_is_gone_is_told_at_the_start() -> None:
    with pytest.raises(Invalid, match="no dialect"):
        a_directory(an_endpoint(id=1, dialect="unheard-of"))


def test_endpoints_are_counted_by_state_without_a_walk_through_them() -> None:
    directory = a_directory(an_endpoint(id=1), an_endpoint(id=2), an_endpoint(id=3, app_id="other"))
    directory.put(an_endpoint(id=1, version=2, state=EndpointState.PAUSED))
    assert directory.states() == {"active": 2, "paused": 1, "disabled": 0}
    directory.put(an_endpoint(id=1, version=3, state=EndpointState.DISABLED))
    directory.remove(2)
    directory.remove(2)
    directory.remove_app("other")
    assert directory.states() == {"active": 0, "paused": 0, "disabled": 1}
    directory.put_types("default", [own("acme.thing")])
    assert directory.states() == {"active": 0, "paused": 0, "disabled": 1}
