"""Mails over SMTP (RFC 5321, RFC 3207 STARTTLS): plain text, one recipient each, sent off the loop.

The mail server is the operator's own setting, not a stranger's address, so the guard is not asked.
"""

import asyncio
import re
import smtplib
import socket
import ssl
from contextlib import closing, suppress
from email.message import EmailMessage
from email.utils import formatdate
from enum import StrEnum
from typing import Final, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from reelhook.errors import Invalid
from reelhook.model.secret import Secret

_PORTS: Final = {"smtp": 25, "smtps": 465}
_TIMEOUT: Final = 15.0
_ADDRESS: Final = re.compile(r"[^\s@<>,;:\"\\()\[\]\x00-\x1f]+@[^\s@<>,;:\"\\()\x00-\x1f]+\Z")
_LONGEST_SUBJECT: Final = 200
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Security(StrEnum):
    """How the connection is protected."""

    NONE = "none"
    OFFERED = "starttls where offered"
    STARTTLS = "starttls"
    TLS = "tls"


class MailServer(msgspec.Struct, frozen=True):
    """Where mails are handed in, as whom and how safely."""

    host: str
    port: int
    security: Security
    username: str | None = None
    password: Secret | None = None


class Mail(msgspec.Struct, frozen=True):
    """One mail to one address; `at` is wall time (ms), `reference` makes the Message-ID the same on every try."""

    to: str
    subject: str
    text: str
    at: int
    reference: str


class NotSent(Exception):
    """A mail was not taken; `lasting` says that trying again will not help. The message holds no credentials."""

    def __init__(self, detail: str, *, lasting: bool) -> None:
        super().__init__(detail)
        self.detail = detail
        self.lasting = lasting


class Sender(Protocol):
    """Sends mails; tests put a list in its place."""

    async def send(self, mail: Mail) -> None:
        """Hand the mail in, or raise `NotSent`."""
        ...


def read_smtp_url(url: Secret) -> MailServer:
    """Read `smtp://user:password@host:587?starttls=1` or `smtps://…`; user and password are percent-encoded.

    `smtp` uses STARTTLS where the server offers it, and insists on it with `starttls=1`, or when there is a password
    for a server on another machine; `starttls=0` does without.

    Raises:
        Invalid: it is not such a URL; the message does not repeat it.
    """
    try:
        parts = urlsplit(url.reveal())
        port = parts.port or _PORTS[parts.scheme]
        host = parts.hostname or ""
        starttls = parse_qs(parts.query, strict_parsing=bool(parts.query)).get("starttls", [""])[-1]
        security = _security(parts.scheme, starttls, safe=not parts.password or host in _LOOPBACK)
    except (ValueError, KeyError):
        raise _wrong_url() from None
    if not host:
        raise _wrong_url()
    password = None if parts.password is None else Secret(unquote(parts.password))
    return MailServer(host, port, security, unquote(parts.username) if parts.username else None, password)


def _wrong_url() -> Invalid:
    return Invalid("the mail server must look like smtp://user:password@host:587?starttls=1 or smtps://host:465")


def _security(scheme: str, starttls: str, *, safe: bool) -> Security:
    if scheme == "smtps":
        return Security.TLS
    if starttls == "":
        return Security.OFFERED if safe else Security.STARTTLS
    return {"1": Security.STARTTLS, "0": Security.NONE}[starttls]


class Mailer:
    """Hands mails in at a mail server, one connection for each; `sender` is their From address."""

    def __init__(
        self,
        server: MailServer,
        sender: str,
        tls: ssl.SSLContext | None = None,
        timeout: float = _TIMEOUT,
    ) -> None:
        self._server = server
        self._sender = sender
        self._tls = tls or ssl.create_default_context()
        self._timeout = timeout

    async def send(self, mail: Mail) -> None:
        """Hand the mail in.

        Raises:
            NotSent: the server cannot be reached, is not who it should be, or does not want it.
        """
        if not _ADDRESS.match(mail.to):
            raise NotSent("the recipient is not one mail address", lasting=True)
        await asyncio.to_thread(self._hand_in, mail)

    def _hand_in(self, mail: Mail) -> None:
        try:
            message = compose(mail, self._sender)
            with closing(self._connect()) as connection:
                self._protect(connection)
                self._log_in(connection)
                connection.send_message(message, self._sender, [mail.to])
                # It has the mail: a server that stumbles over the good-bye must not get it twice.
                with suppress(OSError):
                    connection.quit()
        except (OSError, ValueError) as error:  # smtplib's own errors are OSErrors
            raise _not_sent(error, f"{self._server.host}:{self._server.port}") from None

    def _connect(self) -> smtplib.SMTP:
        # The name is given because smtplib would otherwise ask the resolver for it, for seconds.
        name = socket.gethostname()
        server = self._server
        if server.security is Security.TLS:
            return smtplib.SMTP_SSL(
                server.host, server.port, local_hostname=name, timeout=self._timeout, context=self._tls
            )
        return smtplib.SMTP(server.host, server.port, local_hostname=name, timeout=self._timeout)

    def _protect(self, connection: smtplib.SMTP) -> None:
        connection.ehlo_or_helo_if_needed()
        wanted = self._server.security
        if wanted is Security.STARTTLS or (wanted is Security.OFFERED and connection.has_extn("starttls")):
            connection.starttls(context=self._tls)

    def _log_in(self, connection: smtplib.SMTP) -> None:
        if self._server.username is not None and self._server.password is not None:
            connection.login(self._server.username, self._server.password.reveal())


def compose(mail: Mail, sender: str) -> EmailMessage:
    """Write the mail; whatever stands in names and errors, it cannot become a header."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = mail.to
    message["Subject"] = _one_line(mail.subject)
    message["Date"] = formatdate(mail.at / 1000)
    message["Message-ID"] = f"<{mail.reference}@{sender.rpartition('@')[2]}>"
    # RFC 3834: so that nobody's holiday notice answers.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(mail.text)
    return message


def _one_line(text: str) -> str:
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(printable.split())[:_LONGEST_SUBJECT]


def _not_sent(error: Exception, where: str) -> NotSent:
    """Map what smtplib and the sockets raise; the server's own words are kept, in one line."""
    lasting = False
    match error:
        case ssl.SSLCertVerificationError():
            what = f"the mail server's certificate is not trusted: {error.verify_message}"
        case ssl.SSLError():
            what = f"TLS with the mail server failed: {error.reason or error}"
        case smtplib.SMTPAuthenticationError():
            what = "the mail server does not accept user and password"
        case smtplib.SMTPRecipientsRefused():
            code, words = next(iter(error.recipients.values()))
            what, lasting = f"the recipient is refused: {code} {_words(words)}", code >= 500
        case smtplib.SMTPResponseException():
            what = f"the mail server answered {error.smtp_code} {_words(error.smtp_error)}"
            lasting = error.smtp_code >= 500
        case smtplib.SMTPNotSupportedError() | ValueError():
            what, lasting = f"the mail cannot be sent: {_one_line(str(error))}", True
        case _:
            what = _one_line(str(error)) or type(error).__name__
    return NotSent(f"{where}: {what}", lasting=lasting)


def _words(text: bytes | str) -> str:
    return _one_line(text.decode("utf-8", "replace") if isinstance(text, bytes) else text)
