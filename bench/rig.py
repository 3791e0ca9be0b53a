"""The rig: the program (one node or several), a receiver and load generators, each a process of its own, and samples of
all of them.
"""

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from ctypes import c_longlong
from pathlib import Path
from typing import Any, Self

from tests.support.program import OPERATOR_TOKEN, Api, Program, until

from bench import load, machine, receiver
from bench.databases import Database, Unusable
from bench.hand import SPAWN, Hand
from bench.sample import Sample


class Rig:
    """Everything that a scenario needs; leave it to stop every process and remove the files. Several nodes share the
    database, each in the role `all`: each accepts, and each sends for its share of the endpoints. `prepare` may
    fill the database before the first one starts.
    """

    def __init__(
        self,
        database: Database,
        *,
        connections: int,
        nodes: int = 1,
        ages: bool = False,
        profile: Path | None = None,
        prepare: Callable[["Rig"], None] = lambda _: None,
    ) -> None:
        if nodes > database.most_nodes:
            raise Unusable(f"{database.name} serves {database.most_nodes} process; --nodes needs --database postgres")
        self.connections = connections
        self.nodes = nodes
        self._database = database
        self._ages = ages
        self._profile = profile
        self._prepare = prepare
        self._stack = ExitStack()
        self._began = time.time()
        self.endpoints: list[str] = []

    def __enter__(self) -> Self:
        try:
            self._enter()
        except BaseException:
            self._stack.close()
            raise
        return self

    def _enter(self) -> None:
        directory = Path(tempfile.mkdtemp(prefix="reelhook-bench-"))
        self._stack.callback(shutil.rmtree, directory, ignore_errors=True)
        self.directory = directory
        self.received_total: c_longlong = SPAWN.RawValue(c_longlong, 0)
        self.receiver = Hand(receiver.run, self.received_total, self._ages)
        self._stack.callback(self.receiver.end)
        self.receiver_port: int = self.receiver.hear()
        self.installation = self._stack.enter_context(self._database.installation(directory))
        self._prepare(self)
        self.programs: list[Program] = []
        self._apis: list[Api] = []
        for _ in range(self.nodes):
            self.start_node()
        self.installation.wait_for_shares(self.nodes)
        if self._profile:
            self._record_profile(self._profile)

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def program(self) -> Program:
        """The first node."""
        return self.programs[0]

    @property
    def api(self) -> Api:
        """A connection to the first node."""
        return self._apis[0]

    def start_node(self) -> Program:
        """Start one more node, and wait until it is ready."""
        directory = self.directory / f"node-{len(self.programs)}"
        program = self._stack.enter_context(Program(directory, settings=self.installation.settings))
        self.programs.append(program)
        self._apis.append(program.api())
        return program

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
        ports = tuple(program.port for program in self.programs)
        return self.load(load.Plan(ports, "/v1/events", self.connections, token=OPERATOR_TOKEN)._replace(**plan))

    def post_bare(self) -> Hand:
        """Start a load generator that posts the same bodies straight to the receiver: the raw limit."""
        return self.load(load.Plan((self.receiver_port,), "/raw", self.connections, token=OPERATOR_TOKEN))

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

    def counted(self, name: str) -> float:
        """Return the sum of a metric over all nodes; `name` is how its lines begin."""
        texts = (api.ask("GET", "/metrics").body.decode() for api in self._apis)
        return sum(float(line.split()[-1]) for text in texts for line in text.splitlines() if line.startswith(name))

    def sample(self, hand: Hand | None) -> Sample:
        """Read all counters; without a load generator its figures are 0."""
        processes = [pid for program in self.programs for pid in machine.family_of(program.pid)]
        return Sample(
            time.monotonic(),
            hand.ask("read").accepted if hand else 0,
            self.receiver.ask("read").total,
            self.counted('reelhook_deliveries_closed_total{state="delivered"}'),
            self.counted("reelhook_commits_total"),
            {pid: machine.cpu_of(pid) for pid in processes},
            machine.cpu_of(hand.pid) if hand else machine.Cpu(0, 0),
            machine.cpu_of(self.receiver.pid),
            self.installation.counters(),
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
