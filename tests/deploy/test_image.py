"""The image: what the Dockerfile copies is there, what it runs works, and nothing more than needed gets in."""

import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from tests.deploy.reading import DEPLOY, ROOT, dockerfile, image_environment
from tests.support.program import Program

HEALTH = DEPLOY / "healthcheck.py"


def of(keyword, stage=None):
    return [one for one in dockerfile() if one.keyword == keyword and stage in (None, one.stage)]


def copied():
    """Return what is copied from the project, as (source, target)."""
    found = []
    for one in of("COPY"):
        words = one.text.split()
        if not words[0].startswith("--from="):
            found += [(source, words[-1]) for source in words[:-1]]
    return found


def test_everything_is_run_without_a_shell():
    for one in of("RUN") + of("CMD") + of("ENTRYPOINT"):
        assert isinstance(one.words(), list)


@pytest.mark.parametrize("source", [source for source, _ in copied()])
def test_what_is_copied_is_there_and_reaches_the_builder(source):
    assert (ROOT / source).exists()
    lines = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert f"!{source}" in rules


def test_what_is_installed_is_pinned_by_hash():
    installs = [one.words() for one in of("RUN") if {"pip", "install"} <= set(one.words())]
    assert len(installs) == 3
    for words in installs:
        assert "--require-hashes" in words or {"--no-index", "--no-deps"} <= set(words)
    for source, _ in copied():
        if source.startswith("requirements/"):
            pins = re.split(r"\n(?=\S)", (ROOT / source).read_text().strip())
            assert [pin for pin in pins if "--hash=sha256:" not in pin] == []


def test_it_runs_as_a_numbered_user_who_is_not_root():
    (user,) = of("USER")
    last = of("FROM")[-1].stage
    assert user.stage == last
    number = user.text.split(":")[0]
    (made,) = (one.words() for one in of("RUN", last))
    assert made[0] == "useradd"
    assert number == made[made.index("--uid") + 1]
    assert int(number) > 0


def test_its_python_is_one_that_the_project_supports_and_slim():
    (given,) = of("ARG")
    version = re.fullmatch(r"PYTHON=(\d+)\.(\d+)-slim-\w+", given.text)
    assert version
    assert (int(version[1]), int(version[2])) >= (3, 11)
    assert {one.text.removesuffix(" AS build") for one in of("FROM")} == {"python:${PYTHON}"}


def test_its_hot_path_is_compiled_and_the_compiler_stays_behind():
    (asked,) = of("ENV", 0)
    assert asked.text == "HATCH_BUILD_HOOK_ENABLE_CUSTOM=true"
    assert [one.stage for one in of("RUN") if "gcc" in one.words()] == [0]
    assert of("FROM")[-1].stage == 1


def test_the_wheel_is_built_from_what_is_copied_and_holds_all_of_the_program(tmp_path):
    for source, target in copied():
        if not target.startswith("/"):
            place = tmp_path / "source" / (source if target in ("./", "requirements/") else target)
            place.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, place, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / source, place)
    (command,) = (one.words() for one in of("RUN") if "wheel" in one.words())
    command = [sys.executable, *command[1:]]
    command[command.index("--wheel-dir") + 1] = str(tmp_path / "wheels")
    done = subprocess.run(command, cwd=tmp_path / "source", capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = (tmp_path / "wheels").glob("reelhook-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (entries,) = (name for name in names if name.endswith("entry_points.txt"))
        assert "reelhook = reelhook.cli.main:main" in archive.read(entries).decode()
    source = tmp_path / "source" / "src"
    assert {str(path.relative_to(source)) for path in source.rglob("*") if path.is_file()} <= names


def test_the_health_check_runs_what_is_copied():
    (check,) = of("HEALTHCHECK")
    assert check.text.endswith('CMD ["python", "/opt/reelhook/healthcheck.py"]')
    assert ("deploy/healthcheck.py", "/opt/reelhook/healthcheck.py") in copied()


def checked(listen):
    environment = {"REELHOOK_LISTEN": listen, "PATH": os.environ["PATH"]}
    command = [sys.executable, str(HEALTH)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)


def test_the_health_check_tells_a_program_that_is_ready_from_one_that_is_gone(tmp_path):
    with Program(tmp_path) as program:
        ready = checked(f"127.0.0.1:{program.port}")
        assert (ready.returncode, ready.stderr) == (0, "")
        assert checked(f"0.0.0.0:{program.port}").returncode == 0
        assert program.stop() == 0
    gone = checked(f"127.0.0.1:{program.port}")
    assert gone.returncode == 1
    assert "refused" in gone.stderr


class Unready(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503 if self.path == "/readyz" else 200)
        self.end_headers()
        self.wfile.write(b"the store is closed")

    def log_message(self, *_):
        pass


def test_the_health_check_says_why_a_program_is_not_ready():
    with HTTPServer(("127.0.0.1", 0), Unready) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        said = checked(f"127.0.0.1:{server.server_port}")
        server.shutdown()
    assert said.returncode == 1
    assert "503 the store is closed" in said.stderr


def test_the_image_listens_where_it_is_exposed():
    (exposed,) = of("EXPOSE")
    assert image_environment()["REELHOOK_LISTEN"] == f"0.0.0.0:{exposed.text}"
    (volume,) = (one.words() for one in of("VOLUME"))
    assert image_environment()["REELHOOK_DATABASE"] == f"sqlite:///{volume[0]}/reelhook.db"
    assert next(one.text for one in of("WORKDIR", 1)) == volume[0]
