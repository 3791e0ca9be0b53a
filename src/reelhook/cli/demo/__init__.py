"""`reelhook demo`: a video's life as signed deliveries, with a real file, a real server and a real receiver."""

import signal
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from reelhook.cli.demo.life import Step, life
from reelhook.cli.demo.local_server import LocalServer
from reelhook.cli.demo.narrator import Narrator
from reelhook.cli.demo.play import Played, play
from reelhook.cli.demo.receiver import Receiver
from reelhook.cli.explain import life as life_of
from reelhook.cli.outcome import Exit, Stop
from reelhook.cli.remote import Flag
from reelhook.cli.screen import Screen

_RENDITION_HEIGHT: Final = 180
_INSTALL: Final = "use `make demo`, or install the package with its extra: reelhook[demo]"


def demo(*, json: Flag = False) -> Exit:
    """Show it all in a minute: make a video, publish its life, watch signed deliveries arrive, one retry included.

    Starts a server and a receiver of its own on free ports of this machine, in a directory that is removed afterwards.

    Args:
        json: Write JSON, for machines.
    """
    # A service manager's SIGTERM shall stop the server of the demo too, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    narrator = Narrator(Screen(as_json=json))
    with tempfile.TemporaryDirectory(prefix="reelhook-demo-") as folder:
        narrator.say("A video is made and measured:", "bold")
        video, steps = _video(Path(folder), narrator)
        narrator.say("Reelhook and a receiver start.", "bold")
        with LocalServer(Path(folder)) as server, Receiver() as receiver:
            played = play(server.client(), receiver, steps, narrator.published, narrator.arrived)
            narrator.account(played, video, _story(server, played))
    return Exit.NO if played.wrong else Exit.DONE


def _video(folder: Path, narrator: Narrator) -> tuple[dict[str, Any], Iterable[Step]]:
    """Make the original and a rendition, measure both, and tell the life that follows from it."""
    try:
        # On first use: what makes and measures videos is large, only the demo needs it, and it may not be there.
        from reelhook.cli.demo.probe import probe
        from reelhook.cli.demo.video import make_rendition, make_video
    except ImportError as missing:
        raise Stop(f"the demo makes a real video and needs {missing.name} for it; {_INSTALL}", Exit.USAGE) from missing
    original, rendition = folder / "first-light.mp4", folder / "first-light-small.mp4"
    make_video(original)
    began = time.monotonic()
    make_rendition(original, rendition, _RENDITION_HEIGHT)
    took = time.monotonic() - began
    measured, small = probe(original), probe(rendition)
    narrator.file(measured)
    narrator.file(small)
    return measured, life(measured, small, took)


def _story(server: LocalServer, played: Played) -> list[str]:
    """Tell the life of the delivery that was retried."""
    if played.retried is None:
        return []
    told: list[str] = life_of(server.client(), played.retried["id"], int(time.time() * 1000))["story"]
    return told
