"""The rules of a lane: what one endpoint may do now. Times are ms, and start at 0."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.samples import an_event

from reelhook.model.delivery import Trigger
from reelhook.ports import Claimed
from reelhook.worker.circuit import Circuit, CircuitRule, CircuitState
from reelhook.worker.lanes import NEVER, Lane
from reelhook.worker.rate_window import RateWindow
from reelhook.worker.ring import Ring

RULE = CircuitRule(failures=3, pause=1000, longest=4000)
GAPS = st.lists(st.integers(0, 400), max_size=80)


def a_lane(endpoint_id: int = 1, app_id: str = "default", *, ready: int = 0, room: int = 10, permits: int = 4) -> Lane:
    lane = Lane(endpoint_id, app_id, Circuit(RULE))
    lane.room, lane.permits = room, permits
    lane.ready.extend(a_claimed(endpoint_id, number) for number in range(ready))
    return lane


def a_claimed(endpoint_id: int = 1, number: int = 0) -> Claimed:
    return Claimed(number, number, endpoint_id, an_event(), 1, 0, Trigger.SCHEDULE)


def broken(lane: Lane, now: int = 0) -> Lane:
    while not lane.circuit.failed(now):
        pass
    return lane


# The rate window


@given(st.integers(1, 5), st.integers(1, 500), GAPS)
def test_no_window_of_its_length_ever_holds_more_than_the_count(count: int, per: int, gaps: list[int]) -> None:
    window, now, begun = RateWindow(count, per), 0, []
    for gap in gaps:
        now += gap
        if window.free(now) > 0:
            window.begin(now)
            begun.append(now)
    for start in begun:
        assert sum(start <= moment < start + per for moment in begun) <= count


@given(st.integers(1, 5), st.integers(1, 500), GAPS)
def test_the_window_never_holds_back_longer_than_it_must(count: int, per: int, gaps: list[int]) -> None:
    window, now, begun = RateWindow(count, per), 0, []
    for gap in gaps:
        now += gap
        recent = sum(now - per < moment for moment in begun)
        assert window.free(now) == count - recent
        if recent < count:
            window.begin(now)
            begun.append(now)
        else:
            assert window.next_at() == begun[-count] + per > now


# The circuit


def test_so_many_failures_in_a_row_open_the_circuit() -> None:
    circuit = Circuit(RULE)
    assert [circuit.failed(0) for _ in range(3)] == [False, False, True]
    assert circuit.state is CircuitState.OPEN
    assert not circuit.allows(999)


def test_a_success_between_failures_starts_the_count_anew() -> None:
    circuit = Circuit(RULE)
    circuit.failed(0)
    circuit.failed(0)
    circuit.succeeded()
    assert not circuit.failed(0)
    assert circuit.state is CircuitState.CLOSED


def test_after_its_pause_the_circuit_probes_and_a_success_closes_it() -> None:
    circuit = broken(a_lane()).circuit
    assert circuit.allows(1000)
    assert circuit.state is CircuitState.PROBING
    circuit.succeeded()
    assert circuit.state is CircuitState.CLOSED


def test_each_failed_probe_doubles_the_pause_up_to_the_longest() -> None:
    circuit, now, pauses = broken(a_lane()).circuit, 0, []
    for _ in range(4):
        pauses.append(circuit.until - now)
        now = circuit.until
        assert circuit.allows(now)
        assert circuit.failed(now)
    assert pauses == [1000, 2000, 4000, 4000]


def test_a_success_makes_the_next_pause_short_again() -> None:
    circuit = broken(a_lane()).circuit
    circuit.allows(1000)
    circuit.failed(1000)
    circuit.allows(3000)
    circuit.succeeded()
    while not circuit.failed(5000):
        pass
    assert circuit.until == 6000


def test_late_failures_do_not_prolong_an_open_circuit() -> None:
    circuit = broken(a_lane()).circuit
    assert not circuit.failed(500)
    assert circuit.until == 1000


# What a lane may send


def test_a_lane_sends_while_it_has_something_ready_and_a_permit() -> None:
    assert not a_lane().may_send(0)
    lane = a_lane(ready=1, permits=2)
    assert lane.may_send(0)
    lane.in_flight = 2
    assert not lane.may_send(0)


def test_a_held_lane_sends_nothing() -> None:
    lane = a_lane(ready=1)
    lane.held = True
    assert not lane.may_send(0)
    assert lane.parked()


def test_a_probing_lane_sends_one_at_a_time() -> None:
    lane = broken(a_lane(ready=2))
    assert not lane.may_send(999)
    assert lane.may_send(1000)
    lane.in_flight = 1
    assert not lane.may_send(1000)


def test_a_lane_over_its_rate_waits_for_the_window() -> None:
    lane = a_lane(ready=2)
    lane.rate = RateWindow(1, 100)
    lane.rate.begin(0)
    assert not lane.may_send(99)
    assert lane.may_send(100)


# What is handed over


def test_accept_hands_over_while_there_is_room() -> None:
    lane = a_lane(ready=1, room=3)
    lane.reserved = 1
    assert lane.may_reserve(0)
    lane.reserved = 2
    assert not lane.may_reserve(0)


@pytest.mark.parametrize("trait", ["held", "ordered"])
def test_accept_hands_nothing_over_to_a_held_or_ordered_endpoint(trait: str) -> None:
    lane = a_lane()
    setattr(lane, trait, True)
    assert not lane.may_reserve(0)


def test_an_old_backlog_goes_first_but_one_that_is_being_worked_on_does_not_hinder() -> None:
    lane = a_lane()
    lane.next_due = 4500
    assert lane.may_reserve(5000)
    assert not lane.may_reserve(5500)


def test_a_retry_that_is_due_later_does_not_hinder_new_deliveries() -> None:
    lane = a_lane()
    lane.next_due = 10_000
    assert lane.may_reserve(0)


def test_accept_hands_nothing_over_while_the_circuit_is_open_or_probing() -> None:
    lane = broken(a_lane())
    assert not lane.may_reserve(0)
    assert lane.circuit.allows(1000)
    assert not lane.may_reserve(1000)


def test_accept_hands_over_no_more_than_the_rate_lets_begin_now() -> None:
    lane = a_lane(ready=1)
    lane.rate = RateWindow(3, 1000)
    lane.rate.begin(0)
    assert lane.may_reserve(0)
    lane.reserved = 1
    assert not lane.may_reserve(0)


# What is claimed


def test_what_is_due_is_claimed_as_far_as_there_is_room() -> None:
    lane = a_lane(ready=2, room=10, permits=20)
    lane.took(1, 0)
    assert lane.claimable(0) == 0
    lane.next_due = 5
    assert lane.claimable(4) == 0
    assert lane.claimable(5) == 8


def test_a_claim_leaves_most_places_to_what_is_accepted_meanwhile() -> None:
    lane = a_lane(room=400, permits=64)
    lane.took(1, 0)
    lane.next_due = 0
    assert lane.claimable(0) == 100


def test_a_claim_always_brings_as_much_as_may_be_sent_at_once() -> None:
    lane = a_lane(room=100, permits=64)
    lane.took(1, 0)
    lane.next_due = 0
    assert lane.claimable(0) == 64


def test_a_lane_more_than_half_full_is_not_topped_up_one_by_one() -> None:
    lane = a_lane(ready=6, room=10)
    lane.next_due = 0
    assert lane.claimable(0) == 0


@pytest.mark.parametrize("trait", ["held", "claiming"])
def test_a_held_lane_and_one_that_is_claiming_claim_nothing(trait: str) -> None:
    lane = a_lane()
    lane.next_due = 0
    setattr(lane, trait, True)
    assert lane.claimable(0) == 0


def test_a_probing_lane_claims_one_and_then_no_more() -> None:
    lane = broken(a_lane())
    lane.next_due = 0
    assert lane.claimable(999) == 0
    assert lane.claimable(1000) == 1
    lane.in_flight = 1
    assert lane.claimable(1000) == 0


def test_no_more_is_claimed_than_the_rate_lets_begin_now() -> None:
    lane = a_lane(room=10)
    lane.next_due = 0
    lane.rate = RateWindow(3, 1000)
    lane.rate.begin(0)
    assert lane.claimable(0) == 2
    lane.ready.append(a_claimed())
    assert lane.claimable(0) == 1


# When it is looked at again


def test_an_idle_lane_sleeps_until_something_happens() -> None:
    assert a_lane().wakes_at(0) == NEVER


def test_a_lane_wakes_when_its_next_delivery_is_due() -> None:
    lane = a_lane()
    lane.next_due = 700
    assert lane.wakes_at(0) == 700
    lane.claiming = True
    assert lane.wakes_at(0) == NEVER


def test_a_lane_with_an_open_circuit_wakes_when_it_may_probe() -> None:
    lane = broken(a_lane(), now=200)
    assert lane.wakes_at(300) == NEVER
    lane.next_due = 0
    assert lane.wakes_at(300) == 1200


def test_a_lane_over_its_rate_wakes_when_the_window_has_moved_on() -> None:
    lane = a_lane(ready=1)
    lane.rate = RateWindow(1, 100)
    lane.rate.begin(50)
    assert lane.wakes_at(60) == 150


def test_a_held_lane_wakes_only_when_somebody_changes_it() -> None:
    lane = a_lane(ready=1)
    lane.next_due, lane.held = 0, True
    assert lane.wakes_at(0) == NEVER


def test_an_endpoint_is_quick_until_its_answers_are_slow() -> None:
    lane = a_lane()
    assert lane.is_quick(0)
    for _ in range(100):
        lane.took(2000, 0)
    assert not lane.is_quick(0)


@pytest.mark.fault("R19")
def test_an_endpoint_that_hangs_from_its_first_attempt_on_is_not_quick() -> None:
    lane = a_lane(ready=1)
    lane.in_flight, lane.moved_at = 4, 1000
    assert lane.is_quick(1050)
    assert not lane.is_quick(1200)
    lane.took(5, 1190)
    assert lane.is_quick(1200)


# The ring


def turns(ring: Ring, lanes: list[Lane], most: int = 1000) -> list[int]:
    """Begin what the ring lets begin, ending nothing; return whose turns they were."""
    for lane in lanes:
        if lane.ready:
            ring.add(lane)
    taken = []
    while len(taken) < most and (lane := ring.next(0)) is not None:
        lane.ready.popleft()
        lane.in_flight += 1
        taken.append(lane.endpoint_id)
        ring.begun(lane)
    return taken


@given(st.lists(st.integers(0, 20), min_size=1, max_size=8))
def test_every_lane_has_its_turn_before_any_has_a_second(backlogs: list[int]) -> None:
    lanes = [a_lane(number, ready=count, permits=100) for number, count in enumerate(backlogs)]
    seen: Counter[int] = Counter()
    for endpoint_id in turns(Ring(1000), lanes):
        waiting = [lane.endpoint_id for lane in lanes if lane.ready and lane.endpoint_id != endpoint_id]
        assert all(seen[endpoint_id] <= seen[other] for other in waiting)
        seen[endpoint_id] += 1
    assert seen == Counter({number: count for number, count in enumerate(backlogs) if count})


def test_a_lane_whose_permits_are_all_in_use_takes_part_again_when_one_comes_back() -> None:
    ring, lane = Ring(1000), a_lane(1, ready=3, permits=1)
    assert turns(ring, [lane]) == [1]
    ring.add(lane)
    assert not ring.has_turns()
    lane.in_flight -= 1
    ring.ended(lane)
    assert ring.next(0) is lane


def test_a_lane_without_permits_leaves_the_turns_to_the_others() -> None:
    hanging, lively = a_lane(1, ready=50, permits=2), a_lane(2, ready=5, permits=100)
    assert sorted(turns(Ring(1000), [hanging, lively])) == [1, 1, 2, 2, 2, 2, 2]


def test_an_app_never_has_more_in_flight_than_its_share_and_goes_on_when_one_ends() -> None:
    ring = Ring(per_app=3)
    greedy = [a_lane(number, "greedy", ready=5, permits=10) for number in (1, 2)]
    modest = a_lane(3, "modest", ready=2)
    assert sorted(turns(ring, [*greedy, modest])) == [1, 1, 2, 3, 3]
    greedy[0].in_flight -= 1
    ring.ended(greedy[0])
    assert len(turns(ring, [])) == 1


def test_lanes_that_wait_for_their_apps_share_are_kept_once_each() -> None:
    ring = Ring(per_app=1)
    lane = a_lane(1, ready=5)
    turns(ring, [lane])
    for _ in range(100):
        turns(ring, [lane])
    assert sum(map(len, ring._blocked.values())) == 1
    lane.in_flight -= 1
    ring.ended(lane)
    assert turns(ring, []) == [1]


def test_congestion_counts_what_quick_endpoints_have_ready() -> None:
    ring = Ring(1000)
    quick, slow, limited = (a_lane(number, ready=4) for number in (1, 2, 3))
    for _ in range(100):
        slow.took(2000, 0)
    limited.rate = RateWindow(1, 1000)
    for lane in (quick, slow, limited):
        ring.add(lane)
    assert ring.crowded(3, 0)
    assert not ring.crowded(4, 0)


def test_congestion_counts_endpoints_that_have_no_permit_left_until_what_was_ready_goes_back() -> None:
    ring, lane = Ring(1000), a_lane(1, ready=8, permits=2)
    assert len(turns(ring, [lane])) == 2
    assert ring.crowded(5, 0)
    lane.ready.clear()
    ring.emptied(lane)
    assert not ring.crowded(0, 0)
    assert not ring._stalled


def test_of_many_apps_those_are_crowded_that_have_more_than_their_part() -> None:
    ring = Ring(1000)
    for number, (app_id, ready) in enumerate([("loud", 90), ("quiet", 3), ("idle", 0)]):
        lane = a_lane(number, ready=ready, app_id=app_id)
        ring.add(lane)
    assert set(ring.crowded(50, 0)) == {"loud"}
    assert not ring.crowded(93, 0)


def test_many_apps_that_are_busy_together_all_wait() -> None:
    ring = Ring(1000)
    for number in range(10):
        ring.add(a_lane(number, ready=10, app_id=f"app{number}"))
    assert len(ring.crowded(50, 0)) == 10
