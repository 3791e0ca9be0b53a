"""The nodes of an installation on PostgreSQL: who is alive, who delivers for how many shards, and until when."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, NamedTuple

from reelhook.cli.doctor.finding import Finding, ok, warn
from reelhook.cli.screen import moment
from reelhook.model.instant import show_time
from reelhook.model.shard import SHARDS
from reelhook.store.sql import Connection

_START: Final = "start one: reelhook serve, with REELHOOK_ROLE=all or worker"
_NODES: Final = """
SELECT n.number, n.id, n.works, n.seen_until, n.seen_until > now(),
       (SELECT count(*) FROM shards s WHERE s.node = n.id AND s.lease_until > now())
FROM nodes n ORDER BY n.number"""
"""Only what the first schema has, so that a database that is behind can be asked too; times are the database's."""


class Node(NamedTuple):
    """A row about a node; `until` is when its lease ends, or ended."""

    number: int
    name: str
    works: bool
    until: datetime
    alive: bool
    shards: int


def examine(connection: Connection) -> Iterator[Finding]:
    """Tell of all nodes: those at work, and those that ended without a word."""
    found = [Node(*row) for row in connection.execute(_NODES).fetchall()]
    alive = [node for node in found if node.alive]
    yield _all(alive)
    for node in found:
        yield ok(f"node {node.number}", _said(node))


def _all(alive: list[Node]) -> Finding:
    if not alive:
        return warn("nodes", "none is alive: nothing is accepted and nothing is sent", _START)
    working = sum(node.works for node in alive)
    said = f"{len(alive)} {'is' if len(alive) == 1 else 'are'} alive, {working} of them to deliver"
    return ok("nodes", said) if working else warn("nodes", f"{said}: nothing is sent", _START)


def _said(node: Node) -> str:
    until = moment(show_time(int(node.until.timestamp() * 1000)))
    if not node.alive:
        return f"{node.name} ended without a word, its last lease at {until}"
    does = f"delivers for {node.shards} of {SHARDS} shards" if node.works else "accepts and answers"
    return f"{node.name} {does}, its lease lasts until {until}"
