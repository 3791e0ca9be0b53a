"""Membership: this node among the others, and the shards that it owns.

Every endpoint belongs to one of 256 shards, every shard to one node at a time, which alone claims and sends for it; so
permits, rates, circuits and lanes are plain memory, and exact. A lease says until when. A node renews its leases long
before they end and, when it cannot, stops sending before anybody else may begin: it counts from the moment it asked,
the database from the moment it answered, which is later.
"""

import json
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final, TypeVar

from reelhook.errors import StoreBusy, Unavailable, WrongKey
from reelhook.model.shard import SHARDS
from reelhook.ports import Holding
from reelhook.store.migrate import latest_version
from reelhook.store.postgres.connection import PgConnection
from reelhook.store.postgres.texts import own_statements

T = TypeVar("T")
_SQL: Final = own_statements("shards")
_SILENCE_SECONDS: Final = 3600.0
"""A node that was silent for so long is forgotten, and its number given to another."""


class Membership:
    """Jobs on a connection of its own; run them in one thread."""

    def __init__(self, connection: PgConnection, node: str, lease: float, seals: bytes | None = None) -> None:
        self._connection = connection
        self._node = node
        self._lease = lease
        self._knows = latest_version(connection.backend)
        self._seals = seals

    def join(self, *, works: bool) -> int:
        """Become a member; return the number that goes into this node's ids.

        Raises:
            StoreBusy: there are as many nodes as there are numbers.
            WrongKey: the one that this node seals with was replaced.
            Unavailable: the database has outgrown this program.
        """
        return self._in_transaction(partial(self._join, works=works))

    def renew(self, *, takes: bool) -> Holding:
        """Renew what is ours, take what nobody has up to a fair share, and name what is more than that.

        A node that takes nothing has no share: what it has is to be given away.
        """
        return self._in_transaction(partial(self._renew, takes=takes))

    def give(self, shards: Iterable[int]) -> None:
        """Let others have shards for which nothing is under way here any more."""
        self._in_transaction(partial(self._give, shards))

    def leave(self) -> None:
        """Stop being a member, and let others have all shards at once."""
        self._in_transaction(self._leave)

    def _in_transaction(self, job: Callable[[], T]) -> T:
        self._connection.begin()
        try:
            done = job()
            self._connection.commit()
        except BaseException:
            self._connection.rollback()
            raise
        return done

    def _give(self, shards: Iterable[int]) -> None:
        self._connection.execute(_SQL["release"], {"node": self._node, "ids": json.dumps(sorted(shards))})

    def _leave(self) -> None:
        self._give(range(SHARDS))
        self._connection.execute(_SQL["leave"], {"node": self._node})

    def _join(self, *, works: bool) -> int:
        self._connection.execute(_SQL["lock_numbers"])
        self._refuse_outgrown(*self._connection.execute(_SQL["oldest"]).fetchall()[0])
        self._connection.execute(_SQL["bury"], {"silence": _SILENCE_SECONDS})
        said = self._self(works=works, knows=self._knows, seals=self._seals)
        row = self._connection.execute(_SQL["join"], said).fetchone()
        if row is None:
            raise StoreBusy("128 nodes use this database already, or did within the last hour; stop one of them")
        return int(row[0])

    def _renew(self, *, takes: bool) -> Holding:
        run = self._connection.execute
        seen = run(_SQL["seen"], self._self(works=takes)).fetchone()
        if seen is not None:
            self._refuse_outgrown(seen[1], seen[2])
        number = self._join(works=takes) if seen is None else int(seen[0])
        ours: dict[int, int] = dict(run(_SQL["renew"], self._self()).fetchall())
        [(workers, nodes)] = run(_SQL["alive"]).fetchall()
        fair = -(-SHARDS // max(1, workers)) if takes else 0
        if len(ours) < fair:
            ours.update(run(_SQL["take"], self._self(count=fair - len(ours))).fetchall())
        return Holding(number, ours, frozenset(sorted(ours)[fair:]), nodes)

    def _refuse_outgrown(self, oldest: int | None, retired: bytes | None) -> None:
        """Refuse to go on with a database that was changed so that nodes like this one do not work any more: while it
        could not be seen, nobody waited for it.
        """
        if retired is not None and retired == self._seals:
            raise WrongKey(
                "the key that this node seals secrets with was replaced meanwhile: start it with the new one as "
                "REELHOOK_SECRET_KEY"
            )
        if oldest is not None and oldest > self._knows:
            raise Unavailable(
                f"the tables were changed by a newer Reelhook, which this one (schema {self._knows}) does not work "
                f"with: install a version that knows schema {oldest}"
            )

    def _self(self, **more: object) -> dict[str, object]:
        return {"node": self._node, "lease": self._lease, **more}
