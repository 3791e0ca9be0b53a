"""How much of events is held at most: by number, by bytes, by app."""

from reelhook.worker.memory import Memory

MIB = 1 << 20


def test_a_memory_that_is_empty_takes_an_event_of_any_size() -> None:
    memory = Memory(100, 10)
    assert memory.has_room("default")
    memory.add("default", 1, 5 * MIB)
    assert not memory.has_room("default")
    assert not memory.has_room("other")
    memory.drop("default", 1, 5 * MIB)
    assert memory.has_room("default")


def test_no_app_gets_more_than_a_half_whatever_fills_it() -> None:
    memory = Memory(10, 1000)
    memory.add("many", 5, 0)
    memory.add("large", 1, 500)
    assert [memory.has_room(app) for app in ("many", "large", "other")] == [False, False, True]


def test_bytes_stay_counted_when_the_delivery_has_begun() -> None:
    memory = Memory(10, 1000)
    memory.add("default", 1, 600)
    memory.drop("default", 1, 0)
    assert (memory.count, memory.size, memory.has_room("default")) == (0, 600, False)
    memory.drop("default", 0, 600)
    assert (memory.size, memory._apps) == (0, {})


def test_a_claim_may_bring_in_a_part_of_what_is_free_and_never_nothing() -> None:
    memory = Memory(8192, 64 * MIB)
    assert memory.allowance(1) == MIB
    memory.add("default", 0, 64 * MIB)
    assert memory.allowance(1) == 256 * 1024
    assert memory.allowance(1024) == 8 * MIB


def test_claims_that_are_not_answered_leave_half_of_an_apps_memory_to_what_is_handed_over() -> None:
    memory = Memory(8192, 64 * MIB)
    while memory.may_ask("default"):
        memory.ask("default", 1, MIB)
    assert memory.size == 16 * MIB
    assert memory.has_room("default")
    memory.answered("default", 1, MIB)
    assert memory.may_ask("default")


def test_a_claim_is_counted_by_number_too_and_only_until_it_is_answered() -> None:
    memory = Memory(16, 64 * MIB)
    memory.ask("default", 4, 0)
    assert (memory.may_ask("default"), memory.has_room("default")) == (False, True)
    memory.answered("default", 4, 0)
    memory.add("default", 4, 0)
    assert memory.may_ask("default")
    memory.drop("default", 4, 0)
    assert (memory.count, memory._apps) == (0, {})
