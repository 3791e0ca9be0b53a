"""What Scaleflex's documentation promises of its webhooks, capability by capability, against the running program."""

import base64
import json
import re
from urllib.parse import parse_qs

import pytest
from tests.support.listener import Reply

CAPABILITIES = range(1, 10)
TRIGGERS = {
    "on_upload": "asset.uploaded",
    "on_move": "asset.moved",
    "on_rename": "asset.renamed",
    "on_delete": "asset.deleted",
    "on_change_meta": "asset.metadata_changed",
    "on_change_info": "asset.info_changed",
    "on_change_tag": "asset.tags_changed",
    "on_change_label": "asset.labels_changed",
}
VIDEO = {
    "id": "ast_1",
    "kind": "video",
    "name": "aurora.mp4",
    "size": 184549376,
    "path": "/films/aurora.mp4",
    "mime_type": "video/mp4",
    "cdn_url": "https://cdn.example.com/aurora.mp4",
    "width": 3840,
    "height": 2160,
    "duration": 244.5,
    "bitrate": 6037000,
    "playlists": {"hls": "https://cdn.example.com/aurora.m3u8", "dash": "https://cdn.example.com/aurora.mpd"},
    "hash": "sha256:9f2c",
    "labels": ["approved"],
    "metadata": {"system": {"camera": "FX3"}, "custom": {"status": "in review"}, "embedded": {"xmp": {"iso": 800}}},
    "ids": {"scaleflex": "0c1d7f2e-5b4a-4c3d-9e8f-7a6b5c4d3e2f"},
}
OF_FILE = {
    "name": "aurora.mp4",
    "size": 184549376,
    "path": "/films/aurora.mp4",
    "mime_type": "video/mp4",
    "cdn_link": "https://cdn.example.com/aurora.mp4",
    "uuid": "0c1d7f2e-5b4a-4c3d-9e8f-7a6b5c4d3e2f",
}
OF_VIDEO = {
    "width": 3840,
    "height": 2160,
    "length": 244.5,
    "bitrate": 6037000,
    "playlist_url": "https://cdn.example.com/aurora.m3u8",
}
PACKAGES = {
    "system_metadata": {"camera": "FX3", "hash": "sha256:9f2c", "labels": ["approved"]},
    "custom_metadata": {"status": "in review"},
    "embedded_metadata": {"xmp": {"iso": 800}},
}
LOGIN = {"grant": "password", "username": "dam", "password": "s3cret & more"}


def token(text: str) -> Reply:
    body = f'{{"access_token": "{text}", "token_type": "Bearer", "expires_in": 3600}}'
    return Reply(200, body.encode(), {"Content-Type": "application/json"})


def test_every_capability_of_the_documentation_has_a_row():
    rows = {int(found[1]) for name in globals() if (found := re.match(r"test_a4_(\d+)_", name))}
    assert rows == set(CAPABILITIES)


# 1. A third-party service is called on a trigger, with the asset's data in the JSON body.


def test_a4_1_a_trigger_posts_the_assets_data_as_json(house):
    endpoint = house.endpoint("scaleflex", events=["on_upload"])
    house.publish("asset.uploaded", {"asset": VIDEO}, occurred_at="2026-11-21T06:30:00.123Z")
    (got,) = house.heard(endpoint)
    assert (got.method, got.headers["content-type"]) == ("POST", "application/json")
    assert got.json() == {
        "event": "on_upload",
        "timestamp": "2026-11-21T06:30:00.123Z",
        "file": OF_FILE | OF_VIDEO | {name: PACKAGES[name] for name in ("system_metadata", "custom_metadata")},
    }


# 2. Webhooks are set up in one place, each with all its settings.


def test_a4_2_a_webhook_is_set_up_shown_changed_tried_and_deleted(house):
    made = house.endpoint("scaleflex", name="Search index", events=["on_upload"], payload={"fields": ["uuid"]})
    path = f"/v1/endpoints/{made['id']}"
    assert house.api.get("/v1/endpoints")["items"][0]["name"] == "Search index"
    changed = house.api.ask("PATCH", path, {"events": ["on_delete"], "name": "Sweeper"}).ok(200)
    assert (changed["events"], changed["name"], changed["payload"]["fields"]) == (["on_delete"], "Sweeper", ["uuid"])
    tried = house.api.post(f"{path}/test")
    assert (tried["ok"], tried["attempt"]["event_name"]) == (True, "on_delete")
    assert [got.json()["event"] for got in house.heard(made)] == ["on_delete"]
    house.api.ask("DELETE", path).ok(204)
    assert house.api.get("/v1/endpoints")["items"] == []


# 3. Up to five, individually configured and activated.


