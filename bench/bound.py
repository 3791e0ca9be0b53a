"""Says where the time of a measured window went, and what kept it from being faster."""

import os
from typing import Any

from bench.machine import Cpu
from bench.sample import Sample

CORES = os.cpu_count() or 1


def rates(before: Sample, after: Sample) -> dict[str, float]:
    """Return what was accepted, received and recorded, each a second."""
    span = after.at - before.at
    return {
        "accepted/s": (after.accepted - before.accepted) / span,
        "received/s": (after.received - before.received) / span,
        "recorded/s": (after.recorded - before.recorded) / span,
    }


def strangers(before: Sample, after: Sample) -> float:
    """Return the CPU seconds that went to processes which are not part of the bench."""
    ours = sum(used.total - before.cpus[name].total for name, used in after.cpus.items())
    return max(0.0, after.busy - before.busy - ours)


def cpu(before: Sample, after: Sample, messages: int) -> dict[str, Any]:
    """Return the CPU time of each process: in cores, and for each message in microseconds, the kernel's part in it."""
    span = after.at - before.at
    parts = {name: used.since(before.cpus[name]) for name, used in after.cpus.items()}
    said = {f"CPU {name}": _line(part, span, messages) for name, part in parts.items()}
    others = strangers(before, after)
    return said | {
        "CPU of strangers": {"cores": others / span},
        "bound by": _bound(parts, others, span, _fullest(before, after)),
    }


def _line(part: Cpu, span: float, messages: int) -> dict[str, float]:
    each = 1e6 * part.total / max(1, messages)
    return {"cores": part.total / span, "us/message": each, "in kernel %": 100 * part.system / max(part.total, 1e-9)}


def _fullest(before: Sample, after: Sample) -> tuple[float, str]:
    """Return the most that a single process used, and whose it is."""
    spent = [
        (used.total - before.processes.get(pid, Cpu(0, 0)).total, "program") for pid, used in after.processes.items()
    ]
    single = [(after.cpus[name].total - before.cpus[name].total, name) for name in ("load", "receiver")]
    return max(spent + single)


def _bound(parts: dict[str, Cpu], others: float, span: float, fullest: tuple[float, str]) -> str:
    shares = {name: part.total / span for name, part in parts.items()}
    if others / span > 0.25 * CORES:
        return f"strangers on this machine, which took {others / span:.2f} of {CORES} cores: measure again"
    if sum(shares.values()) + others / span > 0.92 * CORES:
        return "the CPU: all cores are full (" + ", ".join(f"{n} {s:.2f}" for n, s in shares.items()) + ")"
    if fullest[0] / span > 0.92:
        return f"one core: {fullest[1]} fills it"
    return f"waiting: {sum(shares.values()):.2f} of {CORES} cores busy (disk syncs, or the rate that was asked for)"


def commits(before: Sample, after: Sample, messages: int) -> dict[str, float]:
    """Return how many transactions a message cost: those of the program's writers, and, where a server counts, all
    kinds (reads, leases and surveys included), and bytes of its log.
    """
    span, each = after.at - before.at, max(1, messages)
    count = after.commits - before.commits
    found = {"commits/s": count / span, "commits/message": count / each}
    if before.database is None or after.database is None:
        return found
    return found | {
        "transactions/message": (after.database.transactions - before.database.transactions) / each,
        "WAL bytes/message": (after.database.wal_bytes - before.database.wal_bytes) / each,
    }
