"""The real engine in simulated worlds: crashes, full disks, wrong clocks, failing receivers, busy owners.

`SEEDS=10000` runs more worlds, `SEED=1234` replays one and tells all that happened in it when it fails.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.simulation.verdict import judged

FIRST = 0
WORLDS = int(os.environ.get("SEEDS", "240"))
CHUNK = 20
SAMPLE = range(4)
"""Worlds that are lived through twice."""
_DIGESTS = """
import sys
from pathlib import Path
from tests.simulation.verdict import judged
print(*(judged(int(seed), Path(sys.argv[1])).trace.digest() for seed in sys.argv[2:]))
"""


def chunks() -> list[range]:
    if "SEED" in os.environ:
        seed = os.environ["SEED"]
        return [range(int(seed), int(seed) + 1)] if seed.isdecimal() else []
    return [range(at, min(at + CHUNK, FIRST + WORLDS)) for at in range(FIRST, FIRST + WORLDS, CHUNK)]


@pytest.mark.parametrize("seeds", chunks(), ids=lambda seeds: f"{seeds.start}-{seeds.stop - 1}")
def test_every_promise_holds_in_every_world(seeds: range, folder: Path) -> None:
    for seed in seeds:
        verdict = judged(seed, folder)
        if verdict.violations:
            pytest.fail(verdict.told_whole() if "SEED" in os.environ else verdict.told(), pytrace=False)


@pytest.mark.parametrize("seed", SAMPLE)
def test_a_world_is_the_same_each_time(seed: int, folder: Path) -> None:
    assert judged(seed, folder).trace.text() == judged(seed, folder).trace.text()


def test_a_world_is_the_same_in_another_process(tmp_path: Path, folder: Path) -> None:
    """Hashes of strings differ from process to process; no order may depend on them."""
    command = [sys.executable, "-c", _DIGESTS, str(tmp_path), *map(str, SAMPLE)]
    environment = {**os.environ, "PYTHONHASHSEED": "12345", "PYTHONPATH": os.pathsep.join(sys.path)}
    elsewhere = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert elsewhere.stdout.split() == [judged(seed, folder).trace.digest() for seed in SAMPLE]
