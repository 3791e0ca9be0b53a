"""Links that have expired, and an app that has no others: a body that does not carry them is delivered all the same."""

import pytest
from tests.support.listener import Reply

EXPIRED = "2020-01-01T00:00:00Z"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
DEAD = {"url": "https://cdn.example.com/dead.mp4", "url_expires_at": EXPIRED}
ENDPOINTS = {
    "standard": {"payload": {"fields": ["asset.id", "asset.thumbnails"]}},
    "cloudevents": {"payload": {"fields": ["asset.id", "asset.thumbnails"]}},
    "vimeo": {"events": ["video-deleted"]},
    "vidizmo": {"events": ["MashupDeleted"]},
    "videocloud": {"events": ["video.deleted"]},
    "scaleflex": {"events": ["on_delete"]},
    "wochit": {"events": ["video.delete"]},
}


@pytest.fixture
def without_links(house):
    """An app that is asked for links and has none, and the path at which it is asked."""
    path = house.path()
    where = {"link_refresh": {"url": house.listener.url(path), "secret": SECRET}}
    house.operator.ask("PATCH", f"/v1/apps/{house.app}", where).ok()
    house.listener.always(path, Reply(404))
    return house, path


@pytest.mark.parametrize("dialect", ENDPOINTS)
def test_a_deleted_asset_whose_url_has_expired_is_told_of_without_asking(without_links, dialect):
    house, path = without_links
    house.endpoint(dialect, **ENDPOINTS[dialect])
    event = house.publish("asset.deleted", {"asset": {"id": "a1", **DEAD}})
    (delivery,) = house.settled(event["id"])
    assert (delivery["state"], house.listener.got(path)) == ("delivered", [])


def test_a_body_that_carries_the_url_is_not_sent_with_a_dead_one(without_links):
    house, path = without_links
    endpoint = house.endpoint("standard", retry={"kind": "schedule", "delays": []})
    event = house.publish("asset.deleted", {"asset": {"id": "a1", **DEAD}})
    (delivery,) = house.settled(event["id"])
    assert delivery["state"] == "failed"
    assert (len(house.listener.got(path)), house.listener.got(endpoint["_path"])) == (1, [])


def test_an_asset_without_an_id_of_its_own_is_asked_for_by_the_others(without_links):
    house, path = without_links
    house.endpoint("standard", retry={"kind": "schedule", "delays": []})
    event = house.publish("asset.processed", {"asset": {"ids": {"wochit": "w1"}, **DEAD}})
    house.settled(event["id"])
    assert [got.json() for got in house.listener.got(path)] == [{"asset_id": None, "ids": {"wochit": "w1"}}]
