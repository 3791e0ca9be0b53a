"""What the tests of the command line share: the program run in this process, and a scripted server."""

import io
import json
import os
import sys
from typing import Any, NamedTuple

import pytest
from tests.cli.fake_api import FakeApi

from reelhook.cli.main import run


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def reelhook(capsys, monkeypatch, tmp_path):
    """Run the program: `reelhook("events", "list")`; no settings of this machine, a directory of its own."""
    for name in [name for name in os.environ if name.startswith("REELHOOK_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, stdin: bytes = b"") -> Ended:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
        code = run([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Ended(code, out, err)

    return call


@pytest.fixture
def api(reelhook, monkeypatch):
    """A scripted server that the program finds through its environment."""
    with FakeApi() as fake:
        monkeypatch.setenv("REELHOOK_URL", fake.url)
        monkeypatch.setenv("REELHOOK_TOKEN", "rhk_secret-of-the-test")
        yield fake
