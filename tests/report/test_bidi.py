"""The order of right-to-left text, against another implementation (python-bidi, on the crate unicode-bidi)."""

from bidi import get_display
from hypothesis import given, settings
from hypothesis import strategies as st

from reelhook.report.bidi import MIRRORED, base_level, levels, visual_order

LETTERS = "abc שלא مدي ٣٤ 127 .,:-+/%$()[]!? \u0301\u05b7"


def displayed(text: str) -> str:
    return "".join(text[place] for place in visual_order(levels(text, base_level(text))))


def blind(text: str) -> str:
    """Return a text in which no bracket tells open from closed: the other implementation mirrors them itself."""
    return "".join(min(char, char.translate(MIRRORED)) for char in text)


@settings(max_examples=1500, deadline=None)
@given(st.text(LETTERS, max_size=24).map(str.strip))
def test_the_order_is_that_of_the_unicode_algorithm(text: str) -> None:
    assert blind(displayed(text)) == blind(get_display(text))


def test_a_number_keeps_its_order_within_hebrew() -> None:
    assert displayed("ערוץ 12") == "12 ץורע"


def test_a_line_goes_on_in_the_direction_of_its_paragraph() -> None:
    assert levels("abc.", 1) == [2, 2, 2, 1]
    assert levels("abc.", 0) == [0, 0, 0, 0]
