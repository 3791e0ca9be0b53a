"""The dispatcher in virtual time: what is held is not sent, and its circuit may hold an endpoint too."""

import asyncio

import pytest
from tests.unit.dispatch_scene import DOWN, OK, UNPREPARED, WRONG, Scene
from tests.unit.dispatch_story import limited, play
from tests.unit.samples import an_endpoint

from reelhook.model.attempt import Failure, Verdict
from reelhook.model.endpoint import DisabledReason, EndpointState
from reelhook.worker.circuit import CircuitState


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


def test_a_receiver_that_cannot_even_be_spoken_to_opens_the_circuit() -> None:
    async def story(scene: Scene) -> None:
        scene.receivers[1].verdict = Verdict(False, Failure.CERTIFICATE, "self-signed")
        scene.hand_over(1, 5)
        await asyncio.sleep(0.5)

    assert play(story).opened == [1]


@pytest.mark.fault("R29")
def test_while_the_installation_is_on_hold_nothing_begins_and_then_all_of_it_does() -> None:
    async def story(scene: Scene) -> None:
        await scene.prove(1)
        scene.receivers[1].seconds = 1
        made = scene.hand_over(1, 5)
        await asyncio.sleep(0.1)
        scene.dispatcher.suspend()
        await asyncio.sleep(10)
        assert scene.sent_to(1) == made[:2], "what is under way ends"
        assert scene.dispatcher.failing() is None
        assert scene.dispatcher.in_memory == 0
        scene.hand_over(1, 2)
        waiting = [delivery for _, delivery in scene.waiting_rows[1]]
        scene.enqueue(2, 1, after=60, tell=True)
        claims = scene.claims
        scene.dispatcher.survey()
        await asyncio.sleep(3600)
        assert len(waiting) == 5
        assert scene.claims == claims, "nothing is taken out of the queue in vain"
        scene.dispatcher.start()
        await asyncio.sleep(10)
        assert sorted(scene.sent_to(1)) == sorted(made[:2] + waiting)
        assert len(scene.sent_to(2)) == 1

    play(story, per_endpoint=2)


def test_what_is_claimed_in_the_moment_of_a_hold_goes_back() -> None:
    async def story(scene: Scene) -> None:
        made = scene.enqueue(1, 3, tell=True)
        await asyncio.sleep(0.0005)
        assert scene.claims == 1
        scene.dispatcher.suspend()
        await asyncio.sleep(1)
        assert scene.released == made
        assert not scene.began
        scene.dispatcher.start()
        await asyncio.sleep(1)
        assert scene.sent_to(1) == made

    play(story)


def test_a_dispatcher_that_was_drained_does_not_go_on_when_a_hold_ends() -> None:
    async def story(scene: Scene) -> None:
        scene.dispatcher.suspend()
        scene.enqueue(1, 1, tell=True)
        await scene.dispatcher.drain(1)
        scene.dispatcher.start()
        await asyncio.sleep(60)
        assert not scene.began

    play(story)


def test_what_was_due_before_a_hold_and_is_due_later_after_it_waits_until_then() -> None:
    async def story(scene: Scene) -> None:
        scene.dispatcher.suspend()
        (one,) = scene.enqueue(1, 1, tell=True)
        await asyncio.sleep(1)
        scene.waiting_rows[1] = [(scene.clock.now() + 30_000, one)]
        scene.dispatcher.start()
        await asyncio.sleep(29)
        assert not scene.began
        await asyncio.sleep(2)
        assert scene.sent_to(1) == [one]

    play(story)
