"""Which links a body carries: what each dialect says of itself, held against the bodies that it makes."""

import json
from typing import Any

import msgspec
import pytest
from tests.unit.samples import an_endpoint, an_event

from reelhook.dialects.dialect import ALL_LINKS, NO_CONTEXT, NO_LINKS, Carried, Dialect
from reelhook.dialects.table import DIALECTS
from reelhook.model.catalogue import BUILT_IN
from reelhook.model.endpoint import Endpoint, Payload

URL, FIRST, SECOND = "https://cdn.example/v.mp4", "https://cdn.example/1.jpg", "https://cdn.example/2.jpg"
EVERYTHING = Payload()
SELECTIONS = [
    (),
    ("*",),
    ("asset",),
    ("asset.url",),
    ("asset.thumbnails",),
    ("asset.thumbnails.url",),
    ("asset.thumbnails.width", "asset.url_expires_at"),
    ("asset.id", "asset.renditions.url"),
]


def endpoint_of(room: Dialect, payload: Payload = EVERYTHING, **more: Any) -> Endpoint:
    return an_endpoint(dialect=room.name, secret=None, payload=payload, **more)


def seen(room: Dialect, event_type: str, endpoint: Endpoint, thumbnails: Any) -> Carried:
    """Return which links stand in a body."""
    asset = {"id": "a1", "kind": "video", "url": URL, "thumbnails": thumbnails, "context": "c"}
    event = an_event(msgspec.json.encode({"asset": asset, "live": {"id": "l1"}, "comment": {"id": "c1"}}), event_type)
    body = room.shape(event, endpoint, NO_CONTEXT).data.decode()
    return Carried(URL in body, (None if SECOND in body else 1) if FIRST in body else 0)


@pytest.mark.parametrize("event_type", BUILT_IN)
@pytest.mark.parametrize("room", DIALECTS.values(), ids=DIALECTS)
def test_a_dialect_knows_which_links_its_bodies_carry(room: Dialect, event_type: str) -> None:
    if room.name_of(event_type) is None:
        assert room.links_in(event_type, endpoint_of(room)) == NO_LINKS
        return
    for options in ({}, {"live_subjects": True}) if room.name == "vidizmo" else ({},):
        endpoint = endpoint_of(room, options=options)
        for thumbnails in ([FIRST, SECOND], [{"url": FIRST}, {"url": SECOND}]):
            assert room.links_in(event_type, endpoint) == seen(room, event_type, endpoint, thumbnails)


@pytest.mark.parametrize("fields", SELECTIONS)
@pytest.mark.parametrize("name", ["standard", "cloudevents"])
def test_what_is_chosen_of_the_data_decides_which_links_go_out(name: str, fields: tuple[str, ...]) -> None:
    room = DIALECTS[name]
    for groups in ((), ("system_metadata",)):
        endpoint = endpoint_of(room, Payload(fields=fields, groups=groups))
        for thumbnails in ([FIRST, SECOND], [{"url": FIRST, "width": 5}, {"url": SECOND}]):
            carried = seen(room, "asset.deleted", endpoint, thumbnails)
            assert room.links_in("asset.deleted", endpoint) == carried, json.dumps(fields)


@pytest.mark.parametrize(
    ("name", "event_type", "carried"),
    [
        ("wochit", "asset.deleted", NO_LINKS),
        ("wochit", "asset.processing_failed", NO_LINKS),
        ("wochit", "draft.created", Carried(thumbnails=1)),
        ("wochit", "asset.processed", Carried(url=True, thumbnails=1)),
        ("videocloud", "asset.uploaded", NO_LINKS),
        ("videocloud", "asset.processed", Carried(thumbnails=1)),
        ("vidizmo", "asset.deleted", Carried(thumbnails=None)),
        ("vidizmo", "engagement.commented", NO_LINKS),
        ("vimeo", "asset.created", NO_LINKS),
        ("scaleflex", "asset.deleted", NO_LINKS),
        ("standard", "asset.deleted", ALL_LINKS),
    ],
)
def test_the_links_of_a_few_bodies_by_name(name: str, event_type: str, carried: Carried) -> None:
    assert DIALECTS[name].links_in(event_type, endpoint_of(DIALECTS[name])) == carried