def test_a4_3_an_app_has_up_to_five_webhooks_each_on_or_off_by_itself(house):
    made = [house.endpoint("scaleflex", state="paused" if place % 2 else "active") for place in range(5)]
    house.endpoint("standard")  # is none of them
    house.publish("asset.uploaded", {"asset": VIDEO})
    for endpoint in made[::2]:
        assert len(house.heard(endpoint)) == 1
    house.api.ask("PATCH", f"/v1/endpoints/{made[1]['id']}", {"state": "active"}).ok(200)
    assert len(house.heard(made[1])) == 1  # what came while it was off has waited
    assert house.listener.got(made[3]["_path"]) == []


def test_a4_3_a_sixth_webhook_is_refused_with_the_limit_and_another_can_take_the_place_of_one(house):
    made = [house.endpoint("scaleflex") for _ in range(5)]
    url = house.listener.url(house.path())
    refused = house.api.ask("POST", "/v1/endpoints", {"dialect": "scaleflex", "url": url})
    assert (refused.status, refused.json()["type"].rpartition("/")[2]) == (422, "over-limit")
    assert "5 endpoints of the dialect scaleflex" in refused.json()["detail"]
    other = house.endpoint("standard")
    assert (
        house.api.ask("PATCH", f"/v1/endpoints/{other['id']}", {"dialect": "scaleflex", "secret": None}).status == 422
    )
    assert len(house.api.get("/v1/endpoints")["items"]) == 6
    house.api.ask("DELETE", f"/v1/endpoints/{made[0]['id']}").ok(204)
    house.endpoint("scaleflex")


# 4. The target is a hostname and a path.


def test_a4_4_hostname_and_path_make_the_target(house):
    path = house.path()
    host = house.listener.url("")  # http://127.0.0.1:port; without a scheme https is meant
    body = {"dialect": "scaleflex", "hostname": host, "path": f"{path}?customer=7"}
    made = house.api.post("/v1/endpoints", body) | {"_path": path}
    assert made["url"] == f"{host}{path}?customer=7"
    house.publish("asset.uploaded", {"asset": VIDEO})
    assert house.heard(made)[0].path == f"{path}?customer=7"
    body = {"dialect": "scaleflex", "hostname": "hooks.example.com", "path": "/dam"}
    assert house.api.post("/v1/endpoints", body)["url"] == "https://hooks.example.com/dam"


# 5. Basic authentication; OAuth2 with a temporary or a static token.


def test_a4_5_basic_authentication_sends_username_and_password(house):
    auth = {"type": "basic", "username": "dam", "password": "pässword"}
    endpoint = house.endpoint("scaleflex", auth=auth)
    assert endpoint["auth"]["password"] == "***"
    house.publish("asset.uploaded", {"asset": VIDEO})
    credentials = base64.b64encode("dam:pässword".encode()).decode()
    assert house.heard(endpoint)[0].headers["authorization"] == f"Basic {credentials}"


def test_a4_5_a_static_bearer_token_is_sent_every_time(house):
    endpoint = house.endpoint("scaleflex", auth={"type": "bearer", "token": "static-token"})
    for _ in range(2):
        house.publish("asset.uploaded", {"asset": VIDEO})
    assert {got.headers["authorization"] for got in house.heard(endpoint, 2)} == {"Bearer static-token"}


def test_a4_5_username_and_password_get_a_temporary_token_that_is_used_until_it_expires(house):
    at = house.path()
    house.listener.always(at, token("temporary-1"))
    auth = {"type": "oauth2", "token_url": house.listener.url(at), **LOGIN}
    endpoint = house.endpoint("scaleflex", auth=auth)
    house.publish("asset.uploaded", {"asset": VIDEO})
    assert house.heard(endpoint)[0].headers["authorization"] == "Bearer temporary-1"
    house.publish("asset.uploaded", {"asset": VIDEO})
    assert house.heard(endpoint, 2)[1].headers["authorization"] == "Bearer temporary-1"
    (asked,) = house.listener.got(at)
    assert (asked.method, asked.headers["content-type"]) == ("POST", "application/x-www-form-urlencoded")
    assert parse_qs(asked.body.decode()) == {
        "grant_type": ["password"],
        "username": ["dam"],
        "password": ["s3cret & more"],
    }
    assert "authorization" not in asked.headers


