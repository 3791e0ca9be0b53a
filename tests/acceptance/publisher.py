"""Publishes in threads while a test does something terrible, and keeps account of what was answered."""

import http.client
import itertools
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Self

from tests.support.checker import Ledger
from tests.support.program import Answer, Program


def united(publishers: Iterable["Publisher"]) -> Ledger:
    """Return what several publishers know, as one account."""
    ledger = Ledger.empty()
    for publisher in publishers:
        ledger.accepted.update(publisher.ledger.accepted)
        ledger.uncertain.update(publisher.ledger.uncertain)
    return ledger


class Publisher:
    """Posts one event after the other in each thread until the block ends; never posts the same event twice.

    An event that got no answer is kept as uncertain: it may have been stored. After that the thread waits for the
    program to come back. So is one that was answered with a status of `doubtful`. `name` sets the events of several
    publishers apart; a thread pauses (s) after each of its own. `type_of` gives the n-th event of a thread its type.
    """

    def __init__(
        self,
        program: Program,
        *,
        threads: int = 8,
        doubtful: Collection[int] = (),
        name: str = "",
        pause: float = 0.0,
        type_of: Callable[[int], str] = lambda _: "asset.updated",
    ) -> None:
        self.ledger = Ledger.empty()
        self._type_of = type_of
        self._name = name
        self._pause = pause
        self._doubtful = doubtful
        self._program = program
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(threads)]
        self._failures: list[BaseException] = []

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def finish(self) -> None:
        """Publish no more; what is under way is answered."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def __exit__(self, *_: object) -> None:
        self.finish()
        if self._failures:
            raise self._failures[0]

    @property
    def accepted(self) -> int:
        """How many events were answered 202 so far."""
        return len(self.ledger.accepted)

    def _run(self, thread: int) -> None:
        api = self._program.api()
        number = 0
        try:
            while not self._stop.is_set():
                number += 1
                data = {"nonce": f"{self._name}{thread}-{number}", "asset": {"id": f"a{thread}"}}
                self._publish(api, {"type": self._type_of(number), "data": data})
                time.sleep(self._pause)
        except BaseException as error:  # noqa: BLE001 - handed to the test's own thread, which raises it
            self._failures.append(error)

    def _publish(self, api, event) -> None:
        data = event["data"]
        try:
            answer = api.ask("POST", "/v1/events", event)
        except ConnectionRefusedError:
            time.sleep(0.01)  # down: nothing was sent, so nothing is uncertain
        except (OSError, http.client.HTTPException):
            self.ledger.uncertain[data["nonce"]] = data
        else:
            self._note(answer, data)

    def _note(self, answer, data) -> None:
        if answer.status in self._doubtful:
            self.ledger.uncertain[data["nonce"]] = data
            time.sleep(0.01)
            return
        if answer.status == 503:
            time.sleep(0.01)  # said in so many words that it did not take it
            return
        self.ledger.accepted[answer.ok(202)["id"]] = data


class PatientPublisher(Publisher):
    """Gives each event an id of its own, and posts it again, at the next of several nodes, until it is taken."""

    def __init__(self, programs: Sequence[Program], **more: Any) -> None:
        super().__init__(programs[0], **more)
        self._programs = programs

    def _publish(self, api, event) -> None:
        data = event["data"]
        ways = itertools.cycle([api, *(program.api() for program in self._programs[1:])])
        for way in ways:
            answer = self._try(way, event | {"id": data["nonce"]})
            if answer is not None and answer.status != 503:
                self.ledger.accepted[answer.ok(202)["id"]] = data
                return
            if self._stop.is_set():
                self.ledger.uncertain[data["nonce"]] = data
                return
            time.sleep(0.05)

    @staticmethod
    def _try(api, event) -> Answer | None:
        try:
            return api.ask("POST", "/v1/events", event)
        except (OSError, http.client.HTTPException):
            return None
