"""Vimeo's own clients, in Python and JavaScript, manage webhooks here with no line changed but where the host is."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from vimeo import VimeoClient
from vimeo.exceptions import APIRateLimitExceededFailure

JAVASCRIPT = Path(__file__).parent / "clients" / "js"
WEBHOOK = {
    "is_enabled": True,
    "webhook_url": "https://example.com/webhook",
    "webhook_type": "video-transcode-playable",
    "secret": "your-secret-key",
}


class PythonClient:
    """PyVimeo: its `API_ROOT` is where the API is."""

    def __init__(self, port, token, root):
        client = type("Client", (VimeoClient,), {"API_ROOT": f"http://127.0.0.1:{port}{root}"})
        self._client = client(token=token, key="an id", secret="a secret")

    def ask(self, method, path, data=None, query=None):
        more = {"data": data} if data is not None else {}
        try:
            answer = getattr(self._client, method.lower())(path, params=query, **more)
        except APIRateLimitExceededFailure as failure:  # how it says 429
            return failure.status_code, {"error": failure.message}, {}
        return answer.status_code, answer.json() if answer.content else None, answer.headers

    def close(self):
        pass


class JavaScriptClient:
    """vimeo.js: its settings have a host and a port, so that the API is asked at the root of the server."""

    def __init__(self, port, token, folder):
        self._process = subprocess.Popen(
            ["node", "ask.js", "127.0.0.1", str(port), token],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, method, path, data=None, query=None):
        return self._send({"method": method, "path": path, **({"query": data or query} if data or query else {})})

    def follow(self, link):
        """Ask for a link as it was answered, without taking it apart."""
        return self._send(link)

    def _send(self, options):
        self._process.stdin.write(json.dumps(options) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return answer["status"], answer["body"] or None, answer["headers"]

    def close(self):
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()


@pytest.fixture(scope="module")
def javascript(tmp_path_factory):
    """Install the client as its lock file says, once."""
    if not (shutil.which("node") and shutil.which("npm")):
        assert not os.environ.get("CI"), "Vimeo's JavaScript client needs node and npm, which CI has to install"
        pytest.skip("Vimeo's JavaScript client needs node and npm; nothing else does, so a machine may be without them")
    folder = tmp_path_factory.mktemp("javascript") / "client"
    shutil.copytree(JAVASCRIPT, folder, ignore=shutil.ignore_patterns("node_modules"))
    install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(install, cwd=folder, check=True, timeout=180, stdin=subprocess.DEVNULL)
    return folder


@pytest.fixture(params=["python", "python at the root", "javascript"])
def connect(request, running):
    """Return a function that gives the client of one language a token."""
    folder = request.getfixturevalue("javascript") if request.param == "javascript" else None
    opened = []

    def connect(token):
        root = "" if "root" in request.param else "/compat/vimeo"
        made = JavaScriptClient(running.port, token, folder) if folder else PythonClient(running.port, token, root)
        opened.append(made)
        return made

    yield connect
    for client in opened:
        client.close()


@pytest.fixture
def studio(house):
    house.operator.ask("PATCH", f"/v1/apps/{house.app}", {"vimeo": {"capabilities": ["CAPABILITY_WEBHOOK_SCOPE"]}}).ok()
    return house


def token_with(house, *scopes):
    """Return a token as one gets it from Vimeo: with these scopes and no others."""
    wanted = {"name": "vimeo", "role": "manager", "scopes": scopes}
    return house.operator.ask("POST", "/v1/tokens", wanted, {"Reelhook-App": house.app}).ok(201)["token"]


def token(house):
    return token_with(house, "public", "private", "edit", "delete", "webhooks")


def test_a_client_creates_reads_lists_changes_and_deletes(connect, studio):
    client, path = connect(token(studio)), f"/apps/{studio.app}/webhooks"
    status, made, headers = client.ask("POST", path, WEBHOOK)
    assert status == 201
    assert {name: made[name] for name in WEBHOOK} == WEBHOOK
    assert int(headers["x-webhook-ratelimit-remaining"]) < int(headers["x-webhook-ratelimit-limit"]) == 2500

    status, listed, _ = client.ask("GET", path, query={"page": 1, "per_page": 10, "fields": "uri"})
    assert (status, listed["total"], listed["data"][0]["uri"]) == (200, 1, made["uri"])

    status, changed, _ = client.ask("PATCH", made["uri"], {"is_enabled": False})
    assert (status, changed["is_enabled"], changed["webhook_url"]) == (200, False, WEBHOOK["webhook_url"])
    status, read, _ = client.ask("GET", made["uri"])
    assert (status, read) == (200, changed)

    assert client.ask("DELETE", made["uri"])[:2] == (204, None)
    status, error, _ = client.ask("GET", made["uri"])
    assert (status, error["error_code"]) == (404, 5000)


def test_a_client_follows_the_links_of_a_list(connect, studio):
    client, path = connect(token(studio)), f"/apps/{studio.app}/webhooks"
    made = [client.ask("POST", path, WEBHOOK)[1]["uri"] for _ in range(3)]
    seen, link = [], f"{path}?per_page=2"
    while link:
        status, page, _ = client.follow(link) if isinstance(client, JavaScriptClient) else client.ask("GET", link)
        assert status == 200
        seen += [one["uri"] for one in page["data"]]
        link = page["paging"]["next"]
    assert seen == made[::-1]


def test_a_client_is_told_what_is_wrong(connect, studio):
    client, path = connect(token(studio)), f"/apps/{studio.app}/webhooks"
    mangled = {**WEBHOOK, "webhook_url": "[https://example.com/webhook](https://example.com/webhook)"}
    status, error, _ = client.ask("POST", path, mangled)
    assert (status, error["error_code"]) == (400, 2204)
    assert [one["field"] for one in error["invalid_parameters"]] == ["webhook_url"]
    status, error, _ = client.ask("POST", path)
    assert (status, error["error_code"]) == (400, 2205)
    status, error, _ = connect("no-such-token-at-all").ask("GET", path)
    assert (status, error["error_code"]) == (401, 8002)
    assert error["error"] == "You must provide a valid authenticated access token."


def test_a_client_may_do_what_its_scopes_say(connect, studio):
    made = connect(token(studio)).ask("POST", f"/apps/{studio.app}/webhooks", WEBHOOK)[1]
    reader = connect(token_with(studio, "public", "webhooks"))
    assert reader.ask("GET", made["uri"])[0] == 200
    for method, data in (("PATCH", {"is_enabled": False}), ("DELETE", None)):
        status, error, _ = reader.ask(method, made["uri"], data)
        assert (status, error["error_code"]) == (403, 3200)


def test_a_client_over_its_quota_knows_when_to_come_back(connect, studio):
    client, path = connect(token(studio)), f"/apps/{studio.app}/webhooks"
    studio.operator.ask("PATCH", f"/v1/apps/{studio.app}", {"limits": {"vimeo_quota": 1}}).ok()
    client.ask("GET", path)
    status, error, _ = client.ask("GET", path)
    assert (status, error["error"]) == (429, "Too many API requests.")
