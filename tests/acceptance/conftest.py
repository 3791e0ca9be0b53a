"""What every acceptance test starts from: the real program in a fresh directory, and a receiver beside it."""

import itertools
import tempfile
from pathlib import Path

import pytest
from tests.support.fast_receiver import Receiver
from tests.support.postgres import Cluster, servers
from tests.support.program import Program

_numbers = itertools.count()


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "installation"


@pytest.fixture
def program(directory):
    program = Program(directory)
    program.start()
    yield program
    program.kill()
    print(program.said()[-6000:])  # noqa: T201 - shown beside a failure only


@pytest.fixture(scope="session")
def postgres():
    """A server that keeps what it committed, whoever dies."""
    # Not in pytest's own folder: another run that begins meanwhile may clear that away under the server.
    folder = Path(tempfile.mkdtemp(prefix="reelhook-postgres-"))
    with Cluster(folder, servers()[min(servers(), key=int)], durable=True) as cluster:
        yield cluster


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request):
    """Settings of an installation on each of the databases, for the tests that name this fixture."""
    if request.param == "sqlite":
        return {}
    url = request.getfixturevalue("postgres").database(f"installation_{next(_numbers)}")
    return {"REELHOOK_DATABASE": url, "REELHOOK_SECRET_KEY": "a passphrase for the tests"}


@pytest.fixture
def installation(directory, settings):
    """The program on each of the databases."""
    program = Program(directory, settings=settings)
    program.start()
    yield program
    program.kill()
    print(program.said()[-6000:])  # noqa: T201 - shown beside a failure only


@pytest.fixture
def receiver():
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def api(program):
    return program.api()
