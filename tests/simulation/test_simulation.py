"""The real engine in simulated worlds: crashes, full disks, wrong clocks, failing receivers, busy owners.

`SEEDS=10000` runs more worlds, `SEED=1234` replays one and prints what happened in it when it fails.
"""

import os
from pathlib import Path

import pytest
from tests.simulation import plan
from tests.simulation.evidence import Evidence
from tests.simulation.invariants import broken
from tests.simulation.world import World

from reelhook.pipeline import accept

FIRST = 200
WORLDS = int(os.environ.get("SEEDS", "240"))
CHUNK = 20


def chunks() -> list[range]:
    if "SEED" in os.environ:
        seed = int(os.environ["SEED"])
        return [range(seed, seed + 1)]
    return [range(at, min(at + CHUNK, FIRST + WORLDS)) for at in range(FIRST, FIRST + WORLDS, CHUNK)]


def lived(seed: int, folder: Path) -> World:
    world = World(plan.draw(seed), folder)
    world.run()
    world.remove_files()
    return world


def complaints(world: World) -> list[str]:
    evidence = Evidence(world.ledger, world.account, world.trace, world.plan.limits)
    return [f"{one.name}: {one.text}" for one in broken(evidence, quiet=world.quiet)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files in memory where the system has such a place: thousands of commits are flushed."""
    shared = Path("/dev/shm")  # noqa: S108 - a folder of our own below it
    if not os.access(shared, os.W_OK):
        return tmp_path
    ours = shared / f"reelhook-{os.getpid()}"
    ours.mkdir(exist_ok=True)
    return ours


@pytest.mark.parametrize("seeds", chunks(), ids=lambda seeds: f"{seeds.start}-{seeds.stop - 1}")
def test_every_promise_holds_in_every_world(seeds: range, folder: Path) -> None:
    for seed in seeds:
        world = lived(seed, folder)
        found = complaints(world)
        story = world.trace.text()[-20_000:] if "SEED" in os.environ else f"replay it with SEED={seed}"
        assert not found, f"world {seed}: {found[:5]}\n{story}"


def test_a_world_is_the_same_each_time(folder: Path) -> None:
    one, other = lived(FIRST + 3, folder), lived(FIRST + 3, folder)
    assert one.trace.text() == other.trace.text()


def test_a_promise_that_is_broken_is_noticed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = accept.receipt
    monkeypatch.setattr(accept, "receipt", lambda event, deliveries: honest(event, deliveries + 1))
    assert any(complaints(lived(seed, folder)) for seed in range(FIRST, FIRST + 5))
