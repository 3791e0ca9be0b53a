"""`--compare`: the same scenario on SQLite and on PostgreSQL by turns, because a machine is never the same for long."""

import statistics
from collections.abc import Callable, Sequence
from typing import Any, Final

from bench.databases import Database, Sqlite, Unusable

_RESULT: Final = {"accept": "accepted/s", "deliver": "events/s", "backlog": "drained/s"}
"""The figure of a scenario that is compared."""
_BESIDE: Final = ("commits/message", "transactions/message", "WAL bytes/message")


def compare(
    scenario: str,
    server: Database,
    nodes: Sequence[int],
    rounds: int,
    once: Callable[[Database, int], dict[str, Any]],
) -> dict[str, Any]:
    """Return for each variant the median of its results, and of its ratio to SQLite in the same round.

    Raises:
        Unusable: the scenario has no single result to compare.
    """
    result = _RESULT.get(scenario)
    if result is None:
        raise Unusable(f"--compare knows {', '.join(_RESULT)}, not {scenario}")
    found: dict[str, list[dict[str, Any]]] = {}
    with Sqlite() as sqlite, server as postgres:
        variants: list[tuple[str, Database, int]] = [("SQLite", sqlite, 1)]
        variants += [(f"PostgreSQL, nodes: {count}", postgres, count) for count in nodes]
        for _ in range(rounds):
            for name, database, count in variants:
                found.setdefault(name, []).append(once(database, count))
    return {"compared": result} | {name: _line(runs, found["SQLite"], result) for name, runs in found.items()}


def _line(runs: list[dict[str, Any]], sqlite: list[dict[str, Any]], result: str) -> dict[str, float]:
    def median(read: Callable[[dict[str, Any]], float]) -> float:
        return statistics.median(map(read, runs))

    line = {
        "median/s": median(lambda run: run[result]),
        "least/s": min(run[result] for run in runs),
        "most/s": max(run[result] for run in runs),
        "ratio": statistics.median(run[result] / own[result] for run, own in zip(runs, sqlite, strict=True)),
        "program us/message": median(lambda run: run["CPU program"]["us/message"]),
    }
    if "CPU database" in runs[0]:
        line["database us/message"] = median(lambda run: run["CPU database"]["us/message"])
    line |= {name: median(lambda run, name=name: run[name]) for name in _BESIDE if name in runs[0]}  # type: ignore[misc]
    return line | {"strangers' cores": max(run["CPU of strangers"]["cores"] for run in runs)}
