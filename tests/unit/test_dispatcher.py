"""The dispatcher in virtual time: seconds cost nothing, and every run is the same."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.unit.dispatch_scene import DOWN, OK, RULE, UNPREPARED, WRONG, Scene
from tests.unit.samples import an_endpoint
from tests.worker.virtual import virtually

from reelhook.errors import Unavailable
from reelhook.model.attempt import Failure, Verdict
from reelhook.model.endpoint import DisabledReason, EndpointState, Ordering, RateLimit
from reelhook.worker import dispatcher as dispatcher_module
from reelhook.worker import memory as memory_module
from reelhook.worker.dispatcher import Limits
from reelhook.worker.lanes import CircuitState

Story = Callable[[Scene], Awaitable[Any]]


def play(story: Story, *endpoints: Any, **limits: Any) -> Scene:
    """Run a story around a dispatcher that was started, and return what it left behind."""

    async def play() -> Scene:
        scene = Scene(Limits(**{"circuit": RULE} | limits), endpoints)
        scene.dispatcher.start()
        await story(scene)
        return scene

    return virtually(play())


def limited(**more: Any) -> tuple[Any, Any]:
    return an_endpoint(id=1, **more), an_endpoint(id=2)


# What is sent when


def test_what_waits_at_the_start_is_sent() -> None:
    async def story() -> Scene:
        scene = Scene()
        made = scene.enqueue(1, 3)
        scene.dispatcher.start()
        await asyncio.sleep(1)
        assert scene.sent_to(1) == made
        return scene

    scene = virtually(story())
    assert {one.delivery_id for one in scene.recorded} == set(scene.sent_to(1))


def test_what_nobody_told_of_is_found_by_the_survey() -> None:
    async def story(scene: Scene) -> None:
        made = scene.enqueue(2, 2)
        await asyncio.sleep(5)
        assert scene.sent_to(2) == []
        scene.dispatcher.survey()
        await asyncio.sleep(1)
        assert scene.sent_to(2) == made

    play(story)


def test_what_is_handed_over_is_sent_at_once_without_the_queue() -> None:
    async def story(scene: Scene) -> None:
        made = scene.hand_over(1, 3)
        await asyncio.sleep(0.001)
        assert scene.sent_to(1) == made

    assert play(story).claims == 0


@pytest.mark.fault("R14")
def test_nothing_is_sent_before_it_is_due() -> None:
    async def story(scene: Scene) -> None:
        scene.enqueue(1, after=3600, tell=True)
        await asyncio.sleep(7200)

    (at,) = play(story).times_of(1)
    assert 3600 <= at < 3601


def test_a_delivery_that_is_retried_waits_for_its_time_and_then_goes() -> None:
    async def story(scene: Scene) -> None:
        scene.receivers[1].verdict, scene.receivers[1].retries_after = DOWN, 300
        scene.hand_over(1)
        await asyncio.sleep(1)
        scene.receivers[1].verdict = OK
        await asyncio.sleep(600)

    first, second = play(story).times_of(1)
    assert 300 <= second - first < 301


def test_a_long_backlog_is_worked_off_in_order() -> None:
    async def story(scene: Scene) -> None:
        made = scene.enqueue(1, 5000, tell=True)
        await asyncio.sleep(60)
        assert scene.sent_to(1) == made

    assert play(story, room=100).dispatcher.in_memory == 0


# One endpoint never delays another


@pytest.mark.fault("R19")
def test_an_endpoint_that_hangs_with_a_backlog_does_not_delay_the_others() -> None:
    async def story(scene: Scene) -> None:
        scene.receivers[1].seconds = None
        scene.enqueue(1, 2000, tell=True)
        scene.hand_over(1, 2000)
        await asyncio.sleep(1)
        for _ in range(100):
            began = len(scene.began)
            (made,) = scene.hand_over(2)
            await asyncio.sleep(0)
            assert scene.began[began][2] == made
            await asyncio.sleep(0.1)

    assert len(play(story, per_endpoint=64, in_flight=100).sent_to(1)) == 64


def test_endpoints_with_backlogs_take_turns() -> None:
    async def story(scene: Scene) -> None:
        for endpoint_id in (1, 2, 3):
            scene.enqueue(endpoint_id, 50, tell=True)
        await asyncio.sleep(5)

    scene = play(story, *(an_endpoint(id=number) for number in (1, 2, 3)), in_flight=3)
    order = [endpoint_id for _, endpoint_id, _ in scene.began]
    assert len(order) == 150
    assert all(abs(order[:seen].count(1) - order[:seen].count(3)) <= 4 for seen in range(150))


def test_no_endpoint_app_or_dispatcher_ever_has_more_in_flight_than_its_limit() -> None:
    async def story(scene: Scene) -> None:
        for endpoint_id in range(1, 7):
            scene.enqueue(endpoint_id, 30, tell=True)
        for _ in range(200):
            await asyncio.sleep(0.005)
            greedy = sum(scene.in_flight[endpoint_id] for endpoint_id in range(1, 5))
            assert greedy <= 8
            assert sum(scene.in_flight.values()) == scene.dispatcher.in_flight <= 10
        await asyncio.sleep(10)

    endpoints = [an_endpoint(id=number, app_id="greedy") for number in range(1, 5)]
    endpoints += [an_endpoint(id=number, app_id="modest", concurrency=1) for number in (5, 6)]
    scene = play(story, *endpoints, per_endpoint=3, per_app=8, in_flight=10)
    assert len(scene.recorded) == 180
    assert [scene.most_in_flight[number] for number in range(1, 7)] == [3, 3, 3, 3, 1, 1]


@pytest.mark.parametrize("way", ["enqueue", "hand_over"])
def test_a_rate_limit_is_kept_exactly_and_used_fully(way: str) -> None:
    async def story(scene: Scene) -> None:
        scene.enqueue(1, 9, tell=True) if way == "enqueue" else scene.hand_over(1, 9)
        await asyncio.sleep(10)

    times = play(story, *limited(rate_limit=RateLimit(3, 1.0))).times_of(1)
    assert len(times) == 9
    assert all(later - earlier >= 1.0 for earlier, later in zip(times, times[3:], strict=False))
    assert times[-1] < 2.1


def test_a_change_of_something_else_does_not_start_the_rate_limit_anew() -> None:
    async def story(scene: Scene) -> None:
        scene.hand_over(1, 6)
        await asyncio.sleep(0.1)
        scene.dispatcher.changed(an_endpoint(id=1, version=2, name="renamed", rate_limit=RateLimit(3, 1.0)))
        await asyncio.sleep(0.1)
        assert len(scene.sent_to(1)) == 3
        await asyncio.sleep(5)
        assert len(scene.sent_to(1)) == 6

    play(story, *limited(rate_limit=RateLimit(3, 1.0)))


def test_an_endpoint_that_is_ordered_as_a_whole_gets_one_at_a_time() -> None:
    async def story(scene: Scene) -> None:
        assert not scene.reserve(1)
        scene.enqueue(1, 5, tell=True)
        await asyncio.sleep(1)

    scene = play(story, *limited(ordering=Ordering.ENDPOINT))
    assert (len(scene.sent_to(1)), scene.most_in_flight[1]) == (5, 1)


# Holding


@pytest.mark.fault("R21")
def test_a_held_endpoint_gets_nothing_more_and_what_was_ready_goes_back() -> None:
    async def story(scene: Scene) -> None:
        await scene.prove(1)
        scene.receivers[1].seconds = 1
        made = scene.hand_over(1, 5)
        await asyncio.sleep(0.1)
        scene.dispatcher.hold(1)
        await asyncio.sleep(0.1)
        assert scene.released == made[2:]
        scene.hand_over(1, 2)
        await asyncio.sleep(3600)
        assert scene.sent_to(1) == made[:2]
        assert len(scene.waiting_rows[1]) == 5

    assert play(story, per_endpoint=2).dispatcher.in_memory == 0


def test_what_was_held_is_sent_when_the_endpoint_is_active_again() -> None:
    paused = an_endpoint(id=1, version=2, state=EndpointState.PAUSED)

    async def story(scene: Scene) -> None:
        scene.dispatcher.changed(paused)
        scene.enqueue(1, 3, tell=True)
        await asyncio.sleep(60)
        assert not scene.began
        scene.dispatcher.changed(an_endpoint(id=1, version=3))
        await asyncio.sleep(1)
        assert len(scene.sent_to(1)) == 3

    play(story)


def test_what_is_claimed_while_the_endpoint_is_paused_goes_back() -> None:
    async def story(scene: Scene) -> None:
        made = scene.enqueue(1, 3, tell=True)
        await asyncio.sleep(0.0005)
        assert scene.claims == 1
        scene.dispatcher.hold(1)
        await asyncio.sleep(1)
        assert scene.released == made

    assert not play(story).began


@pytest.mark.fault("R16")
def test_an_attempt_that_disables_its_endpoint_is_the_last_one() -> None:
    async def story(scene: Scene) -> None:
        await scene.prove(1)
        scene.receivers[1].verdict, scene.receivers[1].disables = WRONG, DisabledReason.GONE
        scene.hand_over(1, 5)
        await asyncio.sleep(60)

    scene = play(story, *limited(concurrency=1))
    assert scene.disabled == [(1, DisabledReason.GONE, "asset.created")]
    assert (len(scene.began), len(scene.released)) == (1, 4)


def test_an_endpoint_nobody_knows_is_not_waited_for() -> None:
    async def story(scene: Scene) -> None:
        scene.dispatcher.waits((99,), 0)
        assert not scene.reserve(99)

    assert not play(story).began


# The circuit


@pytest.mark.fault("R20")
def test_a_dead_endpoint_is_left_alone_probed_and_taken_up_again() -> None:
    async def story(scene: Scene) -> None:
        scene.receivers[1].verdict, scene.receivers[1].retries_after = DOWN, 0.5
        scene.hand_over(1, 20)
        await asyncio.sleep(7.5)
        assert scene.dispatcher.circuit(1) is CircuitState.OPEN
        probes = [at for at in scene.times_of(1) if at > 0.5]
        assert [round(at) for at in probes] == [1, 3, 7]
        scene.receivers[1].verdict = OK
        await asyncio.sleep(30)
        assert scene.dispatcher.circuit(1) is CircuitState.CLOSED
        assert len({one.delivery_id for one in scene.recorded if one.due_at is None}) == 20

    assert play(story, *limited(concurrency=3)).opened == [1, 1, 1, 1]


def test_an_endpoint_that_answers_lives_whatever_it_answers() -> None:
    async def story(scene: Scene) -> None:
        scene.receivers[1].verdict = WRONG
        scene.hand_over(1, 20)
        await asyncio.sleep(5)
        assert len(scene.began) == 20

    assert not play(story).opened


def test_an_attempt_that_could_not_be_prepared_says_nothing_about_the_receiver() -> None:
    async def story(scene: Scene) -> None:
        scene.receivers[1].verdict = DOWN
        scene.hand_over(1, 2)
        await asyncio.sleep(1)
        scene.receivers[1].verdict = UNPREPARED
        scene.hand_over(1)
        await asyncio.sleep(1)
        scene.receivers[1].verdict = DOWN
        scene.hand_over(1)
        await asyncio.sleep(1)

    assert play(story).opened == [1]


def test_accept_does_not_hand_over_to_an_open_circuit() -> None:
    async def story(scene: Scene) -> None:
        scene.receivers[1].verdict = DOWN
        scene.hand_over(1, 3)
        await asyncio.sleep(0.1)
        assert not scene.reserve(1)
        assert scene.reserve(2)

    play(story)


@pytest.mark.fault("R21")
def test_what_has_its_turn_is_not_sent_when_its_endpoint_is_held_before_it_begins() -> None:
    async def story(scene: Scene) -> None:
        made = scene.hand_over(1, 2)
        scene.dispatcher.hold(1)  # in the turn of the loop in which both got their permits
        await asyncio.sleep(1)
        assert not scene.began
        assert sorted(scene.released) == made

    scene = play(story)
    assert (scene.dispatcher.in_flight, scene.dispatcher.in_memory, scene.dispatcher.bytes_in_memory) == (0, 0, 0)


def test_circuits_are_counted_by_state_without_a_walk_through_them() -> None:
    async def story(scene: Scene) -> None:
        assert scene.dispatcher.circuits(2) == {"closed": 2, "open": 0, "probing": 0}
        scene.receivers[1].verdict = DOWN
        scene.hand_over(1, 3)
        await asyncio.sleep(0.1)
        assert scene.dispatcher.circuits(2) == {"closed": 1, "open": 1, "probing": 0}
        scene.enqueue(1, 5, tell=True)
        scene.receivers[1].seconds = 5
        await asyncio.sleep(2)
        assert scene.dispatcher.circuits(2) == {"closed": 1, "open": 0, "probing": 1}
        scene.receivers[1].verdict = OK
        await asyncio.sleep(30)
        assert scene.dispatcher.circuits(2) == {"closed": 2, "open": 0, "probing": 0}
        scene.receivers[1].verdict = DOWN
        scene.hand_over(1, 3)
        await asyncio.sleep(10)
        del scene.endpoints[1]
        scene.dispatcher.hold(1)
        await asyncio.sleep(60)
        scene.dispatcher.survey()
        assert scene.dispatcher.circuits(1) == {"closed": 1, "open": 0, "probing": 0}

    play(story)


def test_lanes_of_endpoints_that_are_gone_are_forgotten_once_nothing_is_under_way() -> None:
    async def story(scene: Scene) -> None:
        scene.hand_over(1)
        scene.receivers[2].seconds = 100
        scene.hand_over(2)
        await asyncio.sleep(1)
        scene.endpoints.clear()
        for endpoint_id in (1, 2):
            scene.dispatcher.hold(endpoint_id)
        scene.dispatcher.survey()
        assert list(scene.dispatcher._lanes) == [2]
        await asyncio.sleep(100)
        scene.dispatcher.survey()
        assert not scene.dispatcher._lanes
        assert len(scene.recorded) == 2

    play(story)


# The memory is bounded


def test_large_events_fill_the_memory_by_their_bytes_and_not_by_their_number() -> None:
    async def story(scene: Scene) -> None:
        scene.event_size = 1000
        scene.receivers[1].seconds = 5
        assert [scene.reserve(1) for _ in range(11)] == [True] * 10 + [False]
        scene.cancel([1] * 10)
        assert scene.dispatcher.bytes_in_memory == 0
        scene.hand_over(1, 30)
        await asyncio.sleep(1)
        assert len(scene.began) == 10, "what is under way is still in memory"
        assert scene.dispatcher.bytes_in_memory == 10_000
        await asyncio.sleep(20)
        assert len(scene.recorded) == 30

    assert play(story, in_memory_bytes=20_000).dispatcher.bytes_in_memory == 0


def test_a_claim_brings_in_no_more_bytes_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_module, "_SMALLEST_CLAIM", 3000)

    async def story(scene: Scene) -> None:
        scene.event_size = 1000
        scene.receivers[1].seconds = 5
        scene.enqueue(1, 40, tell=True)
        for _ in range(100):
            await asyncio.sleep(0.1)
            assert scene.dispatcher.bytes_in_memory <= 10_000 + 3000
        await asyncio.sleep(60)
        assert len(scene.recorded) == 40

    assert play(story, in_memory_bytes=20_000).dispatcher.bytes_in_memory == 0


def test_one_apps_backlog_leaves_half_of_the_memory_to_the_others() -> None:
    async def story(scene: Scene) -> None:
        scene.receivers[1].seconds = None
        scene.enqueue(1, 50, tell=True)
        scene.hand_over(1, 50)
        await asyncio.sleep(1)
        assert scene.dispatcher.in_memory == 10
        scene.hand_over(2, 5)
        scene.enqueue(2, 5, tell=True)
        await asyncio.sleep(1)
        assert len(scene.sent_to(2)) == 10

    play(story, an_endpoint(id=1), an_endpoint(id=2, app_id="other"), in_memory=20, per_endpoint=10)


def test_a_result_that_cannot_be_stored_keeps_its_bytes_until_it_is_back_in_the_queue() -> None:
    async def story(scene: Scene) -> None:
        scene.record_fails.append(Unavailable("a fault"))
        scene.hand_over(1)
        await asyncio.sleep(1)
        assert scene.dispatcher.bytes_in_memory == scene.event_size
        await asyncio.sleep(60)
        assert len(scene.recorded) == 1

    assert play(story).dispatcher.bytes_in_memory == 0


def test_places_are_counted_and_given_back() -> None:
    async def story(scene: Scene) -> None:
        assert [scene.reserve(1) for _ in range(4)] == [True, True, True, False]
        assert scene.dispatcher.in_memory == 3
        scene.cancel([1, 1, 1])
        assert scene.dispatcher.in_memory == 0
        assert scene.reserve(1)

    play(story, room=3)


def test_when_the_memory_is_full_nothing_more_is_handed_over_but_the_queue_waits_its_turn() -> None:
    async def story(scene: Scene) -> None:
        scene.receivers[1].seconds = 5
        assert [scene.reserve(1) for _ in range(11)] == [True] * 10 + [False]
        assert not scene.reserve(2)
        scene.enqueue(2, 1, tell=True)
        await asyncio.sleep(60)
        assert not scene.began
        scene.cancel([1] * 10)
        await asyncio.sleep(1)
        assert len(scene.sent_to(2)) == 1

    play(story, in_memory=20)  # of which an app has a half


def test_what_waits_is_claimed_when_the_places_that_filled_the_lane_are_given_back() -> None:
    async def story(scene: Scene) -> None:
        assert all(scene.reserve(1) for _ in range(10))
        scene.enqueue(1, 1, tell=True)
        await asyncio.sleep(60)
        assert not scene.began
        scene.cancel([1] * 10)
        await asyncio.sleep(1)
        assert len(scene.began) == 1

    play(story, room=10)


def test_accepting_waits_while_quick_endpoints_have_too_much_ready() -> None:
    async def story(scene: Scene) -> None:
        await scene.prove(1)
        scene.hand_over(1, 30)
        assert scene.dispatcher.congested()
        await asyncio.sleep(1)
        assert not scene.dispatcher.congested()

    play(story, per_endpoint=4, congestion=20)


def test_only_the_publishers_of_the_app_that_is_overloaded_wait() -> None:
    async def story(scene: Scene) -> None:
        await scene.prove(1)
        await scene.prove(2)
        scene.hand_over(1, 30)
        scene.hand_over(2, 2)
        assert set(scene.dispatcher.congested()) == {"default"}
        await asyncio.sleep(1)
        assert not scene.dispatcher.congested()

    play(story, an_endpoint(id=1), an_endpoint(id=2, app_id="other"), per_endpoint=4, congestion=20)


def test_nobody_waits_for_an_endpoint_whose_backlog_has_been_in_the_queue_for_long() -> None:
    async def story(scene: Scene) -> None:
        await scene.prove(1)
        scene.receivers[1].seconds = 0.09
        scene.enqueue(1, 2000, tell=True)
        await asyncio.sleep(1)
        assert scene.dispatcher.congested()
        await asyncio.sleep(12)
        assert scene.dispatcher.in_memory > 20
        assert not scene.dispatcher.congested()

    play(story, per_endpoint=4, congestion=20)


@pytest.mark.fault("R19")
def test_accepting_does_not_wait_for_an_endpoint_that_hangs() -> None:
    async def story(scene: Scene) -> None:
        await scene.prove(1)
        scene.receivers[1].seconds = None
        scene.hand_over(1, 30)
        await asyncio.sleep(1)
        assert scene.dispatcher.in_memory > 20
        assert not scene.dispatcher.congested()

    play(story, per_endpoint=4, congestion=20)


@pytest.mark.fault("R19")
def test_many_slow_endpoints_leave_permits_and_memory_to_the_quick_ones() -> None:
    slow = range(10, 30)

    async def story(scene: Scene) -> None:
        await scene.prove(1)
        for endpoint_id in slow:
            scene.receivers[endpoint_id].seconds = 14
            scene.enqueue(endpoint_id, 200, tell=True)
            scene.hand_over(endpoint_id, 50)
        await asyncio.sleep(1)
        for _ in range(20):
            scene.hand_over(1)
            await asyncio.sleep(0.1)
        assert len(scene.sent_to(1)) == 20
        await asyncio.sleep(14 * 200)
        assert all(len(scene.sent_to(endpoint_id)) == 250 for endpoint_id in slow)

    play(
        story,
        an_endpoint(id=1),
        *(an_endpoint(id=number) for number in slow),
        in_flight=40,
        per_app=40,
        per_endpoint=8,
        in_memory=400,  # of which an app has a half
    )


def test_a_receiver_that_cannot_even_be_spoken_to_opens_the_circuit() -> None:
    async def story(scene: Scene) -> None:
        scene.receivers[1].verdict = Verdict(False, Failure.CERTIFICATE, "self-signed")
        scene.hand_over(1, 5)
        await asyncio.sleep(0.5)

    assert play(story).opened == [1]


def test_a_delivery_whose_result_cannot_be_stored_goes_back_to_the_queue() -> None:
    async def story(scene: Scene) -> None:
        scene.record_fails.append(Unavailable("a fault"))
        made = scene.hand_over(1)
        await asyncio.sleep(60)
        assert scene.released == made
        assert [one.delivery_id for one in scene.recorded] == made

    play(story)


@pytest.mark.fault("R7")
def test_while_results_cannot_be_stored_nothing_new_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher_module, "_MOST_UNRECORDED", 5)

    async def story(scene: Scene) -> None:
        scene.unstored = asyncio.Event()
        scene.enqueue(1, 20, tell=True)
        await asyncio.sleep(60)
        assert len(scene.began) <= 5 + 2
        assert not scene.reserve(2)
        scene.unstored.set()
        await asyncio.sleep(5)
        assert len(scene.recorded) == 20

    play(story, per_endpoint=2)


def test_a_retry_far_away_does_not_pile_up_wake_ups_while_others_pass_it_by() -> None:
    async def story(scene: Scene) -> None:
        scene.enqueue(1, after=36_000, tell=True)
        for _ in range(500):
            scene.enqueue(1, tell=True)
            await asyncio.sleep(0.1)
        assert len(scene.began) == 500
        assert len(scene.dispatcher._agenda) < 100
        await asyncio.sleep(36_000)

    assert len(play(story).began) == 501


# Faults


def test_a_claim_that_fails_is_asked_for_again() -> None:
    async def story(scene: Scene) -> None:
        scene.claim_fails = [Unavailable("not now"), Unavailable("nor now")]
        scene.enqueue(1, tell=True)
        await asyncio.sleep(10)

    assert len(play(story).began) == 1


def test_a_queue_that_cannot_be_read_is_asked_again() -> None:
    async def story(scene: Scene) -> None:
        scene.claim_raises = [RuntimeError("the reader broke")]
        scene.enqueue(1, tell=True)
        await asyncio.sleep(0.5)
        assert not scene.began
        await asyncio.sleep(5)
        assert len(scene.began) == 1

    assert play(story).dispatcher.in_memory == 0


def test_a_fault_of_ours_is_told_until_it_is_overcome(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(scene: Scene) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(scene.dispatcher, "_send_ready", lambda: 1 / 0)
            scene.hand_over(1)
            assert "ZeroDivisionError" in (scene.dispatcher.failing() or "")
        await asyncio.sleep(2)
        assert scene.dispatcher.failing() is None
        assert len(scene.began) == 1

    play(story)


def test_an_attempt_that_meets_a_fault_of_ours_gives_its_permit_back_and_the_rest_goes_on() -> None:
    async def story(scene: Scene) -> None:
        scene.receivers[1].fault = RuntimeError("a bug")
        scene.hand_over(1, 2)
        await asyncio.sleep(0.015)
        scene.receivers[1].fault = None
        await asyncio.sleep(1)
        assert len(scene.began) == 2
        assert scene.dispatcher.in_flight == 0

    assert len(play(story, *limited(concurrency=1)).recorded) == 1


# The end


@pytest.mark.fault("R27")
def test_a_drain_lets_what_has_begun_end_and_gives_the_rest_back() -> None:
    async def story(scene: Scene) -> None:
        await scene.prove(1)
        scene.receivers[1].seconds = 2
        made = scene.hand_over(1, 5)
        await asyncio.sleep(0.1)
        await scene.dispatcher.drain(10)
        await asyncio.sleep(0.1)
        assert [one.delivery_id for one in scene.recorded] == made[:2]
        assert scene.released == made[2:]
        assert not scene.reserve(2)
        assert scene.dispatcher.failing() == "the dispatcher is not running"
        await asyncio.sleep(60)

    scene = play(story, per_endpoint=2)
    assert (len(scene.began), scene.dispatcher.in_memory) == (2, 0)


@pytest.mark.fault("R27")
def test_a_drain_ends_in_time_and_leaves_what_hangs_to_the_next_start() -> None:
    async def story(scene: Scene) -> None:
        scene.receivers[1].seconds = None
        scene.hand_over(1)
        await asyncio.sleep(0.1)
        began = asyncio.get_running_loop().time()
        await scene.dispatcher.drain(5)
        assert asyncio.get_running_loop().time() - began == pytest.approx(5)

    assert not play(story).recorded


def test_what_is_claimed_or_committed_during_a_drain_goes_back() -> None:
    async def story(scene: Scene) -> None:
        made = scene.enqueue(1, 3, tell=True)
        assert scene.reserve(2)
        await asyncio.sleep(0.0005)
        await scene.dispatcher.drain(1)
        scene.dispatcher.take([scene._claimed(2, 77, 77, from_queue=False)])
        await asyncio.sleep(1)
        assert sorted(scene.released) == sorted([*made, 77])

    scene = play(story)
    assert not scene.began
    assert scene.dispatcher.in_memory == 0
