"""What a filter expression may not say, so that one costs no more than a few passes over the event.

CEL always ends, and the library stops after 10,000 loop turns, but that alone bounds neither memory nor time. Measured
on it: six `.map` in a row with `+` build a string of gigabytes; `.filter` over 9,000 items copies its result each turn
(5 s, 1.3 GB); a regular expression in a loop is compiled each turn (17 s); a comparison of the whole event in a loop
multiplies the two sizes. So values cannot be built, only looked at, and a loop sees its own item, not the event's data.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

LOOPS: Final = frozenset({"all", "exists", "exists_one"})
BUILDERS: Final = frozenset({"map", "filter"})
ENVELOPE: Final = frozenset({"id", "type", "occurred_at", "accepted_at", "ordering_key", "source"})
"""Parts of the event that are short by contract, and so may be looked at in a loop."""
MOST_PATTERNS: Final = 5
MOST_LOOP_TOKENS: Final = 150

_CONSTANTS: Final = frozenset({"true", "false", "null"})
_TOKEN: Final = re.compile(
    r"""
      (?P<gap>\s+|//[^\n]*)
    | (?P<text>[bB]?[rR](?:\"{3}.*?\"{3}|'{3}.*?'{3}|\"[^\"\n\r]*\"|'[^'\n\r]*')
        | [bB]?(?:\"{3}(?:\\.|[^\\])*?\"{3}|'{3}(?:\\.|[^\\])*?'{3}
            |\"(?:\\.|[^\\\"\n\r])*\"|'(?:\\.|[^\\'\n\r])*'))
    | (?P<number>0[xX][0-9a-fA-F]+[uU]?|(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?[uU]?)
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*|`[^`]*`)
    | (?P<mark>&&|\|\||[!=<>]=|.)
    """,
    re.VERBOSE | re.DOTALL,
)


class Token(NamedTuple):
    """A piece of an expression: `text`, `number`, `word` or `mark`."""

    kind: str
    text: str

    @property
    def ends_value(self) -> bool:
        """Tell whether a value ends here, so that `[` indexes it and `.` selects from it."""
        return self.kind in ("text", "number") or self.text in (")", "]") or (self.kind == "word" and self.text != "in")


def refusal(expression: str) -> str | None:
    """Say what in the expression is not allowed; None when nothing is. Its grammar is left to the compiler."""
    tokens = [Token(match.lastgroup or "", match.group()) for match in _TOKEN.finditer(expression)]
    tokens = [token for token in tokens if token.kind != "gap"]
    looping = list(_looping(tokens))
    if sum(looping) > MOST_LOOP_TOKENS:
        return f"what stands inside all(), exists() and exists_one() is too long: at most {MOST_LOOP_TOKENS} words"
    if sum(_is_call(tokens, place, {"matches"}) for place in range(len(tokens))) > MOST_PATTERNS:
        return f"at most {MOST_PATTERNS} matches() are allowed"
    for place, inside in enumerate(looping):
        reason = _refused_anywhere(tokens, place) or (_refused_in_loops(tokens, place) if inside else None)
        if reason is not None:
            return reason
    return None


def _looping(tokens: Sequence[Token]) -> Iterator[bool]:
    """Tell for each token whether it stands between the brackets of a loop."""
    brackets: list[bool] = []
    for place, token in enumerate(tokens):
        if token.text == ")" and brackets:
            brackets.pop()
        yield any(brackets)
        if token.text == "(":
            brackets.append(_is_call(tokens, place - 1, LOOPS))


def _refused_anywhere(tokens: Sequence[Token], place: int) -> str | None:
    token = tokens[place]
    if token == ("mark", "+"):
        return "'+' is not available, because values cannot be built; compare the parts"
    if token == ("mark", "{"):
        return "'{' is not available, because values cannot be built; compare the parts"
    if _is_call(tokens, place, BUILDERS):
        return f"{token.text}() is not available, because values cannot be built; use exists(), all() or exists_one()"
    if token == ("mark", "[") and not (place and tokens[place - 1].ends_value):
        return _refused_in_list(tokens, place + 1)
    return None


def _refused_in_list(tokens: Sequence[Token], start: int) -> str | None:
    for token in tokens[start:]:
        if token.text == "]" and token.kind == "mark":
            return None
        constant = token.kind in ("text", "number") or token.text in _CONSTANTS or token.text in (",", "-")
        if not constant:
            return "a list may hold constants only"
    return None


def _refused_in_loops(tokens: Sequence[Token], place: int) -> str | None:
    if _is_call(tokens, place, {"matches"}):
        return "matches() is not available inside all(), exists() and exists_one(); use startsWith() or contains()"
    if not _is_event(tokens, place):
        return None
    following = [token.text for token in tokens[place + 1 : place + 3]]
    if len(following) > 1 and following[0] == "." and following[1] in ENVELOPE:
        return None
    return "inside all(), exists() and exists_one() event.data is not available; move that part out of the brackets"


def _is_event(tokens: Sequence[Token], place: int) -> bool:
    if tokens[place].text.strip("`") != "event" or tokens[place].kind != "word":
        return False
    selected = place > 1 and tokens[place - 1].text == "." and tokens[place - 2].ends_value
    return not selected


def _is_call(tokens: Sequence[Token], place: int, names: frozenset[str] | set[str]) -> bool:
    return (
        0 <= place < len(tokens) - 1
        and tokens[place].kind == "word"
        and tokens[place].text in names
        and tokens[place + 1].text == "("
    )
