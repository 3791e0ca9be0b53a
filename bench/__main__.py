"""`python -m bench accept | deliver | dialects | latency | backlog | isolation`: measure the real program here."""

import argparse
from pathlib import Path
from typing import Any

from bench import backlog, dialects, figures, latency, machine, throughput
from bench.rig import Rig


def main() -> None:
    """Run one scenario and print its figures."""
    asked = _arguments().parse_args()
    if asked.scenario == "dialects":
        made = dialects.dialects(
            lambda: Rig(connections=asked.connections), asked.seconds, asked.rounds, asked.window
        ) | {"machine": machine.describe()}
        print(figures.as_json(made) if asked.json else figures.write(_title(asked), made))
        return
    with Rig(
        connections=asked.connections, ages=asked.scenario in ("latency", "isolation"), profile=asked.profile
    ) as rig:
        found = _measure(asked, rig)
        syncs = machine.sync_times(rig.directory)
    found["one fdatasync here (ms)"] = {"p50": figures.percentile(syncs, 0.5), "p99": figures.percentile(syncs, 0.99)}
    found["machine"] = machine.describe()
    print(figures.as_json({"scenario": asked.scenario} | found) if asked.json else figures.write(_title(asked), found))


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("scenario", choices=["accept", "deliver", "dialects", "latency", "backlog", "isolation"])
    parser.add_argument("--seconds", type=float, default=15.0, help="length of the measured window (15)")
    parser.add_argument("--connections", type=int, default=256, help="kept connections of the load generator (256)")
    parser.add_argument("--fan-out", type=int, default=1, help="deliver: endpoints that each event goes to (1)")
    parser.add_argument(
        "--window", type=int, default=2000, help="deliver: events under way at most; 0 = no limit (2000)"
    )
    parser.add_argument("--rate", type=float, help="latency, isolation: events/s (half the measured maximum; 1000)")
    parser.add_argument("--count", type=int, default=100_000, help="backlog, isolation: deliveries that wait (100000)")
    parser.add_argument("--rounds", type=int, default=3, help="dialects: times that each is measured (3)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--profile", type=Path, metavar="FILE", help="let py-spy record: .svg flame graph, .txt stacks")
    return parser


def _measure(asked: argparse.Namespace, rig: Rig) -> dict[str, Any]:
    match asked.scenario:
        case "accept":
            return throughput.accept(rig, asked.seconds)
        case "deliver":
            return throughput.deliver(rig, asked.seconds, asked.fan_out, asked.window)
        case "latency":
            rate = asked.rate or latency.half_of_maximum(rig, asked.window)
            return latency.latency(rig, asked.seconds, rate)
        case "backlog":
            return backlog.backlog(rig, asked.count)
        case _:
            return backlog.isolation(rig, asked.seconds, asked.rate or 1000.0, asked.count)


def _title(asked: argparse.Namespace) -> str:
    return f"{asked.scenario}, {asked.connections} connections, bodies of 1 KiB"


if __name__ == "__main__":
    main()