def test_a4_5_a_token_that_is_refused_is_replaced_within_the_same_attempt(house):
    at, path = house.path(), house.path()
    house.listener.answers(at, token("revoked"), token("fresh"))
    house.listener.answers(path, 200, 401, 200)
    auth = {"type": "oauth2", "token_url": house.listener.url(at), **LOGIN}
    endpoint = house.endpoint("scaleflex", path, auth=auth)
    house.settled(house.publish("asset.uploaded", {"asset": VIDEO})["id"])
    (delivery,) = house.settled(house.publish("asset.deleted", {"asset": VIDEO})["id"])
    assert (delivery["state"], delivery["attempts"]) == ("delivered", 1)
    sent = [got.headers["authorization"] for got in house.heard(endpoint, 3)]
    assert sent == ["Bearer revoked", "Bearer revoked", "Bearer fresh"]


def test_a4_5_without_a_token_nothing_is_sent_and_the_log_says_why(house):
    at = house.path()
    house.listener.always(at, Reply(400, b'{"error": "invalid_grant"}'))
    retry = {"kind": "schedule", "delays": []}
    endpoint = house.endpoint(
        "scaleflex", auth={"type": "oauth2", "token_url": house.listener.url(at), **LOGIN}, retry=retry
    )
    (delivery,) = house.settled(house.publish("asset.uploaded", {"asset": VIDEO})["id"])
    assert delivery["state"] == "failed"
    (attempt,) = house.logged(endpoint)
    assert "400 (invalid_grant)" in attempt["error"]
    assert house.listener.got(endpoint["_path"]) == []


def test_a4_5_the_authentication_endpoint_is_https_and_needs_username_and_password(house):
    auth = {"type": "oauth2", "grant": "password", "token_url": "http://login.example.com/token", "username": "dam"}
    body = {"dialect": "scaleflex", "url": "https://hooks.example.com/", "auth": auth}
    refused = house.api.ask("POST", "/v1/endpoints", body)
    assert refused.status == 422
    assert {error["pointer"] for error in refused.json()["errors"]} == {"/auth/password", "/auth/token_url"}


# 6. Up to ten additional headers.


def test_a4_6_ten_additional_headers_are_sent_and_an_eleventh_is_refused(house):
    headers = {f"X-Scaleflex-{place}": f"value {place}" for place in range(10)}
    endpoint = house.endpoint("scaleflex", headers=headers)
    house.publish("asset.uploaded", {"asset": VIDEO})
    got = house.heard(endpoint)[0].headers
    assert {name: got[name.lower()] for name in headers} == headers
    refused = house.api.ask("PATCH", f"/v1/endpoints/{endpoint['id']}", {"headers": {"X-One-More": "v"}})
    assert refused.status == 422
    assert refused.json()["errors"] == [{"detail": "at most 10 custom headers", "pointer": "/headers"}]


# 7. Eight triggers.


@pytest.mark.parametrize(("trigger", "event_type"), TRIGGERS.items())
def test_a4_7_each_trigger_fires_for_its_event_and_no_other(house, trigger, event_type):
    endpoint = house.endpoint("scaleflex", events=[trigger])
    events = [{"type": one, "data": house.example(one)} for one in TRIGGERS.values()]
    house.api.post("/v1/events/batch", events)
    (got,) = house.heard(endpoint)
    body = got.json()
    assert body["event"] == trigger
    if trigger in {"on_upload", "on_delete"}:
        assert "changes" not in body
    else:
        assert body["changes"] == house.example(event_type)["changes"]
    (attempt,) = house.logged(endpoint)
    assert (attempt["event_name"], attempt["event_type"]) == (trigger, event_type)


@pytest.mark.parametrize(
    ("condition", "heard"),
    [
        ({"event": "on_change_meta"}, ["a", "b", "c"]),
        ({"event": "on_change_meta", "field": "metadata.custom.status"}, ["a", "b"]),
        ({"event": "on_change_meta", "field": "metadata.custom.status", "to": "done"}, ["b"]),
        ({"event": "on_change_meta", "to": "done"}, ["b", "c"]),
    ],
    ids=["any field to any value", "a field to any value", "a field to a value", "any field to a value"],
)
def test_a4_7_change_meta_fires_for_a_field_or_any_that_becomes_a_value_or_any(house, condition, heard):
    endpoint = house.endpoint("scaleflex", events=["on_change_meta"], conditions={"changes": [condition]})
    changes = [("a", "status", "in review"), ("b", "status", "done"), ("c", "rights", "done")]
    events = [
        {
            "type": "asset.metadata_changed",
            "data": {
                "asset": {"id": asset},
                "changes": [{"field": f"metadata.custom.{field}", "from": None, "to": value}],
            },
        }
        for asset, field, value in changes
    ]
    receipts = house.api.post("/v1/events/batch", events)["items"]
    assert sum(receipt["deliveries"] for receipt in receipts) == len(heard)
    got = house.heard(endpoint, len(heard))
    assert sorted(one.json()["file"]["uuid"] for one in got) == heard


