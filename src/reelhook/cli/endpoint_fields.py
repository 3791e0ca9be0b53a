"""What can be said of an endpoint on the command line, and the document that it makes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cyclopts import Parameter

from reelhook.cli.given_data import json_of, object_of, set_deep
from reelhook.cli.outcome import Exit, Stop
from reelhook.cli.remote import Repeated, read_text
from reelhook.cli.time_span import span


@Parameter(name="*", group="Endpoint")
@dataclass(frozen=True, kw_only=True)
class Fields:
    """The usual fields as options; the rest with --set, or whole with --body."""

    name: str | None = None
    """A name for people."""
    events: str | None = None
    """Names in the words of its dialect, with commas. standard: asset.*,live.started,category:draft. Empty: all."""
    dialect: str | None = None
    """How it is spoken to: standard, cloudevents, vimeo, vidizmo, videocloud, scaleflex, wochit."""
    secret_file: Path | None = None
    """A file with the signing secret; else one is made, where the dialect makes any."""
    header: Repeated = ()
    """A header of your own, "Name: value". Can be repeated."""
    retry: str | None = None
    """The retry rule as JSON, or just the waits with commas: 5,60,1h."""
    timeout: str | None = None
    """How long one attempt may take: 15s."""
    rate: str | None = None
    """The most requests in a span: 100/1s."""
    ordering: str | None = None
    """none, asset or endpoint."""
    notify: str | None = None
    """Mail addresses to tell of trouble, with commas."""
    body: str | None = None
    """The endpoint as JSON: in place, @file or @-. Options change it."""
    set: Repeated = ()
    """Any other field: --set options.ed25519=true --set metadata.team=video. Can be repeated."""

    def document(self) -> dict[str, Any]:
        """Put the endpoint, or the change of one, together."""
        made = object_of(self.body, "--body") if self.body is not None else {}
        plain = {"name": self.name, "dialect": self.dialect, "ordering": self.ordering}
        made |= {name: value for name, value in plain.items() if value is not None}
        if self.events is not None:
            made["events"] = _words(self.events)
        if self.notify is not None:
            made["notify_emails"] = _words(self.notify)
        if self.secret_file is not None:
            made["secret"] = read_text(self.secret_file).strip()
        if self.header:
            made["headers"] = dict(_header(each) for each in self.header)
        return set_deep(made | self._patience(), self.set)

    def _patience(self) -> dict[str, Any]:
        made: dict[str, Any] = {}
        if self.retry is not None:
            made["retry"] = _retry(self.retry)
        if self.timeout is not None:
            made["timeout"] = span(self.timeout)
        if self.rate is not None:
            made["rate_limit"] = _rate(self.rate)
        return made


ANY: Final = Fields()
"""Nothing said."""


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise Stop(f'--header takes "Name: value", not {text!r}', Exit.USAGE)
    return name.strip(), value.strip()


def _retry(text: str) -> Any:
    if text.lstrip().startswith(("{", "@")):
        return json_of(text, "--retry")
    return {"kind": "schedule", "delays": [span(word) for word in _words(text)]}


def _rate(text: str) -> dict[str, Any]:
    count, slash, per = text.partition("/")
    if not slash or not count.isdecimal():
        raise Stop(f"--rate takes count/span, such as 100/1s, not {text!r}", Exit.USAGE)
    return {"count": int(count), "per": span(per)}
