"""The examples run as they stand."""

import http.client
import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from standardwebhooks import Webhook
from tests.cli.fake_api import FakeApi
from tests.support.program import free_port, until

EXAMPLES = Path(__file__).parents[2] / "examples"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"type":"asset.created","timestamp":"2026-11-21T06:30:00Z","data":{"asset":{"id":"a"}}}'


@pytest.fixture
def receiver():
    port = free_port()
    environment = os.environ | {"WEBHOOK_SECRET": SECRET, "PORT": str(port)}
    command = [sys.executable, str(EXAMPLES / "receiver.py")]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout.readline() == f"receiving on http://127.0.0.1:{port}\n"
        until(lambda: post(port, b"", {}), "the receiver answers")
        yield process, port
        process.terminate()


def post(port, body, headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", "/hook", body, headers)
        return connection.getresponse().status
    except ConnectionRefusedError:
        return None
    finally:
        connection.close()


def signed(message_id):
    now = datetime.now(UTC)
    return {
        "Webhook-Id": message_id,
        "Webhook-Timestamp": str(int(now.timestamp())),
        "Webhook-Signature": Webhook(SECRET).sign(message_id, now, BODY.decode()),
    }


def test_the_receiver_takes_what_is_signed_once_and_refuses_the_rest(receiver):
    process, port = receiver
    assert [post(port, BODY, signed("evt_1")) for _ in range(2)] == [204, 204]
    assert post(port, BODY + b" ", signed("evt_2")) == 401
    assert post(port, b"\xff", signed("evt_2")) == 401
    assert post(port, BODY, signed("evt_2") | {"Webhook-Signature": "garbage"}) == 401
    assert post(port, BODY, {}) == 401
    assert post(port, BODY, signed("evt_3")) == 204
    printed = [process.stdout.readline() for _ in range(2)]
    assert printed == ['asset.created {"asset": {"id": "a"}}\n'] * 2


@pytest.mark.parametrize("secret", [{}, {"WEBHOOK_SECRET": ""}, {"WEBHOOK_SECRET": "whsec_…"}])
def test_the_receiver_without_a_secret_says_so_in_one_line(secret):
    environment = {name: value for name, value in os.environ.items() if name != "WEBHOOK_SECRET"} | secret
    command = [sys.executable, str(EXAMPLES / "receiver.py")]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("Set WEBHOOK_SECRET")
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.skipif(shutil.which("curl") is None and "CI" not in os.environ, reason="curl is not installed")
@pytest.mark.parametrize(
    ("arguments", "event"),
    [
        ([], {"type": "asset.published", "data": {"asset": {"id": "ast_1", "kind": "video", "title": "First light"}}}),
        (["a.b", '{"n": 1}'], {"type": "a.b", "data": {"n": 1}}),
    ],
)
def test_the_curl_script_publishes(arguments, event):
    with FakeApi() as api:
        api.lay("POST", "/v1/events", {"id": "evt_1"}, 202)
        environment = os.environ | {"REELHOOK_URL": api.url, "REELHOOK_TOKEN": "rhk_x"}
        ended = subprocess.run(
            ["sh", str(EXAMPLES / "publish.sh"), *arguments], env=environment, capture_output=True, check=True
        )
    assert json.loads(ended.stdout) == {"id": "evt_1"}
    assert api.asked[0].body == event
    assert api.asked[0].headers["authorization"] == "Bearer rhk_x"
    assert api.asked[0].headers["idempotency-key"]


@pytest.mark.skipif(shutil.which("curl") is None and "CI" not in os.environ, reason="curl is not installed")
def test_the_curl_script_fails_when_the_event_is_refused():
    with FakeApi() as api:
        api.lay("POST", "/v1/events", {"detail": "no"}, 401)
        environment = os.environ | {"REELHOOK_URL": api.url, "REELHOOK_TOKEN": "rhk_x"}
        ended = subprocess.run(["sh", str(EXAMPLES / "publish.sh")], env=environment, capture_output=True, check=False)
    assert ended.returncode == 22
    assert b'"detail"' in ended.stdout
