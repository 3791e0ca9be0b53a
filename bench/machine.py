"""What the machine does meanwhile: CPU time of processes from /proc, and how fast its disk says that it is safe."""

import os
import platform
import time
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

_TICK = os.sysconf("SC_CLK_TCK")


class Cpu(NamedTuple):
    """CPU seconds of one process, all its threads: in its own code, and in the kernel for it."""

    user: float
    system: float

    @property
    def total(self) -> float:
        return self.user + self.system

    def since(self, before: "Cpu") -> "Cpu":
        return Cpu(self.user - before.user, self.system - before.system)


def cpu_of(pid: int) -> Cpu:
    """Return what a living process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return Cpu(int(fields[11]) / _TICK, int(fields[12]) / _TICK)


def family_of(pid: int) -> list[int]:
    """Return a living process and its children."""
    return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


def cpu_of_family(pid: int) -> Cpu:
    """Return what a living process and its children have used so far, those that ended included."""
    parts = [_spent(child) for child in family_of(pid)[1:]]
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    parts.append(Cpu((int(fields[11]) + int(fields[13])) / _TICK, (int(fields[12]) + int(fields[14])) / _TICK))
    return total(parts)


def total(parts: Iterable[Cpu]) -> Cpu:
    """Add up."""
    listed = list(parts)
    return Cpu(sum(part.user for part in listed), sum(part.system for part in listed))


def _spent(pid: int) -> Cpu:
    try:
        return cpu_of(pid)
    except (FileNotFoundError, ProcessLookupError):
        return Cpu(0, 0)  # ended since its parent was asked, who counts it from now on


def busy() -> float:
    """Return the CPU seconds that all processes of the machine have used so far, on all cores."""
    user, nice, system, _, _, irq, softirq, *_ = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:])
    return (user + nice + system + irq + softirq) / _TICK


def memory_of(pid: int) -> int:
    """Return the bytes of memory that a process and its children hold (resident)."""
    pages = sum(int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in family_of(pid))
    return pages * os.sysconf("SC_PAGE_SIZE")


def peak_memory_of(pid: int) -> int:
    """Return the most bytes of memory that a process and its children have held so far, each at its own time."""
    texts = [Path(f"/proc/{one}/status").read_text() for one in family_of(pid)]
    lines = [line for text in texts for line in text.splitlines() if line.startswith("VmHWM")]
    return sum(int(line.split()[1]) for line in lines) * 1024


def sync_times(directory: Path, count: int = 300) -> list[float]:
    """Append 4 KiB and wait until it is on disk, so many times; return how long each took (ms), sorted."""
    times = []
    path = directory / "sync-probe"
    with path.open("wb", buffering=0) as file:
        for _ in range(count):
            start = time.perf_counter()
            file.write(b"x" * 4096)
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - start) * 1000)
    path.unlink()
    return sorted(times)


def describe() -> str:
    """Say in one line what machine this is."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine()
    )
    python = f"Python {platform.python_version()}, hot path {build()}"
    return f"{os.cpu_count()} cores {model}, Linux {platform.release()}, {python}"


def build() -> str:
    """Say which build is measured: that of the environment that runs this."""
    spec = find_spec("reelhook.pipeline.flow")
    return "compiled" if spec is not None and str(spec.origin).endswith(".so") else "interpreted"
