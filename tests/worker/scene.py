"""Endpoints, attempts and a world that writes down what it is told, for the tests of notifications."""

from msgspec.structs import replace
from tests.worker.virtual import START, LoopClock

from reelhook.model.access import App
from reelhook.model.attempt import Failure, Timing, Verdict
from reelhook.model.delivery import State, Trigger
from reelhook.model.endpoint import DisabledReason, Endpoint, EndpointState
from reelhook.model.event import Event
from reelhook.ports import AttemptRecord, Completion, Delivered
from reelhook.telemetry import Metrics
from reelhook.worker.mail import Mail
from reelhook.worker.notifier import Notifier
from reelhook.worker.postbox import Postbox

ENDPOINT = Endpoint(
    5,
    "studio",
    1,
    "https://hooks.example.org/secret-path?key=canary",
    START,
    START,
    name="Archive",
    notify_emails=("endpoint@example.org",),
)
DISABLED = replace(ENDPOINT, version=2, state=EndpointState.DISABLED, disabled_reason=DisabledReason.GONE)
STUDIO = App("studio", "Studio", START, START, notify_emails=("app@example.org", "endpoint@example.org"))


def attempted(
    *,
    ok: bool = False,
    state: State = State.RETRYING,
    at: int = START,
    event_type: str = "asset.created",
    number: int = 1,
) -> Delivered:
    """An attempt at a delivery to the endpoint, as it was recorded."""
    failure = None if ok else Failure.STATUS
    error = None if ok else "answered 503 Service Unavailable"
    event = Event(100, "studio", event_type, b"{}", START, START)
    record = AttemptRecord(
        7, "studio", 9, event, event_type, 5, 1, 1, at, 200 if ok else 503, failure, error,
        Trigger.SCHEDULE, Timing(), None, b"", None, None, b"", b"", False, None,
    )  # fmt: skip
    state = State.DELIVERED if ok else state
    return Delivered(Completion(9, 1, 5, state, 1, 0, at, None, record), Verdict(ok, failure, error, True))


class Outbox:
    """In the place of the mail server."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.failures: list[Exception] = []

    async def send(self, mail: Mail) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.mails.append(mail)

    def subjects(self, to: str = "endpoint@example.org") -> list[str]:
        return [mail.subject for mail in self.mails if mail.to == to]


class AppsOfTheScene:
    def get(self, app_id: str) -> App | None:
        return STUDIO if app_id == "studio" else None


class Scene:
    """A notifier whose world is lists."""

    def __init__(self, operator_app: str | None = "default", *, mails: bool = True) -> None:
        self.published: list[tuple[str, str, dict]] = []
        self.failures: list[Exception] = []
        self.noted: list[dict[int, int]] = []
        self.note_failures: list[Exception] = []
        self.endpoints = {5: ENDPOINT}
        self.outbox = Outbox()
        self.clock = LoopClock()
        self.metrics = Metrics("test")
        postbox = Postbox(self.outbox, self.clock, self.metrics) if mails else None
        self.notifier = Notifier(
            self.publish, self.endpoints.get, AppsOfTheScene(), self.clock, self.metrics, operator_app, postbox, self
        )

    async def publish(self, app_id: str, event_type: str, data: dict) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.published.append((app_id, event_type, data))

    async def told(self, failing: dict[int, int]) -> None:
        """Implements `Notices`."""
        if self.note_failures:
            raise self.note_failures.pop(0)
        self.noted.append(dict(failing))

    def types(self, app_id: str = "studio") -> list[str]:
        return [event_type for app, event_type, _ in self.published if app == app_id]

    def fails(self, times: int, **how) -> None:
        for _ in range(times):
            self.notifier.recorded(attempted(at=self.clock.now(), **how))

    def succeeds(self, **how) -> None:
        self.notifier.recorded(attempted(ok=True, at=self.clock.now(), **how))
