"""The postbox: mails wait here, gathered by address, so that a storm is one mail and nobody waits for SMTP."""

import asyncio
import secrets
from collections.abc import Iterable
from typing import ClassVar, Final

import structlog

from reelhook.ports import Clock
from reelhook.telemetry import Metrics
from reelhook.worker.loop import Loop
from reelhook.worker.mail import Mail, NotSent, Sender
from reelhook.worker.notice import Notice

FIRST_PAUSE_MS: Final = 5_000
LONGEST_PAUSE_MS: Final = 600_000
"""After each mail its address rests, longer each time until it was quiet; what comes up meanwhile is one mail."""
BACKOFF_MS: Final = (5_000, 30_000, 120_000, 600_000)
"""Waits before another try after the mail server did not take a mail."""
_MOST_ADDRESSES: Final = 1000
_MOST_NOTICES: Final = 50
"""So many notices stand in one mail in full; of the others it gives the number."""
_LAST_SECONDS: Final = 10.0
_RULE: Final = "\n\n" + "-" * 60 + "\n\n"
_log: structlog.typing.FilteringBoundLogger = structlog.get_logger("reelhook.mail")


class _Box:
    """What waits for one address."""

    def __init__(self, now: int) -> None:
        self.notices: list[Notice] = []
        self.more = 0
        self.next_at = now
        self.pause = FIRST_PAUSE_MS
        self.mail: Mail | None = None
        self.tries = 0

    def waiting(self) -> bool:
        return bool(self.notices) or self.mail is not None


class Postbox(Loop):
    """Sends the mails, one after the other, and tries again when the server does not take one."""

    name: ClassVar[str] = "mail"

    def __init__(self, sender: Sender, clock: Clock, metrics: Metrics) -> None:
        super().__init__(metrics)
        self._sender = sender
        self._clock = clock
        self._boxes: dict[str, _Box] = {}

    def put(self, addresses: Iterable[str], notice: Notice) -> None:
        """Have a notice mailed to each of these addresses; returns at once."""
        for address in dict.fromkeys(addresses):
            box = self._boxes.get(address)
            if box is None:
                if len(self._boxes) >= _MOST_ADDRESSES:
                    self._drop(address, notice.subject, "too many mails wait already")
                    continue
                box = self._boxes[address] = _Box(self._clock.now())
            if len(box.notices) < _MOST_NOTICES:
                box.notices.append(notice)
            else:
                box.more += 1
        self.wake()

    async def turn(self) -> float | None:
        """Send the mail that has waited longest; rest until one may be sent."""
        now = self._clock.now()
        for address in [address for address, box in self._boxes.items() if not box.waiting() and box.next_at <= now]:
            del self._boxes[address]
        waiting = [(box.next_at, address) for address, box in self._boxes.items() if box.waiting()]
        if not waiting:
            return None
        next_at, address = min(waiting)
        if next_at > now:
            return (next_at - now) / 1000
        await self._send(address, self._boxes[address])
        return 0

    async def finish(self) -> None:
        """Try once, for a short time, to send what still waits; what cannot be sent is logged."""
        try:
            async with asyncio.timeout(_LAST_SECONDS):
                for address, box in list(self._boxes.items()):
                    while box.waiting():
                        box.tries = len(BACKOFF_MS)
                        await self._send(address, box)
        except TimeoutError:
            for address, box in self._boxes.items():
                if box.waiting():
                    self._drop(address, self._mail(address, box).subject, "the server stops")

    async def _send(self, address: str, box: _Box) -> None:
        mail = self._mail(address, box)
        try:
            await self._sender.send(mail)
        except NotSent as error:
            self._not_taken(address, box, error)
        except Exception:  # noqa: BLE001 - a mail that meets a fault of ours must not hold up the others
            _log.exception("mail.fault", to=address, subject=mail.subject)
            self._not_taken(address, box, NotSent("an internal error", lasting=True))
        else:
            _log.info("mail.sent", to=address, subject=mail.subject)
            self._close(box)

    def _mail(self, address: str, box: _Box) -> Mail:
        """Return the mail that is being tried, or make one of all that waits."""
        if box.mail is None:
            at = self._clock.wall()
            subject, text = gather(box.notices, box.more)
            box.mail = Mail(address, subject, text, at, f"{at:x}.{secrets.token_hex(8)}")
            box.notices, box.more = [], 0
        return box.mail

    def _not_taken(self, address: str, box: _Box, error: NotSent) -> None:
        mail = self._mail(address, box)
        if error.lasting or box.tries >= len(BACKOFF_MS):
            self._drop(address, mail.subject, error.detail)
            self._close(box)
            return
        pause = BACKOFF_MS[box.tries]
        box.tries += 1
        box.next_at = self._clock.now() + pause
        _log.warning("mail.waits", to=address, subject=mail.subject, error=error.detail, pause=pause / 1000)

    def _close(self, box: _Box) -> None:
        box.mail = None
        box.tries = 0
        box.next_at = self._clock.now() + box.pause
        box.pause = min(LONGEST_PAUSE_MS, box.pause * 2)

    def _drop(self, address: str, subject: str, reason: str) -> None:
        self._metrics.notices_dropped += 1
        _log.error("mail.given_up", to=address, subject=subject, error=reason)


def gather(notices: list[Notice], more: int) -> tuple[str, str]:
    """Make one subject and text of some notices; `more` is how many others there were."""
    if len(notices) == 1 and not more:
        return notices[0].subject, notices[0].text
    texts = [f"{notice.subject}\n\n{notice.text}" for notice in notices]
    if more:
        texts.append(f"{more} more notices are left out here; the log has them all.")
    return f"[Reelhook] {len(notices) + more} notices", _RULE.join(texts)
