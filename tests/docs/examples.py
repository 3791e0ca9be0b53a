"""Finds the examples in the documentation: fenced blocks behind `<!-- run -->`, or `<!-- run: name -->` for Python."""

import re
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
_BLOCK: Final = re.compile(
    r"^<!-- run(?:: (?P<name>\w+))? -->\n```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


class Example(NamedTuple):
    """One block; `name` is the function that a Python example defines."""

    language: str
    text: str
    name: str | None


def examples(page: Path) -> list[Example]:
    """Return the examples of a page that are meant to run, in their order."""
    return [Example(found["language"], found["text"], found["name"]) for found in _BLOCK.finditer(page.read_text())]


def session(page: Path) -> str:
    """Return the shell examples of a page as one session."""
    return "\n".join(one.text for one in examples(page) if one.language == "bash")


def python_example(page: Path, name: str) -> str:
    """Return the Python example that defines this function."""
    (found,) = (one.text for one in examples(page) if one.name == name)
    return found
