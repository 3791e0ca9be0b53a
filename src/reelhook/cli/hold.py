"""`reelhook hold` and `reelhook release`: an installation takes events and sends nothing, until it is told to go on."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, validators
from rich.text import Text

from reelhook.cli.remote import Flag
from reelhook.cli.screen import Screen, moment, note
from reelhook.cli.serve import read_settings
from reelhook.model.instant import show_time

_NEWS_EVERY = 100_000


def hold(*, config: Path | None = None, json: Flag = False) -> None:
    """Send nothing until `reelhook release`: after a restore before anything is started, or for maintenance.

    It works on REELHOOK_DATABASE itself, whether servers run or not; those that
    do begin nothing from a second later on, and let end what is under way.
    Events are accepted meanwhile. It lasts through restarts.

    Args:
        config: A TOML file with settings; else REELHOOK_CONFIG, else reelhook.toml when it is there.
        json: Write JSON, for machines.
    """
    settings = read_settings(config)
    # On first use: the server's libraries take long to import.
    from reelhook import server

    held = server.hold(settings)
    since = show_time(held.since)
    answer = {"held_since": since, "waiting": held.waiting.all, "due": held.waiting.due}
    begun = "is on hold" if held.fresh else f"has been on hold since {moment(since)}"
    waits = f"{held.waiting.all:,} deliveries wait, {held.waiting.due:,} of them due"
    said = f"{settings.database.shown} {begun}: nothing is sent until `reelhook release`; {waits}."
    Screen(as_json=json).answer(answer, lambda: Text(said))


def release(
    *,
    rate: Annotated[float | None, Parameter(validator=validators.Number(gt=0, lte=1_000_000))] = None,
    config: Path | None = None,
    json: Flag = False,
) -> None:
    """End the hold: what waits is sent, at the rate given, else as fast as the endpoints' limits let it.

    With a rate each delivery that is due gets a time of its own, one behind the
    other in the order of acceptance. When it is cut off the hold goes on, and
    the command can be given again.

    Args:
        rate: How many deliveries that are due begin a second, for the whole installation. New events do not count.
        config: A TOML file with settings; else REELHOOK_CONFIG, else reelhook.toml when it is there.
        json: Write JSON, for machines.
    """
    settings = read_settings(config)
    # On first use: as above.
    from reelhook import server

    released = server.release(settings, rate, _tell)
    answer = {"waiting": released.waiting.all, "due": released.waiting.due, "spread": released.spread, "rate": rate}
    said = f"{settings.database.shown} goes on: {released.waiting.all:,} deliveries wait, {released.waiting.due:,} due"
    if rate is not None:
        said += f"; {released.spread:,} of them begin one after the other, {rate:g} a second"
    Screen(as_json=json).answer(answer, lambda: Text(said + "."))


def _tell(count: int) -> None:
    if count and count % _NEWS_EVERY == 0:
        note(f"{count:,} deliveries have their time")
