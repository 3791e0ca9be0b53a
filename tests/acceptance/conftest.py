"""What every acceptance test starts from: the real program in a fresh directory, and a receiver beside it."""

import pytest
from tests.support.fast_receiver import Receiver
from tests.support.program import Program


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


@pytest.fixture
def receiver():
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def api(program):
    return program.api()
