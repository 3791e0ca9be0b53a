import re
from importlib import resources

from reelhook.model.delivery import CLOSED, OPEN, TRANSITIONS, WAITING, Move, State

SCHEMA = resources.files("reelhook.store").joinpath("sql/sqlite/migrations/0001_start.sql").read_text()


def after(state: State, move: Move) -> State | None:
    return TRANSITIONS.get((state, move))


def reachable(begin: State) -> set[State]:
    found, fresh = {begin}, {begin}
    while fresh:
        fresh = {to for (state, _), to in TRANSITIONS.items() if state in fresh} - found
        found |= fresh
    return found


def test_the_states_of_the_table_are_the_states_of_the_check_in_sql() -> None:
    table = SCHEMA[SCHEMA.index("CREATE TABLE deliveries") :]
    checked = re.search(r"CHECK \(state IN \(([^)]*)\)\)", table)
    assert checked is not None
    assert set(re.findall(r"'(\w+)'", checked[1])) == {state.value for state in State}


def test_every_state_can_be_reached_and_every_open_one_can_be_closed() -> None:
    assert reachable(State.PENDING) == set(State)
    for state in OPEN:
        assert reachable(state) & CLOSED


def test_every_move_is_in_the_table() -> None:
    assert {move for _, move in TRANSITIONS} == set(Move)


def test_waiting_open_and_closed_share_the_states_out() -> None:
    assert {State.PENDING, State.RETRYING} == WAITING
    assert WAITING | {State.SENDING} == OPEN
    assert {State.DELIVERED, State.FAILED, State.CANCELLED} == CLOSED


def test_only_what_waits_is_claimed_and_cancelled() -> None:
    for move in (Move.CLAIM, Move.CANCEL):
        assert {state for state in State if after(state, move)} == WAITING


def test_only_what_is_being_sent_ends_is_given_back_or_rescued() -> None:
    for move in (Move.SUCCEED, Move.RETRY, Move.EXHAUST, Move.RELEASE, Move.RESCUE):
        assert {state for state in State if after(state, move)} == {State.SENDING}


def test_everything_can_be_resent_but_what_is_being_sent() -> None:
    assert {state for state in State if after(state, Move.RESEND)} == set(State) - {State.SENDING}
    assert {to for (_, move), to in TRANSITIONS.items() if move is Move.RESEND} == {State.PENDING}


def test_what_is_closed_opens_again_only_by_a_resend() -> None:
    assert {move for state, move in TRANSITIONS if state in CLOSED} == {Move.RESEND}
