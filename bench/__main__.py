"""Measure the real program here.

accept | deliver | dialects | latency | backlog | isolation, on SQLite or with `--database postgres`; `scale` on larger
and larger databases.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from bench import backlog, compare, dialects, figures, latency, machine, throughput
from bench.databases import SQLITE, Database, Postgres, Unusable, database_of
from bench.rig import Rig
from bench.scale import steps

SCENARIOS = ("accept", "deliver", "dialects", "latency", "backlog", "isolation", "scale")
GROUPS_OF_NODES = 64
"""With several nodes so many endpoints take turns: each node sends for its share of them."""


def main() -> None:
    """Run one scenario and print its figures."""
    asked = _arguments().parse_args()
    try:
        found = _run(asked)
    except Unusable as error:
        sys.exit(f"bench: {error}")
    found["machine"] = machine.describe()
    if asked.json:
        print(figures.as_json({"scenario": asked.scenario} | found))
    elif asked.scenario == "scale":
        print(steps.write(found))
    else:
        print(figures.write(_title(asked), found))


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scenario", choices=SCENARIOS)
    parser.add_argument("--seconds", type=float, default=15.0, help="length of the measured window (15)")
    parser.add_argument("--connections", type=int, default=256, help="kept connections of the load generator (256)")
    parser.add_argument("--fan-out", type=int, default=1, help="deliver: endpoints that each event goes to (1)")
    parser.add_argument(
        "--window", type=int, default=2000, help="deliver: events under way at most; 0 = no limit (2000)"
    )
    parser.add_argument("--rate", type=float, help="latency, isolation: events/s (half the measured maximum; 1000)")
    parser.add_argument("--count", type=int, default=100_000, help="backlog, isolation: deliveries that wait (100000)")
    parser.add_argument("--rounds", type=int, default=3, help="dialects, --compare: times that each is measured (3)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--profile", type=Path, metavar="FILE", help="let py-spy record: .svg flame graph, .txt stacks")
    parser.add_argument(
        "--database",
        default="sqlite",
        help="sqlite (default); postgres: a throw-away server; or the URL of a server to make databases on",
    )
    parser.add_argument(
        "--nodes", type=int, nargs="+", default=[1], help="processes on one PostgreSQL; several numbers with --compare"
    )
    parser.add_argument(
        "--groups",
        type=int,
        help=f"deliver, latency, backlog: endpoints (or groups) that take turns (1; several nodes: {GROUPS_OF_NODES})",
    )
    parser.add_argument(
        "--compare", action="store_true", help="SQLite and PostgreSQL by turns, --rounds times, with the ratio"
    )
    parser.add_argument("--steps", type=int, default=4, help="scale: how many of its four sizes (4)")
    return parser


def _run(asked: argparse.Namespace) -> dict[str, Any]:
    if asked.scenario == "scale":
        return steps.scale(database_of(asked.database), asked.steps)
    if asked.compare:
        server = Postgres() if asked.database == SQLITE else database_of(asked.database)
        return compare.compare(
            asked.scenario, server, asked.nodes, asked.rounds, lambda *variant: _once(asked, *variant)
        )
    if len(asked.nodes) > 1:
        raise Unusable("--nodes takes one number, or several with --compare")
    with database_of(asked.database) as database:
        if asked.scenario == "dialects":
            return dialects.dialects(
                lambda: Rig(database, connections=asked.connections, nodes=asked.nodes[0]),
                asked.seconds,
                asked.rounds,
                asked.window,
            )
        return _once(asked, database, asked.nodes[0])


def _once(asked: argparse.Namespace, database: Database, nodes: int) -> dict[str, Any]:
    ages = asked.scenario in ("latency", "isolation")
    with Rig(database, connections=asked.connections, nodes=nodes, ages=ages, profile=asked.profile) as rig:
        found = {"database": f"{database.describe()}, nodes: {nodes}"} | _measure(asked, rig)
        syncs = machine.sync_times(rig.directory)
    found["one fdatasync here (ms)"] = {"p50": figures.percentile(syncs, 0.5), "p99": figures.percentile(syncs, 0.99)}
    return found


def _measure(asked: argparse.Namespace, rig: Rig) -> dict[str, Any]:
    groups = asked.groups or (1 if rig.nodes == 1 and not asked.compare else GROUPS_OF_NODES)
    match asked.scenario:
        case "accept":
            return throughput.accept(rig, asked.seconds)
        case "deliver":
            return throughput.deliver(rig, asked.seconds, asked.fan_out, asked.window, groups)
        case "latency":
            rate = asked.rate or latency.half_of_maximum(rig, asked.window, groups)
            return latency.latency(rig, asked.seconds, rate, groups)
        case "backlog":
            return backlog.backlog(rig, asked.count, groups)
        case _:
            return backlog.isolation(rig, asked.seconds, asked.rate or 1000.0, asked.count)


def _title(asked: argparse.Namespace) -> str:
    return f"{asked.scenario}, {asked.connections} connections, bodies of 1 KiB"


if __name__ == "__main__":
    main()
