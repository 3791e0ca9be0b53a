"""Links that are about to die: which ones, and the event with fresh ones in their places."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.samples import NOW, an_event

from reelhook.dialects.dialect import ALL_LINKS, NO_LINKS, Carried
from reelhook.model.attempt import PrepareFailed
from reelhook.model.event import Event
from reelhook.model.instant import show_time
from reelhook.pipeline.links import MARGIN_MS, dying, renewed
from reelhook.ports import FreshLinks

OLD, NEW, PICTURE = "https://cdn.example/old", "https://cdn.example/new", "https://cdn.example/new.jpg"
DAY = 24 * 3600
SOON, LATE = show_time(NOW + MARGIN_MS - 1), show_time(NOW + MARGIN_MS)
FRESH = FreshLinks(NEW, PICTURE, NOW + 3_600_000)
UNTIL = show_time(NOW + 3_600_000)

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(["id", "ids", "url", "url_expires_at", "thumbnails"])
LINKS = st.sampled_from([OLD, SOON, LATE, "", "soon"])
THUMBNAIL = st.dictionaries(st.sampled_from(["url", "expires_at", "width"]), LINKS | anything, max_size=3)
ASSET = st.dictionaries(FIELDS, LINKS | anything | st.lists(LINKS | THUMBNAIL | anything, max_size=3), max_size=5)


def about(**asset: Any) -> Event:
    return an_event(msgspec.json.encode({"asset": {"id": "a1"} | asset}), "asset.processed")


def is_dying(link_life: float | None = None, **asset: Any) -> bool:
    return dying(about(**asset), ALL_LINKS, link_life, NOW) is not None


def fresh(event: Event, links: FreshLinks = FRESH, link_life: float | None = None) -> Any:
    found = dying(event, ALL_LINKS, link_life, NOW)
    assert found is not None
    return json.loads(renewed(event, found, links).data)["asset"]


# Which links


def test_a_link_dies_when_less_than_five_minutes_are_left() -> None:
    assert is_dying(url=OLD, url_expires_at=SOON)
    assert is_dying(url=OLD, url_expires_at="2020-01-01T00:00:00Z")
    assert not is_dying(url=OLD, url_expires_at=LATE)


@pytest.mark.parametrize("place", [0, 1])
def test_so_does_any_thumbnail(place: int) -> None:
    thumbnails: list[Any] = [OLD, {"url": OLD, "expires_at": LATE}]
    assert not is_dying(thumbnails=thumbnails)
    thumbnails[place] = {"url": OLD, "expires_at": SOON}
    assert is_dying(thumbnails=thumbnails)


@pytest.mark.parametrize("asset", [{"url": OLD}, {"thumbnails": [OLD]}, {"thumbnails": [{"url": OLD}]}])
def test_a_link_that_does_not_say_lives_as_long_as_the_dialect_says(asset: dict[str, Any]) -> None:
    assert is_dying(MARGIN_MS / 1000 - 1, **asset)
    assert not is_dying(MARGIN_MS / 1000, **asset)
    assert not is_dying(None, **asset)
    unreadable = {"url_expires_at": "soon", **asset}
    assert is_dying(1, **unreadable)
    assert not is_dying(None, **unreadable)


def test_what_a_link_says_itself_outweighs_the_dialect() -> None:
    assert not is_dying(1, url=OLD, url_expires_at=LATE)
    assert is_dying(DAY, url=OLD, url_expires_at=SOON)


@pytest.mark.parametrize(
    "asset", [{}, {"url_expires_at": SOON}, {"url": None}, {"url": ""}, {"thumbnails": None}, {"thumbnails": [None, 5]}]
)
def test_where_there_is_no_link_none_dies(asset: dict[str, Any]) -> None:
    assert not is_dying(1, **asset)


@pytest.mark.parametrize("data", [b"[]", b"5", b'{"asset":null}', b'{"asset":"a"}', b"{", b"[" * 100_000])
def test_data_of_any_other_form_hold_no_links(data: bytes) -> None:
    assert dying(an_event(data), ALL_LINKS, 1, NOW) is None


@pytest.mark.parametrize(
    ("carried", "what_dies", "asked"),
    [
        (NO_LINKS, {"url", "first", "second"}, False),
        (Carried(url=True), {"first", "second"}, False),
        (Carried(url=True), {"url"}, True),
        (Carried(thumbnails=1), {"url", "second"}, False),
        (Carried(thumbnails=1), {"first"}, True),
        (Carried(thumbnails=None), {"url"}, False),
        (Carried(thumbnails=None), {"second"}, True),
    ],
)
def test_only_links_that_the_body_carries_are_looked_at(carried: Carried, what_dies: set[str], asked: bool) -> None:
    until = {one: SOON if one in what_dies else LATE for one in ("url", "first", "second")}
    pictures = [{"url": OLD, "expires_at": until[one]} for one in ("first", "second")]
    event = about(url=OLD, url_expires_at=until["url"], thumbnails=pictures)
    assert (dying(event, carried, None, NOW) is not None) is asked


def test_where_one_thumbnail_is_carried_no_dead_one_takes_its_place() -> None:
    event = about(url=OLD, thumbnails=[OLD, OLD])
    found = dying(event, Carried(thumbnails=1), 1, NOW)
    assert found is not None
    assert json.loads(renewed(event, found, FreshLinks(NEW, None, None)).data)["asset"]["thumbnails"] == []


@pytest.mark.parametrize("asset_id", [{}, {"id": None}, {"id": True}, {"id": ["a"]}])
def test_an_asset_without_an_id_of_its_own_is_asked_for_by_its_other_ids(asset_id: dict[str, Any]) -> None:
    event = an_event(msgspec.json.encode({"asset": {"url": OLD, "ids": {"vimeo": "v1"}} | asset_id}))
    found = dying(event, ALL_LINKS, 1, NOW)
    assert found is not None
    assert (found.asset_id, found.ids) == (None, {"vimeo": "v1"})


@pytest.mark.parametrize("ids", [{}, {"ids": {}}, {"ids": "v1"}])
def test_links_of_an_asset_without_any_id_cannot_be_refreshed(ids: dict[str, Any]) -> None:
    event = an_event(msgspec.json.encode({"asset": {"url": OLD} | ids}))
    with pytest.raises(PrepareFailed, match="neither id nor ids") as caught:
        dying(event, ALL_LINKS, 1, NOW)
    assert caught.value.transient


def test_who_is_asked_learns_all_ids_of_the_asset() -> None:
    found = dying(about(id=7, ids={"wochit": "w1"}, url=OLD), ALL_LINKS, 1, NOW)
    assert found is not None
    assert (found.asset_id, found.ids) == (7, {"wochit": "w1"})


# Fresh ones in their places


def test_the_url_its_expiry_and_the_first_thumbnail_are_replaced_where_they_stand() -> None:
    thumbnails = [{"url": OLD, "expires_at": SOON, "width": 640}]
    event = about(url=OLD, url_expires_at=SOON, thumbnails=thumbnails, title="t")
    asset = fresh(event)
    assert list(asset.items()) == [
        ("id", "a1"),
        ("url", NEW),
        ("url_expires_at", UNTIL),
        ("thumbnails", [{"url": PICTURE, "expires_at": UNTIL, "width": 640}]),
        ("title", "t"),
    ]


def test_a_plain_thumbnail_stays_plain() -> None:
    assert fresh(about(thumbnails=[OLD]), link_life=1)["thumbnails"] == [PICTURE]


def test_other_thumbnails_go_when_they_die_and_stay_when_they_live() -> None:
    living, without = {"url": OLD, "expires_at": LATE}, {"width": 5}
    thumbnails = [without, OLD, living, {"url": OLD, "expires_at": SOON}, OLD]
    assert fresh(about(thumbnails=thumbnails), link_life=1)["thumbnails"] == [without, PICTURE, living]


def test_a_thumbnail_for_which_there_is_no_other_is_left_out() -> None:
    asset = fresh(about(url=OLD, thumbnails=[OLD]), FreshLinks(NEW, None, None), link_life=1)
    assert (asset["url"], asset["thumbnails"]) == (NEW, [])


def test_links_that_live_are_replaced_along_where_the_app_gives_fresh_ones() -> None:
    thumbnails = [{"url": OLD, "expires_at": SOON}]
    asset = fresh(about(url=OLD, url_expires_at=LATE, thumbnails=thumbnails))
    assert (asset["url"], asset["url_expires_at"]) == (NEW, UNTIL)
    kept = fresh(about(url=OLD, url_expires_at=LATE, thumbnails=thumbnails), FreshLinks(None, PICTURE, None))
    assert (kept["url"], kept["url_expires_at"]) == (OLD, LATE)


def test_an_event_gets_no_link_that_it_did_not_have() -> None:
    assert "url" not in fresh(about(thumbnails=[OLD]), link_life=1)
    assert "thumbnails" not in fresh(about(url=OLD), link_life=1)
    assert fresh(about(url=None, thumbnails=[OLD]), link_life=1)["url"] is None


def test_the_expiry_of_the_old_link_is_not_said_of_the_fresh_one() -> None:
    asset = fresh(about(url=OLD, url_expires_at=SOON), FreshLinks(NEW, None, None))
    assert asset == {"id": "a1", "url": NEW}


@pytest.mark.parametrize(
    ("asset", "given_links", "missing"),
    [
        ({"url": OLD}, FreshLinks(None, PICTURE, None), "without a url"),
        ({"url": OLD, "thumbnails": [OLD]}, FreshLinks(None, PICTURE, None), "without a url"),
        ({"thumbnails": [OLD]}, FreshLinks(NEW, None, None), "without a thumbnail_url"),
    ],
)
def test_a_link_that_is_needed_and_not_given_fails_the_attempt(
    asset: dict[str, Any], given_links: FreshLinks, missing: str
) -> None:
    with pytest.raises(PrepareFailed, match=missing) as caught:
        fresh(about(**asset), given_links, link_life=1)
    assert caught.value.transient


def test_everything_else_stays_as_it_was_posted() -> None:
    text = (
        b'{"n":1e400, "asset":{"id":1,"url":"x","s":123456789012345678901234567890,"t":"\\u00e6","f":1.10},"z":[ 1 ]}'
    )
    event = an_event(text)
    found = dying(event, ALL_LINKS, 1, NOW)
    assert found is not None
    expected = b'{"n":1e400,"asset":{"id":1,"url":"https://cdn.example/new","s":123456789012345678901234567890,'
    expected += b'"t":"\\u00e6","f":1.10},"z":[ 1 ]}'
    after = renewed(event, found, FreshLinks(NEW, None, None))
    assert after.data == expected
    assert (after.id, after.type, after.occurred_at) == (event.id, event.type, event.occurred_at)


@given(ASSET, st.none() | st.just(1.0))
def test_whatever_was_posted_what_is_sent_has_no_link_that_dies(asset: dict[str, Any], link_life: float | None) -> None:
    event = an_event(msgspec.json.encode({"asset": asset}))
    try:
        found = dying(event, ALL_LINKS, link_life, NOW)
    except PrepareFailed:
        return
    if found is not None:
        after = renewed(event, found, FRESH)
        assert json.loads(after.data)["asset"].keys() <= {"url_expires_at", *asset}
        assert dying(after, ALL_LINKS, None, NOW) is None
