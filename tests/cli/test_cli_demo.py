"""`reelhook demo`: its parts, and the whole against the real server."""

import hashlib
import http.client
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from urllib.parse import urlsplit

import jsonschema_rs
import pytest
from standardwebhooks import Webhook

from reelhook.cli.demo.life import life
from reelhook.cli.demo.probe import probe
from reelhook.cli.demo.receiver import Receiver
from reelhook.cli.demo.video import make_rendition, make_video
from reelhook.model.catalogue import BUILT_IN
from reelhook.model.secret import Secret

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    folder = tmp_path_factory.mktemp("video")
    make_video(folder / "original.mp4")
    make_rendition(folder / "original.mp4", folder / "small.mp4", 180)
    return folder


def test_the_video_is_real_and_is_measured(video):
    measured = probe(video / "original.mp4")
    content = (video / "original.mp4").read_bytes()
    assert content[4:8] == b"ftyp"
    assert measured | {"bitrate": 0} == {
        "name": "original.mp4", "format": "mp4", "mime_type": "video/mp4", "size": len(content),
        "hash": "sha256:" + hashlib.sha256(content).hexdigest(), "width": 640, "height": 360, "duration": 3.0,
        "bitrate": 0,
    }  # fmt: skip
    assert (probe(video / "small.mp4")["width"], probe(video / "small.mp4")["height"]) == (320, 180)


def test_what_is_no_video_is_not_measured(tmp_path):
    (tmp_path / "text.mp4").write_text("hello")
    with pytest.raises(ValueError, match="there is no video"):
        probe(tmp_path / "text.mp4")


def test_the_life_fits_the_schemas_of_the_catalogue(video):
    schemas = {each.name: each.schema for each in BUILT_IN.values()}
    steps = list(life(probe(video / "original.mp4"), probe(video / "small.mp4"), 0.5))
    assert [name for name, _ in steps] == [
        "asset.created", "asset.uploaded", "asset.processed", "asset.published", "asset.metadata_changed",
        "asset.deleted",
    ]  # fmt: skip
    for name, data in steps:
        jsonschema_rs.validate(schemas[name], data)


def post(receiver, body, headers):
    """Post as a sender may: with header names in any case."""
    address = urlsplit(receiver.url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
    connection.request("POST", address.path, body, {name.title(): value for name, value in headers.items()})
    status = connection.getresponse().status
    connection.close()
    return status


def signed(body):
    now = datetime.now(UTC)
    signature = Webhook(SECRET).sign("evt_1", now, body.decode())
    return {"webhook-id": "evt_1", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}


def test_the_receiver_verifies_and_is_busy_once():
    body = json.dumps({"type": "asset.processed", "data": {"n": 1}}).encode()
    with Receiver() as receiver:
        receiver.secret = Secret(SECRET)
        receiver.be_busy_once("asset.processed")
        assert [post(receiver, body, signed(body)) for _ in range(2)] == [503, 204]
        first, second = receiver.arrivals.get(timeout=1), receiver.arrivals.get(timeout=1)
    assert (first.answered, first.verified, second.answered, second.data) == (503, True, 204, {"n": 1})
    assert first.message_id == "evt_1"


@pytest.mark.parametrize("body", [b"{}", b"\xff", b"[]"])
def test_the_receiver_refuses_what_is_not_signed(body):
    with Receiver() as receiver:
        receiver.secret = Secret(SECRET)
        assert post(receiver, body, {}) == 401
        assert not receiver.arrivals.get(timeout=1).verified


def demo(*arguments, **environment):
    command = [sys.executable, "-m", "reelhook.cli", "demo", *arguments]
    return subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_demo_plays_a_whole_life_with_one_retry():
    ended = demo("--json")
    assert ended.returncode == 0, ended.stderr
    account = json.loads(ended.stdout)
    assert account["ok"]
    assert (account["published"], account["verified"], account["retried"]) == (6, 7, 1)
    assert [each["answered"] for each in account["arrivals"]].count(503) == 1
    assert len(account["story"]) == 4


def test_the_demo_tells_people_what_happens_and_heeds_no_settings_of_the_surroundings():
    ended = demo(REELHOOK_NODE="wrong", REELHOOK_XYZZY="unknown")
    assert ended.returncode == 0, ended.stderr
    assert "it will be tried again in 1 s" in ended.stdout
    assert "All 6 events arrived, and every signature was right." in ended.stdout
