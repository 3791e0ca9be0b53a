import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.samples import NOW

from reelhook.model.ids import BLOCK, EPOCH_MS, IdSource, id_at, read, show, time_of

LARGEST = (1 << 63) - 1
TIMES = st.integers(EPOCH_MS, EPOCH_MS + (1 << 41) - 1)


@given(st.lists(st.tuples(st.integers(-5000, 5000), st.integers(1, 2000)), min_size=1, max_size=50))
def test_ids_only_grow_and_never_overlap_whatever_the_clock_does(steps: list[tuple[int, int]]) -> None:
    source, now, largest = IdSource(), NOW, -1
    for step, count in steps:
        now += step
        first = source.take(now, count)
        assert first > largest
        largest = first + count - 1


def test_an_id_tells_when_it_was_made() -> None:
    assert time_of(IdSource().take(NOW)) == NOW


def test_ids_of_one_millisecond_lie_together_and_those_of_the_next_behind_them() -> None:
    source = IdSource()
    taken = [source.take(NOW), source.take(NOW), source.take(NOW + 1)]
    assert taken[1] == taken[0] + 1
    assert taken[2] == id_at(NOW + 1)


def test_a_full_millisecond_borrows_from_the_next_one() -> None:
    source = IdSource()
    source.take(NOW, BLOCK)
    assert time_of(source.take(NOW)) == NOW + 1


def test_what_is_asked_for_at_once_is_never_torn_apart() -> None:
    source = IdSource()
    source.take(NOW, BLOCK - 1)
    first = source.take(NOW, 2)
    assert (time_of(first), time_of(first + 1)) == (NOW + 1, NOW + 1)


def test_more_than_a_block_at_once_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 32768 ids"):
        IdSource().take(NOW, BLOCK + 1)


def test_nodes_never_make_the_same_id() -> None:
    first, second = IdSource(0), IdSource(1)
    assert not {first.take(NOW) for _ in range(100)} & {second.take(NOW) for _ in range(100)}
    assert time_of(second.take(NOW)) == NOW


@pytest.mark.parametrize("node", [-1, 128])
def test_a_node_number_beyond_seven_bits_is_refused(node: int) -> None:
    with pytest.raises(ValueError, match="0 to 127"):
        IdSource(node)


@given(TIMES, st.integers(0, 127))
def test_the_bound_for_a_time_parts_what_was_made_before_it_from_what_was_made_since(at: int, node: int) -> None:
    assert id_at(at) <= IdSource(node).take(at) <= LARGEST
    assert at == EPOCH_MS or IdSource(node).take(at - 1, 1) < id_at(at)


@pytest.mark.parametrize("at", [253_402_300_799_000, 1 << 62])
def test_a_time_beyond_all_ids_still_fits_into_a_column(at: int) -> None:
    assert id_at(at) == LARGEST


def test_a_time_before_all_ids_is_the_smallest() -> None:
    assert id_at(0) == 0


@given(st.integers(0, LARGEST))
def test_what_is_shown_reads_back(number: int) -> None:
    assert read("evt", show("evt", number)) == number


@given(st.integers(0, LARGEST), st.integers(0, LARGEST))
def test_ids_sort_as_text_as_they_do_as_numbers(left: int, right: int) -> None:
    assert (show("evt", left) < show("evt", right)) == (left < right)


def test_ids_contain_no_dot_which_the_signed_content_uses_as_its_separator() -> None:
    assert show("evt", 5) == "evt_0000000000000005"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "evt",
        "evt_",
        "evt_5",
        "dlv_0000000000000005",
        "EVT_0000000000000005",
        "evt_000000000000000A",
        "evt_00000000000000050",
        "evt_0000000000000005\n",
        "evt_ffffffffffffffff",
        "evt_000000000000000५",
        " evt_0000000000000005",
        "evt-0000000000000005",
    ],
)
def test_what_is_no_id_of_this_kind_names_nothing(text: str) -> None:
    assert read("evt", text) is None
