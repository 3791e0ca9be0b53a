"""A small soak: after it has warmed up, nothing grows that should not."""

import os
from pathlib import Path

import pytest
from tests.acceptance.publisher import Publisher
from tests.acceptance.steps import add_endpoint, assert_all_accounts_agree
from tests.support.fast_receiver import Rule
from tests.support.program import until

SAMPLES = 40
EVENTS_BETWEEN = 100
MEGABYTE = 1 << 20


@pytest.mark.fault("R30")
def test_memory_descriptors_and_write_ahead_log_stay_flat_under_load(program, receiver):
    targets = [add_endpoint(program.api(), receiver, f"/{name}") for name in ("a", "b")]
    receiver.behave(Rule(503, path="/b", containing='7"', times=200))
    samples = []
    with Publisher(program) as publisher:
        for _ in range(SAMPLES):
            wanted = publisher.accepted + EVENTS_BETWEEN
            until(lambda: publisher.accepted >= wanted, "it takes events")  # noqa: B023 - used at once
            samples.append(_look(program))
    early, late = samples[SAMPLES // 4 : SAMPLES // 2], samples[-SAMPLES // 4 :]
    memory, descriptors, wal = (([s[i] for s in early], [s[i] for s in late]) for i in range(3))
    assert _mean(memory[1]) < _mean(memory[0]) * 1.1 + 8 * MEGABYTE
    assert max(descriptors[1]) <= max(descriptors[0]) + 16
    assert max(wal[1]) < 64 * MEGABYTE
    assert_all_accounts_agree(program.api(), publisher.ledger, targets, receiver)


def _look(program):
    resident = int(Path(f"/proc/{program.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    wal = Path(f"{program.database}-wal")
    return resident, len(list(Path(f"/proc/{program.pid}/fd").iterdir())), wal.stat().st_size if wal.exists() else 0


def _mean(values):
    return sum(values) / len(values)
