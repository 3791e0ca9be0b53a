"""The verdict on a world: it is lived through, checked, and what it broke is told so that anybody can see it again."""

import traceback
from pathlib import Path
from typing import Final, NamedTuple

from tests.simulation import plan
from tests.simulation.evidence import Evidence
from tests.simulation.invariants import COMES_TO_AN_END, INVARIANTS, Violation, broken, report
from tests.simulation.trace import Trace
from tests.simulation.world import World

_LAST_LINES: Final = 40


class Verdict(NamedTuple):
    """What was found in the world of a seed; `evidence` is None when the world did not come to its end."""

    seed: int | str
    trace: Trace
    violations: list[Violation]
    evidence: Evidence | None = None

    @property
    def broken(self) -> set[str]:
        """Return the names of the invariants that do not hold."""
        return {one.name for one in self.violations}

    def told(self) -> str:
        """Say what was broken, how it ended, and how to see it again."""
        return "\n".join(
            (
                f"world {self.seed} breaks {len(self.broken)} of its promises:",
                *(f"  {name}: {self._instances(name)}" for name in dict.fromkeys(one.name for one in self.violations)),
                "the end of its trace:",
                self.trace.text(last=_LAST_LINES),
                f"the same again, all of it told: make simulate SEED={self.seed}",
            )
        )

    def _instances(self, name: str) -> str:
        texts = [one.text for one in self.violations if one.name == name]
        return texts[0] + (f" (and {len(texts) - 1} more)" if len(texts) > 1 else "")

    def told_whole(self) -> str:
        """Tell everything: the story of each broken promise, and the whole trace."""
        stories = report(self.evidence, self.violations) if self.evidence else ""
        return f"{self.told()}\n{stories}\nthe whole trace:\n{self.trace.text()}"


def judged(seed: int, folder: Path) -> Verdict:
    """Live through the world of a seed, with its files in a folder, and check what came of it."""
    world = World(plan.draw(seed), folder)
    try:
        world.run()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told with the seed and the trace
        text = "".join(traceback.format_exception(error, limit=-5))
        return Verdict(seed, world.trace, [Violation(COMES_TO_AN_END, text)])
    finally:
        world.remove_files()
    assert world.account is not None
    evidence = Evidence(world.ledger, world.account, world.trace, world.plan.limits)
    return Verdict(seed, world.trace, broken(evidence, INVARIANTS, quiet=world.quiet), evidence)