def test_a4_7_an_upload_that_is_posted_as_creation_and_upload_in_one_batch_fires_once(house):
    endpoint = house.endpoint("scaleflex", events=["on_upload"])
    asset = {"id": "a", "kind": "video", "name": "aurora.mp4"}
    created = {"type": "asset.created", "data": {"asset": {"id": "a"}}}
    items = house.api.ask("POST", "/v1/events/batch", [created, {"type": "asset.uploaded", "data": {"asset": asset}}])
    assert [one["deliveries"] for one in items.ok(202)["items"]] == [0, 1]
    (got,) = house.heard(endpoint)
    assert got.json()["file"]["name"] == "aurora.mp4"


def test_a4_7_the_catalogue_says_which_event_is_which_trigger(house):
    def name_of(event_type: str) -> str | None:
        found: str | None = house.api.get(f"/v1/event-types/{event_type}?dialect=scaleflex")["dialect_name"]
        return found

    assert {trigger: name_of(event_type) for trigger, event_type in TRIGGERS.items()} == {one: one for one in TRIGGERS}
    assert name_of("asset.created") == "on_upload"
    assert name_of("asset.updated") is None
    refused = house.api.ask(
        "POST", "/v1/endpoints", {"dialect": "scaleflex", "url": "https://a.example", "events": ["x"]}
    )
    assert refused.status == 422
    assert "on_upload, on_move, on_rename, on_delete" in refused.json()["errors"][0]["detail"]


# 8. The details of an asset are chosen one by one, by its kind.


@pytest.mark.parametrize("field", [*OF_FILE, *OF_VIDEO])
def test_a4_8_a_single_field_can_be_chosen(house, field):
    endpoint = house.endpoint("scaleflex", payload={"fields": [field]})
    shown = house.api.post(
        "/v1/endpoints/preview",
        {"endpoint_id": endpoint["id"], "event": {"type": "asset.uploaded", "data": {"asset": VIDEO}}},
    )
    house.publish("asset.uploaded", {"asset": VIDEO})
    (got,) = house.heard(endpoint)
    assert got.json()["file"] == {field: (OF_FILE | OF_VIDEO)[field]}
    assert json.loads(shown["body"])["file"] == got.json()["file"]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [("video", {*OF_FILE, *OF_VIDEO}), ("image", {*OF_FILE, "width", "height"}), ("document", {*OF_FILE})],
)
def test_a4_8_a_kind_of_asset_has_its_fields_and_no_others(house, kind, fields):
    endpoint = house.endpoint("scaleflex", payload={"fields": [*OF_FILE, *OF_VIDEO]})
    house.publish("asset.uploaded", {"asset": VIDEO | {"kind": kind}})
    assert house.heard(endpoint)[0].json()["file"].keys() == fields


def test_a4_8_a_deleted_asset_still_tells_what_is_known_of_it(house):
    endpoint = house.endpoint("scaleflex", events=["on_delete"], payload={"fields": ["path", "uuid", "cdn_link"]})
    house.publish("asset.deleted", {"asset": {"id": "ast_1", "path": "/films/aurora.mp4"}})
    assert house.heard(endpoint)[0].json()["file"] == {"path": "/films/aurora.mp4", "uuid": "ast_1"}


# 9. Metadata are sent in three packages.


@pytest.mark.parametrize("package", PACKAGES)
def test_a4_9_a_package_holds_everything_of_its_category(house, package):
    endpoint = house.endpoint("scaleflex", payload={"groups": [package]})
    house.publish("asset.uploaded", {"asset": VIDEO})
    assert house.heard(endpoint)[0].json()["file"] == {package: PACKAGES[package]}


def test_a4_9_packages_and_fields_can_be_mixed_and_embedded_metadata_come_only_when_chosen(house):
    mixed = house.endpoint("scaleflex", payload={"fields": ["name"], "groups": list(PACKAGES)})
    unasked = house.endpoint("scaleflex")
    house.publish("asset.uploaded", {"asset": VIDEO})
    assert house.heard(mixed)[0].json()["file"] == {"name": "aurora.mp4"} | PACKAGES
    assert "embedded_metadata" not in house.heard(unasked)[0].json()["file"]


def test_a4_9_an_unknown_field_or_package_is_refused_with_the_known_ones(house):
    body = {"dialect": "scaleflex", "url": "https://a.example", "payload": {"fields": ["title"], "groups": ["exif"]}}
    refused = house.api.ask("POST", "/v1/endpoints", body)
    assert refused.status == 422
    by_pointer = {error["pointer"]: error["detail"] for error in refused.json()["errors"]}
    assert "cdn_link" in by_pointer["/payload/fields/0"]
    assert "embedded_metadata" in by_pointer["/payload/groups/0"]
