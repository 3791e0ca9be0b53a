"""Secrets, signatures and tokens are compared in constant time: a rule over the code, not a stopwatch."""

import ast
import re
from pathlib import Path

import pytest

import reelhook

SECRETIVE = re.compile(r"signature|digest|token_hash|password|hmac|mac$|reveal", re.IGNORECASE)
# Values of the type Secret compare themselves in constant time, so `.secret == …` is no case.
EXEMPT = {"store/cursor.py": "the digest of a list's filters, which no one keeps secret"}
SOURCE = Path(reelhook.__file__).parent


def name_of(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        return name_of(node.func)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def suspects(tree: ast.AST) -> list[int]:
    """Return the lines where something secret is compared with == or !=; with None and constants it may be."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Compare) or not isinstance(node.ops[0], ast.Eq | ast.NotEq):
            continue
        sides = [node.left, *node.comparators]
        names = [name for name in map(name_of, sides) if SECRETIVE.search(name)]
        if names and not any(isinstance(side, ast.Constant) for side in sides):
            found.append(node.lineno)
    return found


@pytest.mark.fault("S19")
def test_nothing_secret_is_compared_with_the_equals_sign() -> None:
    found = [
        f"{path.relative_to(SOURCE)}:{line}"
        for path in sorted(SOURCE.rglob("*.py"))
        if str(path.relative_to(SOURCE)) not in EXEMPT
        for line in suspects(ast.parse(path.read_text()))
    ]
    assert found == []


@pytest.mark.fault("S19")
@pytest.mark.parametrize("code", ["a.signature == given", "digest != self._digest()", "x.reveal() == y"])
def test_the_rule_sees_what_it_forbids(code: str) -> None:
    assert suspects(ast.parse(code)) == [1]
