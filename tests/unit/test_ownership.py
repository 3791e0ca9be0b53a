"""Ownership: which shards are ours, and until when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelhook.model.shard import SHARDS, SPAN, first_in, shard_of, shard_of_name
from reelhook.worker.lanes import NEVER
from reelhook.worker.ownership import EverythingIsOurs, LeasedShards

LEASE, MARGIN, LAST = 15_000, 3000, 1000
ENDPOINT = 37
SHARD = shard_of(ENDPOINT)


def leased(*shards: int, asked_at: int = 0) -> LeasedShards:
    ownership = LeasedShards(LEASE, MARGIN, LAST)
    ownership.renewed(dict.fromkeys(shards, 1), asked_at)
    ownership.serve(shards)
    return ownership


def test_a_process_that_is_alone_owns_everything_for_ever() -> None:
    assert EverythingIsOurs().owns(ENDPOINT)
    assert EverythingIsOurs().until == NEVER


def test_nothing_is_ours_before_it_is_leased() -> None:
    ownership = LeasedShards(LEASE, MARGIN, LAST)
    ownership.serve([SHARD])
    assert not ownership.owns(ENDPOINT)
    assert (ownership.until, ownership.held) == (0, frozenset())


def test_what_is_gained_is_not_served_before_that_is_said() -> None:
    ownership = LeasedShards(LEASE, MARGIN, LAST)
    assert ownership.renewed({SHARD: 4}, 0) == ({SHARD}, frozenset())
    assert not ownership.owns(ENDPOINT)
    ownership.serve([SHARD])
    assert ownership.owns(ENDPOINT)
    assert ownership.served == {SHARD}


@pytest.mark.fault("R10")
def test_a_lease_is_counted_from_when_it_was_asked_for_and_ends_early() -> None:
    ownership = leased(SHARD, asked_at=1000)
    assert (ownership.until, ownership.ends) == (13_000, 15_000)
    assert not ownership.expired(14_999)
    assert ownership.owns(ENDPOINT)
    assert ownership.expired(15_000) == {SHARD}
    assert not ownership.owns(ENDPOINT)
    assert not ownership.expired(15_000), "once"


def test_a_renewal_that_names_a_shard_no_more_loses_it() -> None:
    ownership = leased(1, 2, 3)
    assert ownership.renewed({2: 1, 4: 9}, 5000) == ({4}, {1, 3})
    assert ownership.served == {2}


def test_a_shard_that_had_another_owner_in_between_is_lost_and_gained() -> None:
    ownership = leased(1, 2)
    assert ownership.renewed({1: 1, 2: 3}, 5000) == ({2}, {2})
    assert ownership.served == {1}


def test_what_was_lost_by_time_is_gained_anew_even_in_the_same_epoch() -> None:
    ownership = leased(1)
    ownership.expired(LEASE)
    assert ownership.renewed({1: 1}, LEASE) == ({1}, frozenset())
    assert not ownership.served


def test_what_rests_is_held_and_not_served_and_what_is_given_is_neither() -> None:
    ownership = leased(1, 2)
    ownership.rest([1])
    assert (ownership.held, ownership.served) == ({1, 2}, {2})
    ownership.give([1])
    assert ownership.held == {2}


@given(st.integers(0, (1 << 63) - 1 - SPAN), st.integers(0, SHARDS - 1))
def test_among_some_numbers_in_a_row_every_shard_has_one(first: int, shard: int) -> None:
    number = first_in(shard, first)
    assert first <= number < first + SPAN
    assert shard_of(number) == shard


@given(st.text())
def test_a_name_has_a_shard(name: str) -> None:
    assert 0 <= shard_of_name(name) < SHARDS


def test_shards_are_spread_evenly_over_endpoints_that_are_made_together_and_apart() -> None:
    for step in (1, 2, 1 << 15, 1 << 22):
        counts = [0] * SHARDS
        for number in range(SHARDS * 100):
            counts[shard_of((1 << 60) + number * step)] += 1
        assert max(counts) <= 2 * 100, step
