"""The documentation is true: its examples run, its links lead somewhere, its generated pages are those of the code."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from docs.build import HERE, PAGES
from tests.docs import examples as documentation
from tests.docs.examples import ROOT, python_example, session
from tests.support.program import OPERATOR_TOKEN, Program, free_port

from reelhook.api import app
from reelhook.api import documentation as documented
from reelhook.api.openapi import openapi
from reelhook.dialects.signing_keys import HmacKey, HmacKeys, new_signing_key, verifying_key
from reelhook.dialects.table import DIALECTS
from reelhook.dialects.webhook_signature import key_of, sign
from reelhook.model.secret import Secret

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
WITH_SESSIONS = [page for page in documentation.PAGES if session(page) and page.name != "README.md"]
BODY = '{"type":"asset.created","timestamp":"2026-11-21T06:30:00.000Z","data":{"title":"Tromsø"}}'.encode()


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    program = Program(tmp_path_factory.mktemp("docs"))
    with program:
        yield program


def run(text: str, program: Program, directory: Path, **more: str) -> str:
    """Run a shell session as a reader would, in a folder that looks like the project's, and return what it printed."""
    (directory / ".venv").symlink_to(sys.prefix)
    (directory / "examples").symlink_to(ROOT / "examples")
    environment = {
        "PATH": f"{Path(sys.prefix) / 'bin'}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(directory),
        "REELHOOK_URL": f"http://127.0.0.1:{program.port}",
        "REELHOOK_TOKEN": OPERATOR_TOKEN,
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text],
        cwd=directory,
        env=environment | more,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
        check=False,
    )
    printed = done.stdout.decode()
    assert done.returncode == 0, printed
    return printed


def test_the_tour_of_the_readme_works_when_it_is_pasted(program, tmp_path):
    port = str(free_port())
    tour = session(ROOT / "README.md").replace("127.0.0.1:8080", f"127.0.0.1:{program.port}")
    tour = tour.replace("127.0.0.1:9000", f"127.0.0.1:{port}").replace("a-token-of-my-own", OPERATOR_TOKEN)
    printed = run(tour, program, tmp_path, PORT=port)
    assert 'asset.published {"asset": {"id": "ast_1", "kind": "video", "title": "First light"}}' in printed
    assert re.search(r"dlv_\w+ +retrying +1 +asset\.deleted", printed)
    assert re.search(r"dlv_\w+ +delivered +2 +asset\.deleted", printed)
    assert "succeeded: the receiver answered 204" in printed
    assert "Application ID,Date & Time,Event Triggered" in printed


def test_the_examples_work_when_they_are_pasted(program, tmp_path):
    port = str(free_port())
    text = session(ROOT / "examples" / "README.md").replace("127.0.0.1:8080", f"127.0.0.1:{program.port}")
    text = text.replace("127.0.0.1:9000", f"127.0.0.1:{port}").replace("a-token-of-my-own", OPERATOR_TOKEN)
    printed = run(text, program, tmp_path, PORT=port)
    assert 'asset.published {"asset": {"id": "ast_1", "kind": "video", "title": "First light"}}' in printed
    assert (tmp_path / "endpoint.json").stat().st_mode & 0o077 == 0


def test_the_life_of_a_video_is_called_as_the_dialects_call_it():
    page = (HERE / "dialects" / "README.md").read_text()
    page = page.partition("## Which events should a platform publish?")[2].partition("\n## ")[0]
    head, _, *rows = [line.strip("| ").split("|") for line in page.splitlines() if line.startswith("|")]
    systems = [cell.strip() for cell in head[2:]]
    rows = [[cell.strip().strip("`") for cell in row] for row in rows if row[1].strip().startswith("`asset.")]
    assert len(rows) > 10
    for _, event_type, *names in rows:
        said = dict(zip(systems, names, strict=False))
        assert said == {name: DIALECTS[name].name_of(event_type) or "" for name in said}
        assert {DIALECTS[name].name_of(event_type) for name in systems[len(said) :]} <= {None}


@pytest.mark.parametrize("page", WITH_SESSIONS, ids=lambda page: page.stem)
def test_the_examples_of_a_page_run(page, program, tmp_path):
    printed = run(session(page), program, tmp_path)
    assert "/problems/" not in printed


def headers(keys: HmacKeys, stamp: int) -> dict[str, str]:
    return dict(sign(BODY, "evt_1", stamp, keys, stamp * 1000))


def test_the_receiver_of_the_documentation_takes_what_we_sign_once_and_refuses_the_rest(monkeypatch, capsys):
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    room: dict = {}
    exec(python_example(HERE / "receiving-deliveries.md", "receive"), room)  # noqa: S102 - our own page
    good = headers(HmacKeys([HmacKey(key_of(Secret(SECRET)))]), int(time.time()))
    assert [room["receive"](BODY, good), room["receive"](BODY, good)] == [204, 204]
    assert capsys.readouterr().out.count("asset.created") == 1
    assert room["receive"](BODY + b" ", good) == 401
    assert room["receive"](BODY, good | {"webhook-signature": "garbage"}) == 401


def test_the_ed25519_verifier_of_the_documentation_takes_what_we_sign_and_refuses_the_rest():
    room: dict = {}
    exec(python_example(HERE / "receiving-deliveries.md", "receive_ed25519"), room)  # noqa: S102 - our own page
    receive, key = room["receive_ed25519"], Secret(new_signing_key(bytes(range(32))))
    keys, public = HmacKeys([HmacKey(b"k" * 24)], key), verifying_key(key)
    good = headers(keys, int(time.time()))
    assert receive(BODY, good, public)
    assert not receive(BODY + b" ", good, public)
    assert not receive(BODY, headers(keys, int(time.time()) - 301), public)
    assert not receive(BODY, good | {"webhook-signature": "v1a,! v1a v1a,QUJD"}, public)
    assert not receive(BODY, {}, public)


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_what_the_code_says_now(name):
    assert (HERE / name).read_text("utf-8") == PAGES[name](), "run `make docs`"


def test_the_page_of_the_api_leads_from_every_reference_to_its_schema_and_shows_code_as_code():
    described = app.ROUTES + documented.routes(app.ROUTES, "", docs=True)
    page = documented._body(openapi(described, ""))
    led = set(re.findall(r'href="#(schema-\w+)"', page))
    assert led
    assert led <= set(re.findall(r'id="(schema-\w+)"', page))
    assert "scope <code>events:write</code>" in page


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", documentation.PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("https://", "http://")):
            continue
        path, _, anchor = target.partition("#")
        leads_to = (page.parent / path).resolve() if path else page
        assert leads_to.exists(), target
        assert not anchor or anchor in anchors(leads_to), target


def test_every_dialect_has_a_page():
    assert {page.stem for page in (HERE / "dialects").glob("*.md")} == {*DIALECTS, "README"}
    overview = (HERE / "dialects" / "README.md").read_text()
    listed = re.findall(r"^\| \[`(\w+)`\]\((\w+)\.md\)", overview, re.MULTILINE)
    assert sorted(listed) == sorted((name, name) for name in DIALECTS)
