"""What runs beside: the server itself, when it is up, and the mail server."""

import smtplib
from collections.abc import Iterator
from typing import Final

from reelhook.cli.client import Client, Refusal
from reelhook.cli.doctor.finding import Finding, fail, ok, warn
from reelhook.cli.outcome import Stop
from reelhook.cli.screen import moment
from reelhook.errors import ReelhookError
from reelhook.settings import Address, Settings
from reelhook.worker.mail import MailServer, Security, read_smtp_url

_PATIENCE: Final = 5.0
_ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, not bound to


def examine(settings: Settings, url: str | None) -> Iterator[Finding]:
    """Look at the server and what it calls; without a URL it is the one that would listen here."""
    if url is not None:
        yield _server(url, "REELHOOK_URL")
    elif settings.listen.port:
        yield _server(_own(settings.listen), "REELHOOK_LISTEN")
    if settings.smtp_url is not None:
        try:
            yield _mail(read_smtp_url(settings.smtp_url))
        except ReelhookError as wrong:
            yield fail("mail server", wrong.detail, "change REELHOOK_SMTP_URL")


def _server(url: str, setting: str) -> Finding:
    """Ask a server whether it is ready; `setting` says which one that is."""
    try:
        said = Client(url, None, None, _PATIENCE).get("/readyz")
    except Refusal as refusal:
        return fail("server", f"{url} is not ready ({refusal.status}): {refusal.message}", "look at its log")
    except Stop as stop:
        if isinstance(stop.__cause__, ConnectionRefusedError):
            return warn("server", f"nothing listens on {url}", f"start it: reelhook serve; or change {setting}")
        return fail("server", stop.message, f"look at its log, or change {setting}")
    held = said.get("held_since") if isinstance(said, dict) else None
    return ok("server", f"{url} is ready" + (f", and on hold since {moment(held)}" if held else ""))


def _own(listen: Address) -> str:
    return f"http://{Address(_ANYWHERE.get(listen.host, listen.host), listen.port)}"


def _mail(server: MailServer) -> Finding:
    where = f"{server.host}:{server.port}"
    kind = smtplib.SMTP_SSL if server.security is Security.TLS else smtplib.SMTP
    try:
        # The name is given because smtplib would otherwise ask the resolver for it.
        with kind(server.host, server.port, local_hostname="reelhook", timeout=_PATIENCE) as connection:
            connection.noop()
    except OSError as wrong:  # smtplib's own errors are OSErrors
        return fail("mail server", f"{where} cannot be reached: {wrong}", "check REELHOOK_SMTP_URL and the network")
    return ok("mail server", f"{where} answers")
