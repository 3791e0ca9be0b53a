"""How the command line talks to a server and how it ends: exit codes, one line of error, no secrets."""

import socket
import subprocess
import sys

import pytest

from reelhook.cli.client import route
from reelhook.cli.main import COMMANDS

PAGE = {"items": [], "next": None}


def problem(status, detail="no", errors=()):
    return {"type": "x", "title": "T", "status": status, "detail": detail, "errors": list(errors)}


def test_a_request_carries_the_token_and_the_app(reelhook, api):
    api.lay("GET", "/v1/endpoints", PAGE)
    assert reelhook("endpoints", "list", "--app", "acme").code == 0
    (asked,) = api.asked
    assert asked.headers["authorization"] == "Bearer rhk_secret-of-the-test"
    assert asked.headers["reelhook-app"] == "acme"
    assert asked.headers["user-agent"].startswith("reelhook-cli/")


def test_a_token_file_is_taken_before_the_environment(reelhook, api, tmp_path):
    (tmp_path / "token").write_text("rhk_from-the-file\n")
    api.lay("GET", "/v1/tokens", PAGE)
    reelhook("token", "list", "--token-file", tmp_path / "token")
    assert api.asked[0].headers["authorization"] == "Bearer rhk_from-the-file"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, 2), (401, 4), (403, 4), (404, 1), (405, 1), (408, 5), (409, 1), (412, 1), (413, 2), (415, 2), (422, 2),
        (429, 5), (500, 70), (502, 5), (503, 5), (504, 5), (507, 5),
    ],
)  # fmt: skip
def test_each_refusal_of_the_server_has_its_exit_code_and_one_line(reelhook, api, status, code):
    api.lay("GET", "/v1/events/evt_1", problem(status, "this is why"), status)
    ended = reelhook("events", "show", "evt_1")
    assert ended.code == code
    assert ended.out == ""
    assert ended.err.startswith("reelhook: this is why")
    assert ended.err.count("\n") == 1


def test_all_errors_of_a_problem_are_said_with_their_place(reelhook, api):
    errors = [{"detail": "unknown field", "pointer": "/urll"}, {"detail": "is missing", "pointer": ""}]
    api.lay("POST", "/v1/endpoints", problem(422, "invalid", errors), 422)
    ended = reelhook("endpoints", "create", "https://x", "--set", "urll=1")
    assert ended.err == "reelhook: invalid; /urll: unknown field; body: is missing\n"


def test_an_error_that_the_detail_says_already_is_not_said_twice(reelhook, api):
    api.lay("GET", "/v1/events", problem(422, "/limit: too large", [{"detail": "too large", "pointer": "/limit"}]), 422)
    assert reelhook("events", "list").err == "reelhook: /limit: too large\n"


def test_a_refusal_that_is_no_problem_document_is_still_one_line(reelhook, api):
    api.lay("GET", "/v1/events/evt_1", b"<html>Bad Gateway</html>", 502)
    ended = reelhook("events", "show", "evt_1")
    assert (ended.code, ended.err) == (5, "reelhook: the server answered 502\n")


def test_a_server_that_is_not_there_is_exit_code_3(reelhook):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    ended = reelhook("events", "list", "--url", url)
    assert ended.code == 3
    why = "connection refused; is it running there, and is REELHOOK_URL right?"
    assert ended.err == f"reelhook: cannot reach {url}: {why}\n"


@pytest.mark.parametrize("status", [200, 301, 404, 405])
def test_a_server_that_is_something_else_is_exit_code_3(reelhook, api, status):
    api.lay("GET", "/v1/events/evt_1", b"<html>Welcome</html>", status)
    ended = reelhook("events", "show", "evt_1")
    assert ended.code == 3
    assert ended.err == f"reelhook: {api.url} does not answer like a Reelhook ({status}); check REELHOOK_URL\n"


def test_a_password_that_somebody_put_into_the_url_is_not_shown(reelhook):
    ended = reelhook("events", "list", "--url", "http://me:canary-7@127.0.0.1:1")
    assert ended.code == 3
    assert ended.err.startswith("reelhook: cannot reach http://***@127.0.0.1:1: ")


@pytest.mark.parametrize("url", ["ftp://x", "localhost:8080", "http://", "http://x:port"])
def test_a_url_that_is_none_is_a_usage_error(reelhook, url):
    ended = reelhook("events", "list", "--url", url)
    assert ended.code == 2
    assert repr(url) in ended.err


@pytest.mark.fault("S28")
def test_a_broken_token_is_refused_without_showing_it(reelhook, api, monkeypatch):
    monkeypatch.setenv("REELHOOK_TOKEN", "canary-7\nX-Injected: 1")
    ended = reelhook("events", "list")
    assert ended.code == 2
    assert "canary" not in ended.err
    assert api.asked == []


def test_an_id_cannot_leave_its_place_in_the_path():
    assert route("events", "../../metrics?x#y") == "/v1/events/..%2F..%2Fmetrics%3Fx%23y"


@pytest.mark.parametrize(
    "arguments",
    [["nonsense"], ["events", "nonsense"], ["events", "list", "--nonsense"], ["events", "show"], ["resend"]],
)
def test_a_wrong_command_line_is_exit_code_2_and_one_line(reelhook, arguments):
    ended = reelhook(*arguments)
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.count("\n") == 1
    assert "See --help" in ended.err


@pytest.mark.parametrize("name", [name for name, _, _ in COMMANDS])
def test_every_command_has_help(reelhook, name):
    ended = reelhook(name, "--help")
    assert ended.code == 0
    assert f"Usage: reelhook {name}" in ended.out


def test_the_help_describes_all_commands_and_the_exit_codes(reelhook):
    out = reelhook("--help").out
    assert "Tell what happened to one delivery" in out
    assert "Look at endpoints" not in out
    assert all(f" {name} " in out for name, _, _ in COMMANDS)
    assert "3  the server cannot be reached" in out


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["frobnicate"]])
def test_what_only_the_demo_needs_may_be_missing(arguments: list[str]) -> None:
    """Regression: after `make run` the list of all commands ended in a traceback."""
    hidden = "import sys; sys.modules.update(dict.fromkeys(['av', 'pymediainfo'])); from reelhook.cli.main import run; "
    ended = subprocess.run(
        [sys.executable, "-c", f"{hidden}sys.exit(run(sys.argv[1:]))", *arguments],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "Traceback" not in ended.stderr
    assert ended.returncode == (2 if arguments == ["frobnicate"] else 0)


def test_text_from_the_server_cannot_drive_the_terminal(reelhook, api):
    api.lay("GET", "/v1/events/evt_1", {"id": "evt_1", "type": "a.b", "data": {"title": "\x1b[2J\x9b [red]\u202e"}})
    out = reelhook("events", "show", "evt_1").out
    assert "\x1b" not in out
    assert "\x9b" not in out
    assert "\u202e" not in out
    assert "[red]" in out


def test_a_reader_that_goes_away_ends_the_program_quietly():
    command = [sys.executable, "-m", "reelhook.cli", "settings"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 141
