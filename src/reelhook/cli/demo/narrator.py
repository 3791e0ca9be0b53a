"""Says what happens in the demo, to people; with JSON asked for it stays silent until the end."""

import sys
from typing import Any, Final

import msgspec
from rich.text import Text

from reelhook.cli.demo.play import FIRST_WAIT, Played
from reelhook.cli.demo.receiver import Arrival
from reelhook.cli.screen import Screen, moment, safe, table

_WIDTH: Final = 24


class Narrator:
    """Writes line by line while the demo runs, and the account at its end."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def say(self, text: str = "", style: str = "") -> None:
        """Write one line for people."""
        if not self._screen.as_json:
            self._screen.console.print(Text(safe(text), style=style), soft_wrap=True)
            sys.stdout.flush()

    def file(self, measured: dict[str, Any]) -> None:
        """Say what was measured of a file."""
        self.say(
            f"  {measured['name']}: {measured['size']:,} bytes, {measured['mime_type']}, "
            f"{measured['width']} x {measured['height']}, {measured['duration']:g} s, {measured['hash'][:23]}…"
        )

    def published(self, event_type: str, event_id: str) -> None:
        """Say that an event was accepted."""
        self.say(f"  → {event_type:<{_WIDTH}} published as {event_id}", "bold")

    def arrived(self, arrival: Arrival) -> None:
        """Say what the receiver got and answered."""
        if not arrival.verified:
            self.say(f"  ← {arrival.event_type:<{_WIDTH}} NOT verified: {arrival.reason}", "bold red")
        elif arrival.answered >= 300:
            busy = f"the receiver says {arrival.answered}: it will be tried again in {FIRST_WAIT} s"
            self.say(f"  ← {arrival.event_type:<{_WIDTH}} signature right, {busy}", "yellow")
        else:
            taken = f"signature right, {arrival.size:,} bytes, answered {arrival.answered}"
            self.say(f"  ← {arrival.event_type:<{_WIDTH}} {taken}", "green")

    def account(self, played: Played, video: dict[str, Any], story: list[str]) -> None:
        """Close with the log, the life of the delivery that was retried, and how to go on."""
        if self._screen.as_json:
            self._screen.answer(_document(played, video, story), Text)
            return
        self.say()
        self.say("The log, as GET /v1/logs and `reelhook tail` show it:", "bold")
        self._screen.console.print(_log(played))
        self.say()
        for sentence in story:
            self.say(sentence)
        self.say()
        for sentence in played.wrong:
            self.say(f"Wrong: {sentence}", "bold red")
        if not played.wrong:
            self.say(f"All {len(played.published)} events arrived, and every signature was right.", "bold green")
            self.say(
                "Go on with `make run` (or `reelhook serve`); it prints a line to paste. `reelhook --help` has more."
            )


def _log(played: Played) -> Any:
    rows = [
        (moment(each["at"]), each["event_type"], each["attempt"], each["status"], each["status_code"], each["trigger"])
        for each in played.attempts[::-1]
    ]
    return table(("AT", "EVENT", "ATTEMPT", "STATUS", "CODE", "TRIGGER"), rows, "The log is empty.")


def _document(played: Played, video: dict[str, Any], story: list[str]) -> dict[str, Any]:
    return {
        "ok": not played.wrong,
        "video": video,
        "published": len(played.published),
        "verified": sum(each.verified for each in played.arrivals),
        "retried": 0 if played.retried is None else played.retried["attempts"] - 1,
        "wrong": played.wrong,
        "deliveries": played.deliveries,
        "attempts": played.attempts,
        "arrivals": [msgspec.to_builtins(each) for each in played.arrivals],
        "story": story,
    }
