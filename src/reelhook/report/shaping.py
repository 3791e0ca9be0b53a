"""Shaping: a line of text as glyphs from left to right, each with the text that it stands for."""

import itertools
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import uharfbuzz

from reelhook.report.bidi import MIRRORED, base_level, levels, visual_order
from reelhook.report.fonts import Face, Fonts

_CONTROL: Final = "\ufffd"
_RIGHT_TO_LEFT: Final = frozenset({"R", "AL"})
"""Letters that keep the blank behind them in their font, so that their words are copied in their order."""
_JOINERS: Final = frozenset("\u200c\u200d\ufe0e\ufe0f")
_MODIFIERS: Final = frozenset(map(chr, range(0x1F3FB, 0x1F400)))


class Glyph(NamedTuple):
    """One glyph: its code, its own width, and where it is put, in thousandths of an em."""

    code: int
    width: float
    advance: float
    x: float
    y: float


class Run(NamedTuple):
    """Glyphs of one font, from left to right."""

    face: Face
    glyphs: tuple[Glyph, ...]


class Line(NamedTuple):
    """What stands on one line; `width` in thousandths of an em."""

    runs: tuple[Run, ...]
    width: float
    right_to_left: bool


class _Piece(NamedTuple):
    """A part of a text in one font and one direction."""

    text: str
    face: Face
    level: int


class Shaper:
    """Sets text in the fonts that have its characters."""

    def __init__(self, fonts: Fonts) -> None:
        self._fonts = fonts
        self._widths: dict[tuple[str, bool], float] = {}
        self._letters: dict[tuple[str, bool], Glyph] = {}

    def width(self, text: str, *, bold: bool = False) -> float:
        """Return how wide a text is on one line, in thousandths of an em."""
        if (text, bold) not in self._widths:
            self._widths[text, bold] = sum(glyph.advance for run in self._runs(text, bold, 0) for glyph in run.glyphs)
        return self._widths[text, bold]

    def line(self, text: str, *, bold: bool = False, right_to_left: bool = False) -> Line:
        """Set a text on one line, however long it is; `right_to_left` is the direction of its paragraph."""
        runs = tuple(self._runs(text, bold, int(right_to_left)))
        return Line(runs, sum(glyph.advance for run in runs for glyph in run.glyphs), right_to_left)

    def _runs(self, text: str, bold: bool, base: int) -> Iterator[Run]:
        if not text:
            return
        if text.isascii() and not base:
            yield Run(self._fonts.text_face(bold=bold), tuple([self._letter(char, bold) for char in text]))
            return
        pieces = list(self._pieces(text, bold, base))
        for place in visual_order([piece.level for piece in pieces]):
            piece = pieces[place]
            yield Run(piece.face, tuple(_shape(piece)))

    def _letter(self, char: str, bold: bool) -> Glyph:
        """Set a letter that needs no shaping: addresses and names are not to have ligatures."""
        if (char, bold) not in self._letters:
            face = self._fonts.text_face(bold=bold)
            (self._letters[char, bold],) = _shape(_Piece(char, face, 0))
        return self._letters[char, bold]

    def _pieces(self, text: str, bold: bool, base: int) -> Iterator[_Piece]:
        """Cut a text where its font or its direction changes."""
        found = levels(text, base)
        start, face = 0, self._fonts.find(text[0], bold)
        for place in range(1, len(text)):
            char = text[place]
            stays = _leans(char) or (char == " " and unicodedata.bidirectional(text[place - 1]) in _RIGHT_TO_LEFT)
            keeps = char in _JOINERS or (stays and ord(char) in face.characters)
            here = face if keeps else self._fonts.find(char, bold)
            if here is not face or found[place] != found[start]:
                yield _Piece(text[start:place], face, found[start])
                start, face = place, here
        yield _Piece(text[start:], face, found[start])


def plain(text: str) -> str:
    """Return a text of characters that can be shown: no control characters, composed where that is possible."""
    if text.isascii() and text.isprintable():
        return text
    return unicodedata.normalize("NFC", "".join(map(_shown, text)))


def direction(text: str) -> bool:
    """Tell whether a paragraph runs from right to left."""
    return not text.isascii() and base_level(text) == 1


def _shown(char: str) -> str:
    return " " if char.isspace() else _CONTROL if unicodedata.category(char) == "Cc" else char


def _leans(char: str) -> bool:
    """Tell whether a character only changes the one before it, and so stays in the font of that."""
    return char in _MODIFIERS or unicodedata.category(char)[0] == "M"


def _shape(piece: _Piece) -> Iterator[Glyph]:
    buffer = uharfbuzz.Buffer()
    buffer.cluster_level = uharfbuzz.BufferClusterLevel.MONOTONE_CHARACTERS
    buffer.add_str(piece.text)
    buffer.guess_segment_properties()
    buffer.direction = "rtl" if piece.level % 2 else "ltr"
    uharfbuzz.shape(piece.face.shaper, buffer)
    face, scale = piece.face, piece.face.scale
    infos = buffer.glyph_infos
    for info, place, text in zip(infos, buffer.glyph_positions, _texts(infos, piece), strict=True):
        code = face.code(info.codepoint, text)
        offset = place.x_offset * scale, place.y_offset * scale
        yield Glyph(code, face.advance(info.codepoint), place.x_advance * scale, *offset)


def _texts(infos: Sequence[Any], piece: _Piece) -> list[str]:
    """Say for each glyph which text it stands for, so that what is copied from the page reads as it was written.

    The characters of a cluster are dealt out to its glyphs in the order of reading; the last one takes what is left,
    and a glyph for which nothing is left stands for nothing.
    """
    ends = sorted({info.cluster for info in infos} | {len(piece.text)})
    after = dict(itertools.pairwise(ends))
    backwards = piece.level % 2 == 1
    texts = [""] * len(infos)
    members: dict[int, list[int]] = {}
    for place, info in enumerate(infos):
        members.setdefault(info.cluster, []).append(place)
    for cluster, places in members.items():
        left = piece.text[cluster : after[cluster]]
        if backwards:
            left = left.translate(MIRRORED)  # readers take what they see, and turn it around themselves
        reading = places[::-1] if backwards else places
        for place in reading[:-1]:
            texts[place], left = left[:1], left[1:]
        texts[reading[-1]] = left
    return texts
