"""A page: text, rules and boxes as PDF operators; places are points from the upper left corner."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from reelhook.report.fonts import Face
from reelhook.report.shaping import Glyph, Line

WIDTH: Final = 841.89
HEIGHT: Final = 595.28
"""A4, across."""

Colour = bytes
INK: Final[Colour] = b"0.13 0.16 0.20"
PALE: Final[Colour] = b"0.42 0.46 0.52"
HAIR: Final[Colour] = b"0.86 0.88 0.91"
SHADE: Final[Colour] = b"0.945 0.953 0.965"
GOOD: Final[Colour] = b"0.07 0.44 0.25"
BAD: Final[Colour] = b"0.73 0.11 0.11"

_NEARLY: Final = 0.5
"""Thousandths of an em that nobody sees."""


class Page:
    """What stands on one page."""

    def __init__(self, name_of: Callable[[Face], str]) -> None:
        self._name_of = name_of
        self.operators: Final[list[bytes]] = []

    def text(self, text: bytes, x: float, y: float, colour: Colour) -> None:
        """Put a line of text, written by `written`, on the page; `y` is its baseline."""
        self.operators.append(b"BT %b rg 1 0 0 1 %.2f %.2f Tm %b ET" % (colour, x, HEIGHT - y, text))

    def rule(self, x: float, y: float, width: float, colour: Colour, weight: float = 0.4) -> None:
        """Draw a line across."""
        self.operators.append(
            b"%b RG %.2f w %.2f %.2f m %.2f %.2f l S" % (colour, weight, x, HEIGHT - y, x + width, HEIGHT - y)
        )

    def box(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        """Fill a rectangle; `y` is its upper edge."""
        self.operators.append(b"%b rg %.2f %.2f %.2f %.2f re f" % (colour, x, HEIGHT - y - height, width, height))


def written(line: Line, size: float, name_of: Callable[[Face], str]) -> bytes:
    """Write a line as text operators at a font size."""
    parts = []
    for run in line.runs:
        parts.append(f"/{name_of(run.face)} {size:g} Tf")
        parts += _shown(run.glyphs, size)
    return " ".join(parts).encode()


def _shown(glyphs: Sequence[Glyph], size: float) -> Iterator[str]:
    """Show glyphs; where one is not put behind the one before, its place is corrected."""
    rise, pending, codes, array = 0.0, 0.0, "", ""
    for glyph in glyphs:
        pending -= glyph.x
        if glyph.y != rise:
            yield _array(array, codes)
            codes, array = "", ""
            rise = glyph.y
            yield f"{rise * size / 1000:.3f} Ts"
        if abs(pending) > _NEARLY:
            array, codes = f"{array}{_codes(codes)}{pending:.0f} ", ""
            pending = 0.0
        codes += f"{glyph.code:04x}"
        pending += glyph.x + glyph.width - glyph.advance
    yield _array(array, codes)
    if rise:
        yield "0 Ts"


def _codes(codes: str) -> str:
    return f"<{codes}>" if codes else ""


def _array(array: str, codes: str) -> str:
    return f"[{array}{_codes(codes)}] TJ" if array or codes else ""
