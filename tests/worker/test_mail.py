"""Mails against a real SMTP server on the loopback."""

import asyncio
import socket
import ssl
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from msgspec import structs
from tests.worker.scene import DISABLED, ENDPOINT, AppsOfTheScene
from tests.worker.virtual import LoopClock, running

from reelhook.errors import Invalid
from reelhook.model.secret import Secret
from reelhook.telemetry import Metrics
from reelhook.worker.mail import Mail, Mailer, MailServer, NotSent, Security, read_smtp_url
from reelhook.worker.notifier import Notifier
from reelhook.worker.postbox import Postbox

MAIL = Mail("owner@example.org", "Endpoint disabled", "It answered 410.\n", 1_790_000_000_000, "abc.1")
PASSWORD = "correct horse"


class Inbox:
    """What the server does with mails: it keeps them, or answers what it is told to."""

    def __init__(self, answer: str = "250 taken") -> None:
        self.answer = answer
        self.mails: list[tuple[str, list[str], EmailMessage]] = []
        self.encrypted: list[bool] = []

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd asks for
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        message = message_from_bytes(envelope.content, policy=policy.default)
        self.mails.append((envelope.mail_from, list(envelope.rcpt_tos), message))
        self.encrypted.append(session.ssl is not None)
        return "250 kept"


def _knows(server, session, envelope, mechanism, data) -> AuthResult:
    good = isinstance(data, LoginPassword) and data.password == PASSWORD.encode()
    return AuthResult(success=good, handled=False)


def send(
    inbox: Inbox, server: MailServer, mail: Mail = MAIL, trusting: ssl.SSLContext | None = None, **options
) -> None:
    """Start the mail server with these options, send one mail to it."""

    async def once() -> None:
        loop = asyncio.get_running_loop()
        tls = options.pop("implicit_tls", None)
        listener = await loop.create_server(lambda: SMTP(inbox, loop=loop, **options), "127.0.0.1", 0, ssl=tls)
        async with listener:
            port = listener.sockets[0].getsockname()[1]
            await Mailer(structs.replace(server, port=port), "reelhook@example.com", trusting, timeout=10).send(mail)

    asyncio.run(once())


PLAIN = MailServer("127.0.0.1", 0, Security.NONE)
STARTTLS = MailServer("127.0.0.1", 0, Security.STARTTLS)
OFFERED = MailServer("127.0.0.1", 0, Security.OFFERED)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def server_tls(authority) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def trusting(authority) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def test_a_mail_arrives_with_its_text_and_says_that_a_program_wrote_it():
    inbox = Inbox()
    send(inbox, PLAIN)
    [(sender, recipients, message)] = inbox.mails
    assert (sender, recipients) == ("reelhook@example.com", ["owner@example.org"])
    assert message["Subject"] == "Endpoint disabled"
    assert message["Message-ID"] == "<abc.1@example.com>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].startswith("Mon, 21 Sep 2026")
    assert message.get_content().strip() == "It answered 410."


def test_line_breaks_in_a_subject_do_not_become_headers():
    inbox = Inbox()
    send(inbox, PLAIN, Mail("a@example.org", "x\r\nBcc: victim@example.org\n\nbody", "t", 0, "1"))
    [(_, recipients, message)] = inbox.mails
    assert recipients == ["a@example.org"]
    assert message["Bcc"] is None
    assert message["Subject"] == "x Bcc: victim@example.org body"


@pytest.mark.parametrize("to", ["a@b, c@d", "a@b\r\nBcc: c@d", "nobody", "<a@b>", "", "a b@c"])
def test_what_is_not_one_address_is_refused_before_anything_is_sent(to):
    inbox = Inbox()
    with pytest.raises(NotSent) as caught:
        send(inbox, PLAIN, Mail(to, "s", "t", 0, "1"))
    assert caught.value.lasting
    assert inbox.mails == []


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
def test_smtps_with_a_trusted_certificate_and_a_password_delivers(server_tls, trusting):
    inbox = Inbox()
    server = MailServer("127.0.0.1", 0, Security.TLS, "user", Secret(PASSWORD))
    options = {"authenticator": _knows, "auth_require_tls": False, "auth_required": True}
    send(inbox, server, trusting=trusting, implicit_tls=server_tls, **options)
    assert len(inbox.mails) == 1


