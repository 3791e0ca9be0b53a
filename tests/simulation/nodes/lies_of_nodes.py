"""Lies that only several nodes can tell: about leases, take-overs, fences, and what others changed."""

import asyncio
from typing import Any

import msgspec
import pytest
from tests.simulation.invariants import COMES_TO_REST
from tests.simulation.lies import breaks, every, wrapped

from reelhook.errors import StoreBusy
from reelhook.model.ids import EPOCH_MS, IdSource
from reelhook.pipeline.flow import Flow
from reelhook.ports import Rescued
from reelhook.server.engine import Engine
from reelhook.store import ordering, recording
from reelhook.store.postgres import texts
from reelhook.store.postgres.accepting import PgAccepting
from reelhook.store.postgres.store import PostgresStore
from reelhook.store.recording import Recording
from reelhook.store.rescuing import Rescuing
from reelhook.store.statements import statements
from reelhook.worker.ownership import LeasedShards
from reelhook.worker.permits import Permits
from reelhook.worker.recall import Recall
from reelhook.worker.senders import Senders
from reelhook.worker.shards import Shards


@breaks("nobody sends without a lease", 11, 13)
def a_node_believes_in_its_lease_for_ever(patch: pytest.MonkeyPatch) -> None:
    def renewed(honest: Any, self: LeasedShards, *args: Any) -> Any:
        turnover = honest(self, *args)
        self.until = self.ends = 1 << 62
        return turnover

    wrapped(patch, LeasedShards, "renewed", renewed)


@breaks("nobody sends without a lease", 2, 4)
def shards_are_served_that_were_given_away(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(LeasedShards, "rest", lambda *_: None)


@breaks("nothing outlives a lease", 24)
def what_is_under_way_is_not_cut_off(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Senders, "cut_off_lanes", lambda *_: 0)


@breaks("nothing outlives a lease", 2, 9)
def shards_are_given_away_before_they_rest(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Shards, "at_rest", lambda _, shards: frozenset(shards))


@breaks("rate limits hold", 9)
def what_was_sent_before_a_take_over_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Recall, "begin", lambda *_: None)


@breaks("permits hold", 8, 11)
def one_more_than_permitted_is_under_way(patch: pytest.MonkeyPatch) -> None:
    def begin(honest: Any, self: Permits, now: int) -> Any:
        begun = honest(self, now)
        if begun is not None:
            begun[0].in_flight = max(1, begun[0].in_flight - 1)
        return begun

    wrapped(patch, Permits, "begin", begin)


@breaks("ordered lanes keep their order", 5, 6)
def nobody_waits_in_a_lane(patch: pytest.MonkeyPatch) -> None:
    joins = statements("queue")["join_lane"]

    def join(connection: Any, endpoint_id: int, lane: str, delivery_id: int, position: int) -> None:
        connection.execute(joins, (endpoint_id, lane, position, delivery_id))

    patch.setattr(ordering, "join", join)


@breaks("every endpoint that matched gets the event", 44, 36)
def an_acceptance_is_not_compared_with_what_holds_now(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(PgAccepting, "run", lambda self, connection, found: self._accepting.run(connection, found))


@breaks("requests go to the endpoint as it is", 51)
def what_other_nodes_changed_is_not_read(patch: pytest.MonkeyPatch) -> None:
    _read_nothing(patch)


@breaks("nothing is sent to an endpoint that is paused, disabled or gone", 1247)
def a_pause_on_another_node_is_not_heard(patch: pytest.MonkeyPatch) -> None:
    _read_nothing(patch)


@breaks("nothing is sent to an endpoint that is paused, disabled or gone", 1983)
def who_comes_back_sends_what_it_knew(patch: pytest.MonkeyPatch) -> None:
    async def learn(honest: Any, self: Engine, shards: Any) -> None:
        refresh = self.store.refresh

        def look_not() -> Any:
            self.store.refresh = refresh
            return asyncio.sleep(0)

        self.store.refresh = look_not
        await honest(self, shards)

    wrapped(patch, Engine, "_learn", learn)


def _read_nothing(patch: pytest.MonkeyPatch) -> None:
    async def keep_fresh(*_: Any) -> None:
        await asyncio.get_running_loop().create_future()

    patch.setattr(PostgresStore, "_keep_fresh", keep_fresh)


@breaks("attempts match the wire", 182)
def a_rescue_does_not_ask_whose_a_shard_is_by_now(patch: pytest.MonkeyPatch) -> None:
    def find(honest: Any, self: Rescuing, after: int, orphans: Any) -> Any:
        return honest(self, after, orphans and msgspec.structs.replace(orphans, epochs=None))

    wrapped(patch, Rescuing, "_find", find)


@breaks("attempts are counted", 260, 317)
def a_completion_counts_whoever_has_claimed_since(patch: pytest.MonkeyPatch) -> None:
    honest = texts.text_of(statements("journal")["complete"])
    fence = " AND deliveries.claim_id = done.claim_id"
    assert fence in honest.sql
    lying = msgspec.structs.replace(honest, sql=honest.sql.replace(fence, " AND deliveries.state = 'sending'"))
    patch.setitem(texts._texts, ("journal", "complete"), lying)


@breaks("late results change nothing", 2, 1)
def a_delivery_does_not_know_its_last_attempt(patch: pytest.MonkeyPatch) -> None:
    now = every(5)

    def row(honest: Any, one: Any) -> Any:
        return (*honest(one)[:-1], one.attempt.previous_id) if now() else honest(one)

    wrapped(patch, recording, "_completion_row", row)


@breaks(COMES_TO_REST, 1, 3)
def nobody_rescues_what_a_dead_node_left_behind(patch: pytest.MonkeyPatch) -> None:
    async def rescue(*_: Any) -> Rescued:
        return Rescued()

    patch.setattr(Rescuing, "rescue", rescue)


@breaks("rollups count every attempt", 10, 31)
def what_was_stored_in_a_lost_commit_is_counted_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        Recording,
        "_again",
        lambda self, connection, completions, now: (
            self._count(connection, completions),
            self._complete_all(connection, completions, now),
        )[1],
    )


@breaks("publishers are refused only for good reasons", 3)
def a_publisher_is_refused_while_the_database_answers(patch: pytest.MonkeyPatch) -> None:
    now = every(20)

    async def publish(honest: Any, *args: Any, **options: Any) -> bytes:
        if now():
            raise StoreBusy("this is not true")
        answer: bytes = await honest(*args, **options)
        return answer

    wrapped(patch, Flow, "publish", publish)


@breaks("later events have larger ids", 5)
def ids_follow_a_clock_that_steps_back(patch: pytest.MonkeyPatch) -> None:
    def take(honest: Any, self: IdSource, now: int, *count: int) -> int:
        if now - EPOCH_MS < self._millisecond - 1000:
            self._millisecond, self._sequence = now - EPOCH_MS, 0
        number: int = honest(self, now, *count)
        return number

    wrapped(patch, IdSource, "take", take)
