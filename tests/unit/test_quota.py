"""Quotas: a window that all endpoints of one dialect in an app draw from. Times are ms in rules, s in stories."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.unit.dispatch_scene import RULE, Scene
from tests.unit.samples import an_endpoint
from tests.worker.virtual import LoopClock, virtually

from reelhook.model.endpoint import EndpointState, RateLimit
from reelhook.model.quota import Quota
from reelhook.worker.limits import Limits
from reelhook.worker.quota import FixedWindow, Quotas

MINUTE = 60.0
WALL = 1_000_000


# The window


def test_a_window_begins_with_the_first_attempt_after_the_end_of_the_last_one() -> None:
    window = FixedWindow(2, 1000)
    assert window.begin(700, WALL) == Quota(2, 1, WALL + 1000)
    assert window.begin(1600, WALL) == Quota(2, 0, WALL + 100)
    assert (window.free(1699), window.free(1700)) == (0, 2)
    assert window.begin(2500, WALL) == Quota(2, 1, WALL + 1000)


@given(st.integers(1, 5), st.integers(1, 500), st.lists(st.integers(0, 400), max_size=80))
def test_no_window_ever_holds_more_than_its_count_and_each_is_used_up(count: int, per: int, gaps: list[int]) -> None:
    window, now, start, begun = FixedWindow(count, per), 0, None, 0
    for gap in gaps:
        now += gap
        if start is None or now >= start + per:
            start, begun = now, 0
            assert window.free(now) == count
        if window.free(now):
            window.begin(now, now)
            begun += 1
            assert begun <= count
        else:
            assert begun == count


def test_what_waits_for_nothing_counts_also_where_nothing_is_left() -> None:
    window = FixedWindow(1, 1000)
    assert [window.begin(0, WALL).remaining for _ in range(3)] == [0, 0, 0]
    assert window.free(999) == 0


def test_a_preview_tells_how_it_would_stand_and_counts_nothing() -> None:
    window = FixedWindow(3, 1000)
    assert window.foretell(0, WALL) == Quota(3, 2, WALL + 1000)
    window.begin(0, WALL)
    assert window.foretell(400, WALL) == window.foretell(400, WALL) == Quota(3, 1, WALL + 600)


def test_a_window_that_grows_or_shrinks_remembers_what_has_begun() -> None:
    window = FixedWindow(3, 1000)
    for _ in range(3):
        window.begin(0, WALL)
    window.resize(5, 1000)
    assert window.free(10) == 2
    window.resize(1, 1000)
    assert window.free(10) == 0
    assert window.free(1000) == 1


def test_lanes_that_share_a_window_keep_a_part_of_it_each_and_one_at_least() -> None:
    window = FixedWindow(10, 1000)
    window.sharers = 1
    assert window.share(0) == 10
    window.sharers = 3
    assert window.share(0) == 3
    window.sharers = 100
    assert window.share(0) == 1
    for _ in range(10):
        window.begin(0, WALL)
    assert window.share(0) == 0


def test_who_was_served_lately_comes_a_moment_after_the_others() -> None:
    window = FixedWindow(1, 60_000)
    window.begin(600_000, WALL)
    window.sharers = 1
    assert window.turn_at(600_000) == 660_000
    window.sharers = 2
    turns = [window.turn_at(served_at) for served_at in (0, 500_000, 599_000, 601_000)]
    assert turns == sorted(turns)
    assert turns[0] < turns[-1] < 661_000


# The windows of all apps


def test_an_app_has_one_window_for_each_dialect_that_has_a_quota() -> None:
    quotas = Quotas(lambda app, dialect: RateLimit(5, MINUTE) if dialect == "vimeo" else None, LoopClock())
    assert quotas.window("a", "vimeo") is quotas.window("a", "vimeo")
    assert quotas.window("a", "vimeo") is not quotas.window("b", "vimeo")
    assert quotas.window("a", "standard") is None
    assert quotas.rehearse(an_endpoint(dialect="standard"), counted=True) is None


def test_the_windows_of_an_app_that_is_gone_are_forgotten() -> None:
    apps = {"a", "b"}
    quotas = Quotas(lambda app, _dialect: RateLimit(5, MINUTE) if app in apps else None, LoopClock())
    first, other = quotas.window("a", "vimeo"), quotas.window("b", "vimeo")
    apps.remove("a")
    quotas.changed("a")
    apps.add("a")
    assert quotas.window("a", "vimeo") is not first
    assert quotas.window("b", "vimeo") is other


# Stories


def play(story: Callable[[Scene], Awaitable[Any]], count: int, *endpoints: Any, **limits: Any) -> Scene:
    """Run a story around a dispatcher whose app may send `count` a minute."""

    async def play() -> Scene:
        scene = Scene(Limits(**{"circuit": RULE} | limits), endpoints)
        scene.quota = RateLimit(count, MINUTE)
        scene.dispatcher.start()
        await story(scene)
        return scene

    return virtually(play())


@pytest.mark.parametrize("way", ["hand_over", "enqueue"])
def test_what_is_over_the_quota_waits_in_the_queue_for_the_reset_and_then_goes(way: str) -> None:
    async def story(scene: Scene) -> None:
        if way == "hand_over":
            scene.hand_over(1, 30)
        else:
            scene.enqueue(1, 30, tell=True)
        await asyncio.sleep(30)
        assert len(scene.sent_to(1)) == 25
        assert (len(scene.waiting_rows[1]), scene.dispatcher.in_memory) == (5, 0)
        await asyncio.sleep(29)
        assert len(scene.sent_to(1)) == 25
        await asyncio.sleep(2)
        assert len(scene.sent_to(1)) == 30

    times = play(story, 25).times_of(1)
    assert times[25] >= times[0] + MINUTE


def test_every_attempt_is_told_how_the_quota_stands_with_it() -> None:
    async def story(scene: Scene) -> None:
        scene.hand_over(1, 3)
        await asyncio.sleep(1)

    told = play(story, 3).told
    assert [quota.remaining for quota in told if quota is not None] == [2, 1, 0]
    assert {quota.limit for quota in told if quota is not None} == {3}
    assert len({quota.reset_at for quota in told if quota is not None}) == 1


def test_without_a_quota_nothing_is_told() -> None:
    async def story() -> Scene:
        scene = Scene()
        scene.dispatcher.start()
        scene.hand_over(1, 3)
        await asyncio.sleep(1)
        return scene

    assert virtually(story()).told == [None] * 3


def test_endpoints_share_the_quota_of_their_app() -> None:
    async def story(scene: Scene) -> None:
        scene.enqueue(1, 50, tell=True)
        scene.enqueue(2, 50, tell=True)
        await asyncio.sleep(50)
        assert len(scene.began) == 20
        assert all(count >= 5 for count in Counter(endpoint_id for _, endpoint_id, _ in scene.began).values())
        await asyncio.sleep(MINUTE)
        assert len(scene.began) == 40

    play(story, 20)


def test_where_there_are_more_endpoints_than_places_each_gets_its_turn() -> None:
    async def story(scene: Scene) -> None:
        for number in range(1, 8):
            scene.enqueue(number, 10, tell=True)
        await asyncio.sleep(8 * MINUTE)
        served = Counter(endpoint_id for _, endpoint_id, _ in scene.began)
        assert sum(served.values()) == 16
        assert set(served) == set(range(1, 8))
        assert max(served.values()) - min(served.values()) <= 2

    play(story, 2, *(an_endpoint(id=number) for number in range(1, 8)))


def test_an_endpoint_that_hangs_takes_only_what_it_has_begun_from_the_others() -> None:
    async def story(scene: Scene) -> None:
        scene.receivers[1].seconds = None
        scene.enqueue(1, 50, tell=True)
        await asyncio.sleep(1)
        scene.enqueue(2, 50, tell=True)
        await asyncio.sleep(1)
        assert len(scene.sent_to(1)) == 4
        assert len(scene.sent_to(2)) == 16

    play(story, 20, per_endpoint=4)


def test_a_larger_quota_lets_what_waits_go_at_once_and_a_smaller_one_holds_it() -> None:
    async def story(scene: Scene) -> None:
        scene.enqueue(1, 30, tell=True)
        await asyncio.sleep(10)
        assert len(scene.sent_to(1)) == 10
        scene.quota = RateLimit(15, MINUTE)
        scene.dispatcher.app_changed("default")
        await asyncio.sleep(1)
        assert len(scene.sent_to(1)) == 15
        scene.quota = RateLimit(5, MINUTE)
        scene.dispatcher.app_changed("default")
        await asyncio.sleep(MINUTE)
        assert len(scene.sent_to(1)) == 20

    play(story, 10)


def test_a_quota_that_goes_lets_everything_go() -> None:
    async def story(scene: Scene) -> None:
        scene.enqueue(1, 30, tell=True)
        await asyncio.sleep(10)
        scene.quota = None
        scene.dispatcher.app_changed("default")
        await asyncio.sleep(1)
        assert len(scene.sent_to(1)) == 30

    play(story, 10)


def test_a_change_of_another_app_changes_nothing() -> None:
    async def story(scene: Scene) -> None:
        scene.enqueue(1, 30, tell=True)
        await asyncio.sleep(10)
        scene.quota = None
        scene.dispatcher.app_changed("other")
        await asyncio.sleep(1)
        assert len(scene.sent_to(1)) == 10

    play(story, 10)


def test_a_test_takes_a_place_and_what_was_handed_over_for_it_goes_back_to_the_queue() -> None:
    async def story(scene: Scene) -> None:
        scene.receivers[1].seconds = 5
        scene.hand_over(1, 3)
        await asyncio.sleep(1)
        quotas = scene.dispatcher._roster._quotas
        assert (scene.dispatcher.in_memory, len(scene.began)) == (1, 1)
        for _ in range(2):
            assert quotas.rehearse(an_endpoint(id=1), counted=True) is not None
        await asyncio.sleep(1)
        assert scene.dispatcher.in_memory == 0
        assert len(scene.waiting_rows[1]) == 2
        await asyncio.sleep(MINUTE + 10)
        assert len(scene.began) == 3

    play(story, 3, an_endpoint(id=1, concurrency=1), an_endpoint(id=2))


def test_a_rate_limit_holds_inside_a_quota() -> None:
    async def story(scene: Scene) -> None:
        scene.enqueue(1, 30, tell=True)
        await asyncio.sleep(5.5)
        assert len(scene.sent_to(1)) == 12
        await asyncio.sleep(20)
        assert len(scene.sent_to(1)) == 20

    play(story, 20, an_endpoint(id=1, rate_limit=RateLimit(2, 1.0)), an_endpoint(id=2))


STEPS = st.lists(
    st.tuples(
        st.floats(0, 90),
        st.integers(1, 3),
        st.integers(1, 12),
        st.sampled_from(["hand_over", "enqueue", "fail to commit", "pause and resume"]),
    ),
    max_size=12,
)


LATE: Final = 0.01
"""A window begins when a permit is given, which is some ms before the request that is seen here begins."""


@given(count=st.integers(1, 9), steps=STEPS, slow=st.booleans())
@example(
    count=8,
    steps=[
        (76.0, 2, 7, "hand_over"),
        (0.0, 2, 7, "hand_over"),
        (90.0, 2, 4, "hand_over"),
        (0.0, 1, 3, "hand_over"),
        (90.0, 2, 1, "enqueue"),
        (0.0, 1, 3, "hand_over"),
    ],
    slow=False,
)
def test_whatever_comes_in_whatever_way_no_window_holds_more_and_everything_goes_in_the_end(
    count: int, steps: list[tuple[float, int, int, str]], slow: bool
) -> None:
    posted = 0

    async def story(scene: Scene) -> None:
        nonlocal posted
        scene.receivers[2].seconds = 20 if slow else 0.01
        for pause, endpoint_id, number, way in steps:
            await asyncio.sleep(pause)
            if way == "fail to commit":
                scene.cancel([endpoint_id for _ in range(number) if scene.reserve(endpoint_id)])
            elif way == "pause and resume":
                scene.dispatcher.changed(an_endpoint(id=endpoint_id, state=EndpointState.PAUSED))
                scene.dispatcher.changed(an_endpoint(id=endpoint_id))
            else:
                posted += number
                scene.hand_over(endpoint_id, number) if way == "hand_over" else scene.enqueue(
                    endpoint_id, number, tell=True
                )
        await asyncio.sleep((posted / count + 2) * (MINUTE + 1))

    began = [at for at, _, _ in play(story, count, *(an_endpoint(id=number) for number in (1, 2, 3))).began]
    assert len(began) == posted
    start, held = -MINUTE, 0
    for at in began:
        start, held = (at, 1) if at >= start + MINUTE - LATE else (start, held + 1)
        assert held <= count


def test_an_endpoint_of_an_app_that_is_gone_draws_from_nothing() -> None:
    async def story(scene: Scene) -> None:
        scene.hand_over(1, 1)
        await asyncio.sleep(1)
        del scene.endpoints[1]
        scene.dispatcher.app_changed("default")
        assert scene.dispatcher._lanes[1].quota is None

    play(story, 3)
