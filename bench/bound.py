"""Says where the time of a measured window went, and what kept it from being faster."""

import os
from typing import Any

from bench.machine import Cpu
from bench.rig import Sample

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
    ours = sum(a.total - b.total for a, b in zip(after.cpus, before.cpus, strict=True))
    return max(0.0, after.busy - before.busy - ours)


def cpu(before: Sample, after: Sample, messages: int) -> dict[str, Any]:
    """Return the CPU time of each process: in cores, and for each message in microseconds, the kernel's part in it."""
    span = after.at - before.at
    each = zip(("program", "load", "receiver"), after.cpus, before.cpus, strict=True)
    parts = {name: now.since(then) for name, now, then in each}
    said = {f"CPU {name}": _line(part, span, messages) for name, part in parts.items()}
    others = strangers(before, after)
    return said | {"CPU of strangers": {"cores": others / span}, "bound by": _bound(parts, others, span)}


def _line(part: Cpu, span: float, messages: int) -> dict[str, float]:
    each = 1e6 * part.total / max(1, messages)
    return {"cores": part.total / span, "us/message": each, "in kernel %": 100 * part.system / max(part.total, 1e-9)}


def _bound(parts: dict[str, Cpu], others: float, span: float) -> str:
    shares = {name: part.total / span for name, part in parts.items()}
    if others / span > 0.25 * CORES:
        return f"strangers on this machine, which took {others / span:.2f} of {CORES} cores: measure again"
    if sum(shares.values()) + others / span > 0.92 * CORES:
        return "the CPU: all cores are full (" + ", ".join(f"{n} {s:.2f}" for n, s in shares.items()) + ")"
    full = [name for name, share in shares.items() if share > 0.92]
    if full:
        return f"one core: {full[0]} fills it"
    return f"waiting: {sum(shares.values()):.2f} of {CORES} cores busy (disk syncs, or the rate that was asked for)"


def commits(before: Sample, after: Sample, messages: int) -> dict[str, float]:
    """Return how many commits a message cost, where the program tells."""
    if before.commits is None or after.commits is None:
        return {}
    count = after.commits - before.commits
    return {"commits/s": count / (after.at - before.at), "commits/message": count / max(1, messages)}
