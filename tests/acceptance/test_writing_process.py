"""SQLite is written by a process of its own; whichever of the two dies, nothing is lost and nobody is left behind."""

import os
import signal
from pathlib import Path

import pytest
from tests.acceptance.publisher import Publisher
from tests.acceptance.steps import add_endpoint, assert_all_accounts_agree
from tests.support.program import until


def writing_process(program):
    children = Path(f"/proc/{program.pid}/task/{program.pid}/children").read_text().split()
    written = [int(pid) for pid in children if b"reelhook.store.apart" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    assert len(written) == 1
    return written[0]


@pytest.mark.fault("R1")
def test_when_the_writing_process_is_killed_the_program_ends_and_the_next_start_goes_on(program, receiver):
    target = add_endpoint(program.api(), receiver)
    with Publisher(program, doubtful=(503,)) as publisher:
        for _ in range(3):
            before = publisher.accepted
            until(lambda: publisher.accepted > before + 50, "it takes events")  # noqa: B023 - used at once
            os.kill(writing_process(program), signal.SIGKILL)
            assert program.wait() == 1
            program.start()
    assert_all_accounts_agree(program.api(), publisher.ledger, [target], receiver)
    assert "Traceback" not in program.said()


@pytest.mark.fault("R1")
def test_when_the_program_is_killed_the_writing_process_ends_too(program):
    pid = writing_process(program)
    program.kill()
    until(lambda: not Path(f"/proc/{pid}").exists(), "the writing process is gone")


@pytest.mark.fault("R27")
def test_told_to_stop_with_its_whole_group_the_program_still_writes_down_what_is_under_way(program, receiver):
    """A terminal and a service manager signal every process of a group; only the program decides when writing ends."""
    target = add_endpoint(program.api(), receiver)
    with Publisher(program) as publisher:
        until(lambda: publisher.accepted > 100, "it takes events")
        os.kill(writing_process(program), signal.SIGTERM)
        os.kill(writing_process(program), signal.SIGINT)
        assert program.stop() == 0
        program.start()
    assert_all_accounts_agree(program.api(), publisher.ledger, [target], receiver)


def test_the_writing_process_is_told_no_secret(program):
    environment = Path(f"/proc/{writing_process(program)}/environ").read_bytes()
    assert b"PATH=" in environment
    assert b"REELHOOK_" not in environment
