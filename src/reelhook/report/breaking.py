"""Breaking: text into lines that fit a width."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from reelhook.report.shaping import Line, Shaper, direction, plain

_UNSPACED: Final = r"\u2e80-\u2fff\u3005-\u3007\u3021-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_OPENING: Final = r"\uff08\uff3b\uff5b\u3008\u300a\u300c\u300e\u3010"
_CLOSING: Final = (
    r"\u3001\u3002\uff0c\uff0e\uff1a\uff1b\uff1f\uff01\uff09\uff3d\uff5d\u3009\u300b\u300d\u300f\u3011\u30fb\u30fc"
    r"\u3041\u3043\u3045\u3047\u3049\u3063\u3083\u3085\u3087\u30a1\u30a3\u30a5\u30a7\u30a9\u30c3\u30e3\u30e5\u30e7"
)
_UNITS: Final = re.compile(rf"[{_OPENING}]*[{_UNSPACED}][{_CLOSING}]*|\s+|[^\s{_UNSPACED}]+")
"""Words and blanks; what is written without blanks breaks anywhere but behind opening and before closing signs."""
_JOINTS: Final = re.compile(r"[^/?&=_.,;:%#@+-]*[/?&=_.,;:%#@+-]*")
"""Where a word that fits no line is broken first: behind the signs of URLs and names."""
_EM: Final = 1000


def wrap(shaper: Shaper, text: str, width: float, size: float, *, bold: bool = False) -> list[Line]:
    """Break a text into lines of at most `width` points at a font size; a line break in it is kept."""
    room = width / size * _EM
    lines = []
    for paragraph in text.split("\n"):
        shown = plain(paragraph)
        right_to_left = direction(shown)
        lines += [
            shaper.line(line, bold=bold, right_to_left=right_to_left) for line in _lines(shaper, shown, room, bold)
        ]
    return lines


def _lines(shaper: Shaper, text: str, room: float, bold: bool) -> Iterator[str]:
    if shaper.width(text, bold=bold) <= room:
        yield text
        return
    line, used = "", 0.0
    for unit in _units(shaper, text, room, bold):
        width = shaper.width(unit, bold=bold)
        if line and used + width > room and not unit.isspace():
            yield line.rstrip()
            line, used = "", 0.0
        if line or not unit.isspace():
            line, used = line + unit, used + width
    if line:
        yield line.rstrip()


def _units(shaper: Shaper, text: str, room: float, bold: bool) -> Iterator[str]:
    """Cut a text into what must not be broken, unless it fits no line by itself."""
    for unit in _UNITS.findall(text):
        if unit.isspace() or shaper.width(unit, bold=bold) <= room:
            yield unit
            continue
        for part in filter(None, _JOINTS.findall(unit)):
            yield from (part,) if shaper.width(part, bold=bold) <= room else _clusters(part)


def _clusters(word: str) -> Iterator[str]:
    """Cut a word into characters with the marks that belong to them."""
    cluster = ""
    for char in word:
        if cluster and not _belongs(char, cluster[-1]):
            yield cluster
            cluster = ""
        cluster += char
    yield cluster


def _belongs(char: str, before: str) -> bool:
    joined = char in "\u200d\ufe0f" or before == "\u200d" or unicodedata.category(char)[0] == "M"
    return joined or "\U0001f3fb" <= char <= "\U0001f3ff"
