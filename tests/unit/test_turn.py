from typing import Any

import pytest
from tests.unit.samples import an_endpoint

from reelhook.model.endpoint import DisabledReason, Disabling, Endpoint, EndpointState
from reelhook.model.turn import Turn, turn

ACTIVE, PAUSED, DISABLED = EndpointState
FIGURES = Disabling(0.5, 20, 10, 90, 3600)


def being(state: EndpointState, **more: Any) -> Endpoint:
    return an_endpoint(**{"state": state, "enabled_at": 1, "disabled_at": 2, "disabling": FIGURES} | more)


def test_a_new_endpoint_was_enabled_if_it_is_active_and_was_never_disabled() -> None:
    assert turn(ACTIVE, None, 9) == Turn(ACTIVE, None, 9, None, None)
    assert turn(PAUSED, None, 9) == Turn(PAUSED, None, None, None, None)
    assert turn(DISABLED, None, 9) == Turn(DISABLED, DisabledReason.MANUAL, None, None, None)


@pytest.mark.parametrize("state", [ACTIVE, PAUSED])
def test_a_change_of_something_else_changes_nothing(state: EndpointState) -> None:
    assert turn(state, being(state), 9) == Turn(state, None, 1, 2, FIGURES)


def test_an_endpoint_that_stays_disabled_keeps_why_and_when() -> None:
    gone = being(DISABLED, disabled_reason=DisabledReason.GONE)
    assert turn(DISABLED, gone, 9) == Turn(DISABLED, DisabledReason.GONE, 1, 2, FIGURES)


@pytest.mark.parametrize("before", [PAUSED, DISABLED])
def test_enabling_says_when_and_keeps_what_was_said_of_the_last_disabling(before: EndpointState) -> None:
    assert turn(ACTIVE, being(before), 9) == Turn(ACTIVE, None, 9, 2, FIGURES)


@pytest.mark.parametrize("before", [ACTIVE, PAUSED])
def test_disabling_by_hand_says_when_and_has_no_figures(before: EndpointState) -> None:
    assert turn(DISABLED, being(before), 9) == Turn(DISABLED, DisabledReason.MANUAL, 1, 9, None)


def test_disabling_by_itself_says_why_when_and_with_which_figures() -> None:
    disabled = turn(DISABLED, being(ACTIVE, disabling=None), 9, DisabledReason.FAILURE_RATE, FIGURES)
    assert disabled == Turn(DISABLED, DisabledReason.FAILURE_RATE, 1, 9, FIGURES)
