"""The rig: the program, a receiver and load generators, each a process of its own, and samples of all of them."""

import multiprocessing
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from ctypes import c_longlong
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NamedTuple, Self

from tests.support.program import OPERATOR_TOKEN, Program, until

from bench import load, machine, receiver

_SPAWN = multiprocessing.get_context("spawn")


class Hand:
    """A child process that answers over a pipe."""

    def __init__(self, target: Any, *arguments: Any) -> None:
        self._pipe: Connection
        self._pipe, theirs = _SPAWN.Pipe()
        self.process: BaseProcess = _SPAWN.Process(target=target, args=(theirs, *arguments), daemon=True)
        self.process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        if self.process.pid is None:
            raise RuntimeError("the process was not started")
        return self.process.pid

    def ask(self, command: str) -> Any:
        self._pipe.send(command)
        return self._pipe.recv()

    def hear(self) -> Any:
        return self._pipe.recv()

    def end(self) -> None:
        self.process.kill()
        self.process.join()


class Sample(NamedTuple):
    """All counters at one moment; `recorded` is what the program's own statistics say was delivered."""

    at: float
    accepted: int
    received: int
    recorded: int
    commits: float | None
    program: machine.Cpu
    load: machine.Cpu
    receiver: machine.Cpu
    busy: float

    @property
    def cpus(self) -> tuple[machine.Cpu, machine.Cpu, machine.Cpu]:
        """What program, load generator and receiver have used."""
        return self.program, self.load, self.receiver


class Rig:
    """Everything that a scenario needs; leave it to stop every process and remove the files."""

    def __init__(self, *, connections: int, ages: bool = False, profile: Path | None = None) -> None:
        self.connections = connections
        self._ages = ages
        self._profile = profile
        self._stack = ExitStack()
        self._began = time.time()
        self.endpoints: list[str] = []

    def __enter__(self) -> Self:
        directory = Path(tempfile.mkdtemp(prefix="reelhook-bench-"))
        self._stack.callback(shutil.rmtree, directory, ignore_errors=True)
        self.directory = directory
        self.received_total: c_longlong = _SPAWN.RawValue(c_longlong, 0)
        self.receiver = Hand(receiver.run, self.received_total, self._ages)
        self._stack.callback(self.receiver.end)
        self.receiver_port: int = self.receiver.hear()
        self.program = self._stack.enter_context(Program(directory))
        self.api = self.program.api()
        if self._profile:
            self._record_profile(self._profile)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _record_profile(self, path: Path) -> None:
        form = "raw" if path.suffix == ".txt" else "flamegraph"
        record = ["py-spy", "record", "--threads", "--rate", "200", "--format", form, "--output", str(path)]
        spy = subprocess.Popen([*record, "--pid", str(self.program.pid)], stdout=subprocess.DEVNULL)
        self._stack.callback(spy.wait)
        self._stack.callback(spy.send_signal, signal.SIGINT)  # makes it write what it has

    def add_endpoint(self, path: str, events: Sequence[str] = (), url: str | None = None, **fields: Any) -> str:
        """Register an endpoint at the receiver (or elsewhere) and return its id."""
        url = url or f"http://127.0.0.1:{self.receiver_port}{path}"
        made = self.api.post("/v1/endpoints", {"url": url, "events": list(events), **fields})
        self.endpoints.append(made["id"])
        return str(made["id"])

    def publish(self, **plan: Any) -> Hand:
        """Start a load generator on the program."""
        return self.load(
            load.Plan(self.program.port, "/v1/events", self.connections, token=OPERATOR_TOKEN)._replace(**plan)
        )

    def post_bare(self) -> Hand:
        """Start a load generator that posts the same bodies straight to the receiver: the raw limit."""
        return self.load(load.Plan(self.receiver_port, "/raw", self.connections, token=OPERATOR_TOKEN))

    def load(self, plan: load.Plan) -> Hand:
        hand = Hand(load.run, self.received_total, plan)
        self._stack.callback(hand.end)
        until(lambda: sum(hand.ask("read")[:2]), "the first answer")
        if hand.ask("read").refused:
            raise RuntimeError(f"what is posted to {plan.path} is refused: see {self.program.log}")
        return hand

    def recorded(self, endpoint_id: str) -> int:
        """Return how many deliveries of an endpoint the program has recorded as delivered."""
        since = time.strftime("%Y-%m-%dT%H:%M:00Z", time.gmtime(self._began - 60))
        return int(self.api.get(f"/v1/endpoints/{endpoint_id}/stats?since={since}")["delivered"])

    def commits(self) -> float | None:
        """Return how many transactions the store has committed, where the metrics tell."""
        text = self.api.ask("GET", "/metrics").body.decode()
        found = [line.split()[-1] for line in text.splitlines() if line.startswith("reelhook_commits_total")]
        return sum(map(float, found)) if found else None

    def sample(self, hand: Hand | None) -> Sample:
        """Read all counters; without a load generator its figures are 0."""
        return Sample(
            time.monotonic(),
            hand.ask("read").accepted if hand else 0,
            self.receiver.ask("read").total,
            sum(map(self.recorded, self.endpoints)),
            self.commits(),
            machine.cpu_of(self.program.pid),
            machine.cpu_of(hand.pid) if hand else machine.Cpu(0, 0),
            machine.cpu_of(self.receiver.pid),
            machine.busy(),
        )

    def window(self, hand: Hand, warm_up: float, seconds: float) -> tuple[Sample, Sample]:
        """Sample at the beginning and the end of the steady state."""
        time.sleep(warm_up)
        before = self.sample(hand)
        time.sleep(seconds)
        return before, self.sample(hand)

    def raw_limit(self, seconds: float) -> float:
        """Return what a bare client gets through to the same receiver, in posts a second."""
        hand = self.post_bare()
        time.sleep(seconds / 4)
        before, start = hand.ask("read").accepted, time.monotonic()
        time.sleep(seconds)
        rate = (hand.ask("read").accepted - before) / (time.monotonic() - start)
        hand.ask("stop")
        hand.end()
        return float(rate)
