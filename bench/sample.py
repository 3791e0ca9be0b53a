"""A sample: all counters of a rig at one moment."""

from typing import NamedTuple

from bench import machine
from bench.installations import Counters


class Sample(NamedTuple):
    """All counters at one moment; `recorded` and `commits` are what the nodes' own metrics say: deliveries that are
    recorded as delivered, and transactions of their writers. `processes` are those of the nodes.
    """

    at: float
    accepted: int
    received: int
    recorded: float
    commits: float
    processes: dict[int, machine.Cpu]
    load: machine.Cpu
    receiver: machine.Cpu
    database: Counters | None
    busy: float

    @property
    def cpus(self) -> dict[str, machine.Cpu]:
        """What each kind of process has used; of all nodes together, and of a database server where there is one."""
        cpu = None if self.database is None else self.database.cpu
        server = {} if cpu is None else {"database": cpu}
        return {
            "program": machine.total(self.processes.values()),
            **server,
            "load": self.load,
            "receiver": self.receiver,
        }
