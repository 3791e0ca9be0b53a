"""What runs beside: the server itself, when it is up, and the mail server."""

import http.client
import smtplib
from collections.abc import Iterator
from typing import Final

from reelhook.cli.doctor.finding import Finding, fail, ok, warn
from reelhook.errors import ReelhookError
from reelhook.settings import Address, Settings
from reelhook.worker.mail import MailServer, Security, read_smtp_url

_PATIENCE: Final = 5.0
_ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, not bound to


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at the server and what it calls."""
    if settings.listen.port:
        yield _server(settings.listen)
    if settings.smtp_url is not None:
        try:
            yield _mail(read_smtp_url(settings.smtp_url))
        except ReelhookError as wrong:
            yield fail("mail server", wrong.detail, "change REELHOOK_SMTP_URL")


def _server(listen: Address) -> Finding:
    connection = http.client.HTTPConnection(_ANYWHERE.get(listen.host, listen.host), listen.port, timeout=_PATIENCE)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        said = response.read(1000).decode("utf-8", "replace").strip()
    except ConnectionRefusedError:
        return warn("server", f"nothing listens on {listen}", "start it: reelhook serve")
    except (OSError, http.client.HTTPException) as wrong:
        return fail("server", f"{listen} does not answer: {wrong}", "look at its log")
    finally:
        connection.close()
    if response.status == 200:
        return ok("server", f"it is ready on {listen}")
    return fail("server", f"it is not ready ({response.status}): {said}", "look at its log")


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
