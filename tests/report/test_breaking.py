from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.report.samples import together

from reelhook.report.breaking import wrap
from reelhook.report.fonts import Fonts
from reelhook.report.shaping import Shaper, plain

SIZE = 7.0
WORDS = st.text("ab-/?. 北の。שא한ก\u0e33\n🎬", max_size=60)


@cache
def shaper() -> Shaper:
    return Shaper(Fonts())


def texts(text: str, width: float) -> list[str]:
    """Return the lines that a text is broken into, read off their glyphs in the order of writing."""
    lines = []
    for line in wrap(shaper(), text, width, SIZE):
        said = ""
        for run in line.runs:
            of = {code: text for (_, text), code in run.face.codes.items()}
            said += "".join(of[glyph.code] for glyph in run.glyphs)
        lines.append(said)
    return lines


def test_words_stay_whole_where_they_fit() -> None:
    assert texts("the receiver failed; look at its own log", 60) == ["the receiver", "failed; look at its", "own log"]


def test_a_long_address_breaks_behind_its_signs() -> None:
    lines = texts("https://media.example.com/hooks/in?token=abc", 80)
    assert "".join(lines) == "https://media.example.com/hooks/in?token=abc"
    assert all(line[-1] in "/.?=" for line in lines[:-1])


def test_chinese_breaks_anywhere_but_before_closing_signs() -> None:
    lines = texts("北极光。" * 10, 40)
    assert len(lines) > 1
    assert not any(line.startswith("。") for line in lines)


def test_a_line_break_in_the_text_stays() -> None:
    assert texts("one\ntwo", 200) == ["one", "two"]


@settings(max_examples=150, deadline=None)
@given(WORDS, st.floats(20, 120))
def test_no_line_is_wider_than_its_room(text: str, width: float) -> None:
    assert all(line.width * SIZE / 1000 <= width + 0.5 for line in wrap(shaper(), text, width, SIZE))


@settings(max_examples=150, deadline=None)
@given(st.text("ab-/?. 北の。한🎬\n", max_size=60), st.floats(20, 120))
def test_nothing_is_lost_but_blanks(text: str, width: float) -> None:
    assert together("".join(texts(text, width))) == together("".join(map(plain, text.split("\n"))))


@pytest.mark.parametrize("text", ["", " ", "\n"])
def test_nothing_is_a_line_of_nothing(text: str) -> None:
    assert {line.strip() for line in texts(text, 100)} == {""}
