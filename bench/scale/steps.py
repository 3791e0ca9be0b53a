"""The steps, one after the other: each is filled in, looked at through the store, then served by the whole program."""

import shutil
import tempfile
import time
from collections.abc import Mapping
from typing import Any, Final

from bench import figures, machine
from bench.databases import Database, Unusable
from bench.rig import Rig
from bench.scale import running
from bench.scale.claims import claims, pages
from bench.scale.filling import filling_of
from bench.scale.shape import STEPS, Step
from bench.stream import moment

_BYTES_OF_ATTEMPT: Final = 4_000
"""Space for an attempt while it is loaded, with its part of events, deliveries, indexes and the server's log."""


def scale(database: Database, count: int) -> dict[str, Any]:
    """Measure so many of the steps; return what each showed.

    Raises:
        Unusable: there is not enough space for the largest.
    """
    steps = STEPS[:count]
    folder = tempfile.gettempdir()
    needed, free = max(step.attempts for step in steps) * _BYTES_OF_ATTEMPT, shutil.disk_usage(folder).free
    if free < needed:
        raise Unusable(
            f"up to {needed / 1e9:.0f} GB are needed in {folder}, {free / 1e9:.0f} GB are free; "
            "name another folder in TMPDIR, or ask for fewer --steps"
        )
    with database:
        found = {step: _measured(database, step) for step in steps}
        return {"database": database.describe(), "steps": [step._asdict() | {"found": found[step]} for step in steps]}


def write(found: Mapping[str, Any]) -> str:
    """Write a table: a column for each step, and the ratio of the last to the first with as many endpoints."""
    steps = found["steps"]
    base = next(step for step in steps if step["endpoints"] == steps[-1]["endpoints"])
    rows: dict[str, list[Any]] = {
        name: [f"{step[name]:,}" for step in steps] + [""] for name in ("endpoints", "retries", "attempts")
    }
    for name, last in steps[-1]["found"].items():
        ratio = last / base["found"][name] if base["found"][name] else ""
        rows[name] = [*(step["found"][name] for step in steps), ratio]
    columns = [*(f"step {place}" for place in range(1, len(steps) + 1)), "ratio"]
    return figures.table(f"scale, {found['database']}, {found['machine']}", columns, rows)


def _measured(database: Database, step: Step) -> dict[str, float]:
    found: dict[str, float] = {}
    first_endpoint = started_at = 0

    def prepare(rig: Rig) -> None:
        nonlocal first_endpoint, started_at
        began = time.monotonic()
        filling = filling_of(rig.installation)
        filling.fill(step, rig.receiver_port)
        first_endpoint = filling.first_endpoint
        found["loaded in (s)"] = time.monotonic() - began
        found["size on disk (GB)"] = rig.installation.size() / 1e9
        found["pages of a claim"] = pages(rig.installation, first_endpoint)
        found.update(claims(filling))
        filling.add_backlog()
        started_at = moment()

    with Rig(database, connections=8, ages=True, prepare=prepare) as rig:
        before, at = machine.busy(), time.monotonic()
        found |= running.drain(rig, started_at)
        found |= running.log_pages(rig, first_endpoint)
        found |= running.latency(rig)
        found |= running.idle(rig)
        found |= running.memory(rig)
        found |= running.take_over(rig, step)
        found["machine busy (cores)"] = (machine.busy() - before) / (time.monotonic() - at)
    return found
