"""Directions: the levels of a paragraph by the Unicode Bidirectional Algorithm (UAX #9), and the order of a line.

Explicit embeddings and isolates (X1 to X8), which no title needs, are passed over like other characters without width.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

_BRACKETS: Final = (
    "()[]{}\u2045\u2046\u207d\u207e\u208d\u208e\u27e6\u27e7\u27e8\u27e9\u27ea\u27eb\u3008\u3009\u300a\u300b"
    "\u300c\u300d\u300e\u300f\u3010\u3011\u3014\u3015\uff08\uff09\uff3b\uff3d\uff5b\uff5d"
)
_CLOSING: Final = dict(zip(_BRACKETS[::2], _BRACKETS[1::2], strict=True))
_OPENING: Final = {closing: opening for opening, closing in _CLOSING.items()}
MIRRORED: Final = str.maketrans({**_CLOSING, **_OPENING})
"""What a bracket looks like from right to left."""
_STRONG: Final = frozenset({"L", "R", "AL"})
_RIGHT_TO_LEFT: Final = frozenset({"R", "AL", "AN"})
_IGNORED: Final = frozenset({"BN", "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
_NEUTRAL: Final = frozenset({"B", "S", "WS", "ON"})
_SIDES: Final = frozenset({"L", "R"})
_TERMINATORS: Final = frozenset({"ET"})
_SEPARATORS: Final = frozenset({"ES", "ET", "CS"})
_NUMBERS: Final = frozenset({"EN", "AN"})


def base_level(text: str) -> int:
    """Return the level of a paragraph, which its first letter tells: 0 left to right, 1 right to left."""
    return next((int(one != "L") for char in text if (one := unicodedata.bidirectional(char)) in _STRONG), 0)


def levels(text: str, base: int) -> list[int]:
    """Return the level of each character of a paragraph, or of a part of one, that has this level."""
    classes = [unicodedata.bidirectional(char) or "L" for char in text]
    if not base and _RIGHT_TO_LEFT.isdisjoint(classes):
        return [0] * len(text)
    places = [place for place, one in enumerate(classes) if one not in _IGNORED]
    kinds = [classes[place] for place in places]
    side = "R" if base else "L"
    _resolve_weak(kinds, side)
    _resolve_brackets(kinds, [text[place] for place in places], side)
    _resolve_neutral(kinds, side)
    found = [base] * len(text)
    for place, kind in zip(places, kinds, strict=True):
        found[place] = _level(kind, base)
    for place in range(1, len(text)):
        if classes[place] in _IGNORED:
            found[place] = found[place - 1]
    return found


def visual_order(line: Sequence[int]) -> list[int]:
    """Return the places of a line's characters or runs from left to right, given their levels (L2)."""
    order = list(range(len(line)))
    for level in range(max(line, default=0), 0, -1):
        start = 0
        while start < len(order):
            if line[order[start]] < level:
                start += 1
                continue
            end = start
            while end < len(order) and line[order[end]] >= level:
                end += 1
            order[start:end] = order[start:end][::-1]
            start = end
    return order


def _level(kind: str, base: int) -> int:
    """I1 and I2."""
    if base:
        return 1 if kind == "R" else 2
    return {"L": 0, "R": 1}.get(kind, 2)


def _resolve_weak(kinds: list[str], side: str) -> None:
    """W1 to W7."""
    _resolve_marks(kinds, side)
    for place in range(1, len(kinds) - 1):
        left, kind, right = kinds[place - 1 : place + 2]
        if left == right and ((kind == "CS" and left in _NUMBERS) or (kind == "ES" and left == "EN")):
            kinds[place] = left
    for start, end in _stretches(kinds, _TERMINATORS):
        if "EN" in (*kinds[max(start - 1, 0) : start], *kinds[end : end + 1]):
            kinds[start:end] = ["EN"] * (end - start)
    strong = side
    for place, kind in enumerate(kinds):
        if kind in _SEPARATORS:
            kinds[place] = "ON"
        elif kind == "EN" and strong == "L":
            kinds[place] = "L"
        strong = kinds[place] if kinds[place] in _SIDES else strong


def _resolve_marks(kinds: list[str], side: str) -> None:
    """W1 to W3: marks go with what they stand on, numbers in Arabic are Arabic."""
    before, strong = side, side
    for place, kind in enumerate(kinds):
        if kind == "NSM":
            kinds[place] = before
        elif kind == "EN" and strong == "AL":
            kinds[place] = "AN"
        before = kinds[place]
        strong = before if before in _STRONG else strong
    kinds[:] = ["R" if kind == "AL" else kind for kind in kinds]


def _resolve_brackets(kinds: list[str], chars: list[str], side: str) -> None:
    """N0: a pair of brackets goes with what it encloses, or with what stands before it."""
    for first, last in _pairs(kinds, chars):
        within = {_direction(kind) for kind in kinds[first + 1 : last]} - {None}
        if not within:
            continue
        found = side
        if side not in within:
            before = next((one for kind in reversed(kinds[:first]) if (one := _direction(kind))), side)
            found = before if before != side else side
        for place in (first, last):
            kinds[place] = found


def _pairs(kinds: Sequence[str], chars: Sequence[str]) -> list[tuple[int, int]]:
    """BD16."""
    open_: list[tuple[str, int]] = []
    found = []
    for place, char in enumerate(chars):
        if kinds[place] != "ON":
            continue
        if char in _CLOSING:
            open_.append((char, place))
        elif char in _OPENING:
            for depth in range(len(open_) - 1, -1, -1):
                if open_[depth][0] == _OPENING[char]:
                    found.append((open_[depth][1], place))
                    del open_[depth:]
                    break
    return sorted(found)


def _resolve_neutral(kinds: list[str], side: str) -> None:
    """N1 and N2."""
    for start, end in _stretches(kinds, _NEUTRAL):
        before = _direction(kinds[start - 1]) if start else side
        after = _direction(kinds[end]) if end < len(kinds) else side
        kinds[start:end] = [before if before == after and before else side] * (end - start)


def _stretches(kinds: Sequence[str], wanted: frozenset[str]) -> Iterator[tuple[int, int]]:
    place = 0
    while place < len(kinds):
        end = place
        while end < len(kinds) and kinds[end] in wanted:
            end += 1
        if end > place:
            yield place, end
        place = end + 1


def _direction(kind: str) -> str | None:
    return "R" if kind in {"R", "EN", "AN"} else "L" if kind == "L" else None