def test_starttls_encrypts_before_the_mail_is_sent(server_tls, trusting):
    inbox = Inbox()
    send(inbox, STARTTLS, trusting=trusting, tls_context=server_tls, require_starttls=True)
    send(inbox, OFFERED, trusting=trusting, tls_context=server_tls)
    assert inbox.encrypted == [True, True]


def test_a_certificate_that_nobody_trusts_stops_the_mail_with_a_clear_word(server_tls):
    inbox = Inbox()
    with pytest.raises(NotSent, match="certificate is not trusted"):
        send(inbox, STARTTLS, tls_context=server_tls)
    assert inbox.mails == []


def test_a_server_without_starttls_gets_no_mail_that_insists_on_it(trusting):
    inbox = Inbox()
    with pytest.raises(NotSent) as caught:
        send(inbox, STARTTLS, trusting=trusting)
    assert caught.value.lasting
    assert inbox.mails == []


def test_starttls_where_offered_does_without_when_it_is_not():
    inbox = Inbox()
    send(inbox, OFFERED)
    assert inbox.encrypted == [False]


@pytest.mark.fault("S28")
def test_a_wrong_password_is_told_without_showing_it(server_tls, trusting):
    server = structs.replace(STARTTLS, username="user", password=Secret("wrong-password"))
    options = {"authenticator": _knows, "auth_require_tls": True, "auth_required": True}
    with pytest.raises(NotSent) as caught:
        send(Inbox(), server, trusting=trusting, tls_context=server_tls, **options)
    assert "user and password" in caught.value.detail
    assert "wrong-password" not in caught.value.detail


@pytest.mark.parametrize(("answer", "lasting"), [("550 no such user", True), ("451 later\tplease", False)])
def test_a_refused_recipient_is_final_or_not_as_the_server_says(answer, lasting):
    with pytest.raises(NotSent, match=answer[:3]) as caught:
        send(Inbox(answer), PLAIN)
    assert caught.value.lasting is lasting


def test_a_server_that_is_not_there_is_worth_another_try():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        server = structs.replace(PLAIN, port=unused.getsockname()[1])
        with pytest.raises(NotSent) as caught:
            asyncio.run(Mailer(server, "reelhook@example.com").send(MAIL))
    assert not caught.value.lasting


@pytest.mark.fault("R16")
def test_the_owner_of_a_disabled_endpoint_is_told_through_a_real_mail_server():
    inbox, metrics, clock = Inbox(), Metrics("test"), LoopClock()

    async def publish(*_) -> None:
        """The events are tested elsewhere."""

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(lambda: SMTP(inbox, loop=loop), "127.0.0.1", 0)
        async with listener:
            server = structs.replace(PLAIN, port=listener.sockets[0].getsockname()[1])
            postbox = Postbox(Mailer(server, "reelhook@example.com"), clock, metrics)
            notifier = Notifier(publish, {5: ENDPOINT}.get, AppsOfTheScene(), clock, metrics, None, postbox)

            async def disable() -> None:
                notifier.changed(ENDPOINT, DISABLED)

            await running(notifier, disable())

    asyncio.run(scenario())
    assert sorted(recipients for _, recipients, _ in inbox.mails) == [["app@example.org"], ["endpoint@example.org"]]
    assert inbox.mails[0][2]["Subject"] == "[Reelhook] Endpoint Archive was disabled"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example.org", ("mail.example.org", 25, Security.OFFERED, None, None)),
        ("smtp://127.0.0.1:2525?starttls=0", ("127.0.0.1", 2525, Security.NONE, None, None)),
        ("smtp://u%40x:p%3Aq@mail:587", ("mail", 587, Security.STARTTLS, "u@x", "p:q")),
        ("smtp://u:p@localhost", ("localhost", 25, Security.OFFERED, "u", "p")),
        ("smtp://mail:587?starttls=1", ("mail", 587, Security.STARTTLS, None, None)),
        ("smtps://u:p@mail", ("mail", 465, Security.TLS, "u", "p")),
    ],
)
def test_the_url_says_where_and_how_safely(url, expected):
    server = read_smtp_url(Secret(url))
    password = server.password.reveal() if server.password else None
    assert (server.host, server.port, server.security, server.username, password) == expected


@pytest.mark.fault("S28")
@pytest.mark.parametrize("url", ["http://h", "smtp://", "smtp://u:canary@h:99999", "smtp://u:canary@h?starttls=maybe"])
def test_a_wrong_url_is_refused_without_repeating_it(url):
    with pytest.raises(Invalid) as caught:
        read_smtp_url(Secret(url))
    assert "canary" not in caught.value.detail
