"""Canaries: secrets that were given to the program are looked for everywhere that somebody could read."""

import base64
import json
from pathlib import Path

import pytest
import trustme
from tests.acceptance.steps import add_endpoint, publish
from tests.support.checker import wait_until_closed
from tests.support.fast_receiver import Rule
from tests.support.program import Program, until

OPERATOR = "canary-operator-0123456789abcdef"
MASTER = "canary-master-key-0123456789abcdef"
SIGNING_KEY = b"canary-signing-key-24byt"
SIGNING = "whsec_" + base64.b64encode(SIGNING_KEY).decode()
PASSWORD = "canary-password-0123456789"
BEARER = "canary-bearer-0123456789"
CLIENT_SECRET = "canary-client-secret-0123456789"
ACCESS_TOKEN = "canary-access-token-0123456789"
ONE_ATTEMPT = {"kind": "fixed", "retries": 0, "delay": 1}

READ_AFTERWARDS = (
    "/v1/endpoints",
    "/v1/events",
    "/v1/deliveries",
    "/v1/logs",
    "/v1/logs/export?format=csv",
    "/v1/tokens",
    "/v1/apps",
    "/v1/tasks",
    "/v1/event-types",
    "/metrics",
    "/openapi.json",
    "/readyz",
)


@pytest.fixture
def program(directory):
    settings = {
        "REELHOOK_OPERATOR_TOKEN": OPERATOR,
        "REELHOOK_SECRET_KEY": MASTER,
        "REELHOOK_LOG_LEVEL": "debug",
    }
    with Program(directory, settings=settings) as program:
        yield program


@pytest.fixture
def api(program):
    return program.api(OPERATOR)


@pytest.fixture
def private_key():
    certificate = trustme.CA().issue_cert("client.test")
    return certificate.cert_chain_pems[0].bytes().decode(), certificate.private_key_pem.bytes().decode()


@pytest.mark.fault("S28")
def test_no_secret_is_in_logs_answers_errors_exports_database_or_process_list(program, api, receiver, private_key):
    certificate, key = private_key
    made = _set_up(api, receiver, certificate, key)
    answers = [*_live(api, receiver, made), *_read_everything(api, made)]
    canaries = _spellings(OPERATOR, MASTER, SIGNING, PASSWORD, BEARER, CLIENT_SECRET, ACCESS_TOKEN, made["token"])
    canaries |= {SIGNING_KEY, base64.b64encode(f"user:{PASSWORD}".encode()), key.splitlines()[2].encode()}
    _assert_absent(canaries, dict(enumerate(answers)))
    program.stop()
    places = {path.name: path.read_bytes() for path in program.directory.iterdir() if "key" not in path.name}
    assert {"reelhook.db", "log.txt"} <= places.keys()
    _assert_absent(canaries, places)


@pytest.mark.fault("S28")
def test_no_secret_is_on_the_command_line(program):
    _assert_absent(_spellings(OPERATOR, MASTER), {"cmdline": Path(f"/proc/{program.pid}/cmdline").read_bytes()})


def _set_up(api, receiver, certificate, key):
    receiver.behave(
        Rule(200, path="/token", body=json.dumps({"access_token": ACCESS_TOKEN, "expires_in": 3600})),
        Rule(500, path="/failing"),
    )
    oauth = {
        "type": "oauth2",
        "grant": "password",
        "token_url": receiver.url("/token"),
        "username": "user",
        "password": PASSWORD,
        "client_id": "client",
        "client_secret": CLIENT_SECRET,
    }
    ways = {
        "/signed": {},
        "/basic": {"auth": {"type": "basic", "username": "user", "password": PASSWORD}},
        "/failing": {"auth": {"type": "bearer", "token": BEARER}},
        "/oauth": {"auth": oauth},
        "/mtls": {"auth": {"type": "mtls", "certificate": certificate, "private_key": key}},
    }
    ids = [add_endpoint(api, receiver, p, secret=SIGNING, retry=ONE_ATTEMPT, **way).id for p, way in ways.items()]
    token = api.post("/v1/tokens", {"name": "reader", "role": "viewer"})["token"]
    return {"endpoints": ids, "token": token}


def _live(api, receiver, made):
    """Let everything happen that handles secrets, going wrong too; return what was answered."""
    publish(api)
    wait_until_closed(api)
    until(lambda: receiver.receipts("/oauth"), "the endpoint with OAuth was called")
    assert receiver.receipts("/basic")[0].headers["authorization"].startswith("Basic ")
    assert receiver.receipts("/oauth")[0].headers["authorization"] == f"Bearer {ACCESS_TOKEN}"
    for endpoint_id in made["endpoints"]:
        event = {"event": {"type": "asset.updated", "data": {}}, "endpoint_id": endpoint_id}
        yield api.ask("POST", "/v1/endpoints/preview", event).body
        yield api.ask("POST", f"/v1/endpoints/{endpoint_id}/test").body
        yield api.ask("PATCH", f"/v1/endpoints/{endpoint_id}", {"name": "renamed"}).body
    url = receiver.url("/x")
    yield api.ask("POST", "/v1/endpoints", {"url": url, "auth": {"type": "bearer", "token": BEARER, "no": 1}}).body
    yield api.ask("POST", "/v1/endpoints", {"url": url, "secret": SIGNING, "timeout": "soon"}).body
    yield api.ask("POST", "/v1/endpoints", {"url": f"http://user:{PASSWORD}@127.0.0.1/"}).body
    yield api.ask("GET", "/v1/endpoints", headers={"Authorization": "Bearer wrong-token-0123456789"}).body


def _read_everything(api, made):
    for path in READ_AFTERWARDS:
        yield api.ask("GET", path).body
    for endpoint_id in made["endpoints"]:
        yield api.ask("GET", f"/v1/endpoints/{endpoint_id}").body
    attempts = list(api.pages("/v1/logs"))
    details = [api.get(f"/v1/logs/{attempt['id']}") for attempt in attempts]
    shown = [detail["request"]["headers"].get("authorization") for detail in map(_lower, details)]
    assert {value for value in shown if value} == {"***"}
    yield json.dumps(details).encode()


def _lower(detail):
    headers = {name.lower(): value for name, value in detail["request"]["headers"].items()}
    return {"request": {"headers": headers}}


def _spellings(*secrets):
    plain = {secret.encode() for secret in secrets}
    return plain | {base64.b64encode(secret) for secret in plain} | {secret.hex().encode() for secret in plain}


def _assert_absent(canaries, places):
    for name, content in places.items():
        for canary in canaries:
            place = content.find(canary)
            assert place < 0, f"{canary!r} is in {name}: …{content[max(0, place - 60) : place + 80]!r}…"
