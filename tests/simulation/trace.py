"""The trace: everything that happened in one simulated world, in the order in which it happened.

A place in the trace (`seq`) is a moment: of two things that happen in the same millisecond, it still says which was
first. The digest of a trace tells whether two runs were the same.
"""

import hashlib
from typing import Any, NamedTuple


class Happening(NamedTuple):
    """One thing that happened: when (true ms), in which life of the process, what, and what of."""

    at: int
    life: int
    what: str
    facts: tuple[tuple[str, Any], ...]

    def __str__(self) -> str:
        said = " ".join(f"{name}={_brief(value)}" for name, value in self.facts)
        return f"{self.at / 1000:12.3f} s  life {self.life}  {self.what:<22} {said}"


class Trace:
    """Collects happenings; `at` and `life` are moved on by the world."""

    def __init__(self) -> None:
        self.happenings: list[Happening] = []
        self.life = 0
        self.at = lambda: 0

    def add(self, what: str, **facts: Any) -> int:
        """Note something; return its place."""
        self.happenings.append(Happening(self.at(), self.life, what, tuple(facts.items())))
        return len(self.happenings) - 1

    def time_of(self, seq: int) -> int:
        return self.happenings[seq].at

    def digest(self) -> str:
        """Return a fingerprint of the whole run."""
        text = "\n".join(map(repr, self.happenings))
        return hashlib.sha256(text.encode()).hexdigest()

    def about(self, *subjects: Any) -> list[str]:
        """Tell what happened to some ids or names: happenings with one of them among their facts, and what happened to
        the process as a whole.
        """
        wanted = {str(subject) for subject in subjects}
        return [
            f"  {place:>6} {happening}"
            for place, happening in enumerate(self.happenings)
            if happening.what.isupper() or any(str(value) in wanted for _, value in happening.facts)
        ]

    def text(self, *, last: int | None = None) -> str:
        """Write the trace, or its last so many lines."""
        begin = 0 if last is None else max(0, len(self.happenings) - last)
        return "\n".join(f"{place:>6} {self.happenings[place]}" for place in range(begin, len(self.happenings)))


def _brief(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
