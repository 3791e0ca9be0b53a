"""TLS: whom the wire trusts, and how it shows a certificate of its own."""

import asyncio
import socket
import ssl
import threading
import warnings
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from tests.support.certificates import Authority, self_signed
from tests.support.receiver import Receiver, close, forever, hang, read, reset, response, send
from tests.transport.wire_scene import LOOPBACK, Directory, post

from reelhook.errors import Invalid
from reelhook.model.attempt import Failure
from reelhook.model.http import ClientIdentity
from reelhook.model.secret import Secret
from reelhook.transport import tls as tls_module
from reelhook.transport.http import HttpWire
from reelhook.transport.tls import TlsContexts


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls"))


def exchange(run, tls, *, ca_file=None, script=None, url=None, **request):
    async def scene():
        wire = HttpWire(exceptions=LOOPBACK, ca_file=ca_file, lookup=Directory(["127.0.0.1"]))
        async with Receiver(*([script] if script else []), tls=tls) as receiver:
            address = (url or "https://127.0.0.1:{}/").format(receiver.port)
            answer = await wire.send(post(address, **request))
            await wire.close()
            assert wire.open_connections == 0
            return answer, receiver

    return run(scene())


@pytest.mark.parametrize("url", ["https://127.0.0.1:{}/", "https://localhost:{}/", "https://hooks.example:{}/"])
def test_a_certificate_of_a_trusted_authority_for_the_right_name_is_trusted(run, authority, url):
    tls = authority.server("127.0.0.1", "localhost", "hooks.example")
    answer, receiver = exchange(run, tls, ca_file=authority.file, url=url)
    assert answer.status == 200
    assert answer.timing.tls is not None
    assert len(receiver.requests) == 1


@pytest.mark.fault("R18")
@pytest.mark.parametrize(
    ("case", "sentence"),
    [
        ("expired", "has expired"),
        ("wrong host", "is not for hooks.example"),
        ("wrong address", "is not for 127.0.0.1"),
        ("self-signed", "authority that is not trusted"),
        ("unknown authority", "authority that is not trusted"),
    ],
)
def test_a_certificate_that_cannot_be_trusted_stops_before_the_request(run, authority, case, sentence):
    trusted = authority.file
    tls = {
        "expired": lambda: authority.server("127.0.0.1", expired=True),
        "wrong host": lambda: authority.server("other.example"),
        "wrong address": lambda: authority.server("127.0.0.2"),
        "self-signed": self_signed,
        "unknown authority": lambda: authority.server("127.0.0.1"),
    }[case]()
    url = "https://hooks.example:{}/" if case == "wrong host" else None
    answer, receiver = exchange(run, tls, ca_file=None if case == "unknown authority" else trusted, url=url)
    assert answer.failure is Failure.CERTIFICATE
    assert sentence in answer.error
    assert not answer.sent
    assert answer.remote_address == "127.0.0.1"
    assert receiver.requests == []


@pytest.mark.fault("R18")
def test_a_receiver_without_tls_is_a_tls_error(run):
    answer, receiver = exchange(run, None, script=(send(b"HTTP/1.1 400 Bad\r\n\r\n"), hang))
    assert answer.failure is Failure.TLS
    assert "http instead of https" in answer.error
    assert receiver.requests == []


@pytest.mark.fault("R18")
@pytest.mark.parametrize("end", [close, reset])
def test_a_receiver_that_leaves_during_the_handshake_is_a_reset(run, end):
    answer, _ = exchange(run, None, script=(end,))
    assert answer.failure is Failure.RESET
    assert "handshake" in answer.error
    assert not answer.sent


def test_old_versions_of_tls_are_refused(run, authority):
    tls = authority.server("127.0.0.1")
    with warnings.catch_warnings(action="ignore"):
        tls.minimum_version = ssl.TLSVersion.TLSv1
        tls.maximum_version = ssl.TLSVersion.TLSv1_1
    tls.set_ciphers("ALL:@SECLEVEL=0")
    answer, _ = exchange(run, tls, ca_file=authority.file)
    assert answer.failure in (Failure.TLS, Failure.RESET)
    assert not answer.sent


@pytest.mark.fault("S10")
def test_a_handshake_that_never_ends_is_left_at_the_deadline(run):
    answer, _ = exchange(run, None, script=(hang,), timeout=0.4)
    assert answer.failure is Failure.CONNECT_TIMEOUT
    assert "TLS handshake" in answer.error
    assert not answer.sent


@pytest.mark.parametrize(
    ("script", "failure", "body"),
    [
        ((read, send(b"HTTP/1.1 200 OK\r\n\r\nall of it"), close), None, b"all of it"),
        ((read, send(b"HTTP/1.1 200 OK\r\n\r\nall of"), reset), Failure.RESET, b"all of"),
        ((read, send(response(200, b"12345")[:-1]), close), Failure.RESET, b"1234"),
        ((read, close), Failure.RESET, b""),
    ],
)
def test_only_a_proper_close_ends_a_body_over_tls(run, authority, script, failure, body):
    answer, _ = exchange(run, authority.server(), ca_file=authority.file, script=script)
    assert (answer.failure, answer.body) == (failure, body)


def test_large_bodies_pass_both_ways_over_tls(run, authority):
    body = bytes(range(256)) * 8_000
    script = (forever(read, send(response(200, body[:60_000]))),)
    answer, receiver = exchange(run, authority.server(), ca_file=authority.file, script=script, body=body)
    assert (answer.status, answer.body) == (200, body[:60_000])
    assert receiver.requests[0].body == body


def test_a_tls_connection_is_used_again(run, authority):
    async def scene():
        wire = HttpWire(exceptions=LOOPBACK, ca_file=authority.file)
        async with Receiver(tls=authority.server()) as receiver:
            for _ in range(3):
                answer = await wire.send(post(receiver.url))
                assert answer.status == 200
            assert answer.timing.tls is None
            assert receiver.connections == 1
        await wire.close()

    run(scene())


def test_a_client_certificate_is_shown_to_those_who_ask(run, authority):
    identity = ClientIdentity("1/1", *_client(authority))
    answer, receiver = exchange(run, authority.server(clients=True), ca_file=authority.file, identity=identity)
    assert answer.status == 200
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("with_stranger", [True, False])
def test_a_client_certificate_that_is_missing_or_unknown_is_a_tls_error(run, authority, tmp_path, with_stranger):
    identity = ClientIdentity("1/1", *_client(Authority(tmp_path))) if with_stranger else None

    async def scene(port):
        wire = HttpWire(exceptions=LOOPBACK, ca_file=authority.file)
        answer = await wire.send(post(f"https://127.0.0.1:{port}/", identity=identity))
        await wire.close()
        return answer

    with strict_server(authority.server(clients=True)) as port:
        answer = run(scene(port))
    assert answer.failure is Failure.TLS
    assert "client certificate" in answer.error


@contextmanager
def strict_server(tls):
    """Refuse one handshake with the alert that says why; asyncio's own servers leave without a word."""

    def serve():
        accepted, _ = listener.accept()
        with accepted.dup() as raw:
            with suppress(ssl.SSLError):
                tls.wrap_socket(accepted, server_side=True)
            raw.recv(65536)  # the request, which was under way; else the alert would be lost in a reset

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def test_connections_with_different_client_certificates_are_never_shared(run, authority):
    async def scene():
        wire = HttpWire(exceptions=LOOPBACK, ca_file=authority.file)
        certificate = _client(authority)
        async with Receiver(tls=authority.server()) as receiver:
            for key in ("1/1", "2/1", None, "1/1", "2/1", None):
                identity = None if key is None else ClientIdentity(key, *certificate)
                assert (await wire.send(post(receiver.url, identity=identity))).status == 200
            assert receiver.connections == 3
        await wire.close()

    run(scene())


@pytest.mark.parametrize("spoil", ["certificate", "key", "other key", "encrypted"])
def test_a_client_certificate_that_cannot_be_loaded_fails_before_anything_is_called(run, authority, spoil):
    certificate, key = _client(authority)
    text = key.reveal()
    if spoil == "certificate":
        certificate = "nonsense"
    elif spoil == "key":
        text = "-----BEGIN PRIVATE KEY-----\nbm9uc2Vuc2U=\n-----END PRIVATE KEY-----\n"
    elif spoil == "other key":
        text = _client(authority)[1].reveal()
    else:
        text = _encrypted(text)
    identity = ClientIdentity("1/1", certificate, Secret(text))
    answer, receiver = exchange(run, authority.server(), ca_file=authority.file, identity=identity)
    assert answer.failure is Failure.PREPARE
    assert "client certificate" in answer.error
    assert receiver.connections == 0


def test_a_private_key_never_stands_in_a_file(authority, monkeypatch):
    opened = []
    load = ssl.SSLContext.load_cert_chain

    def spied(context, certfile, keyfile=None, password=None):
        opened.append(Path(certfile).readlink())
        load(context, certfile, keyfile, password)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", spied)
    asyncio.run(TlsContexts().of(ClientIdentity("1/1", *_client(authority))))
    assert opened
    assert all(str(path).startswith("/memfd:") for path in opened)
    assert not [path for path in map(_link, Path("/proc/self/fd").iterdir()) if "client-identity" in path]


def test_contexts_of_client_certificates_are_kept_but_not_for_ever(authority, monkeypatch):
    monkeypatch.setattr(tls_module, "CLIENT_CONTEXTS", 2)
    certificate = _client(authority)
    first, second, third = (ClientIdentity(f"{number}/1", *certificate) for number in range(3))

    async def scene():
        contexts = TlsContexts()
        kept, same = await asyncio.gather(contexts.of(first), contexts.of(first))
        assert kept is same
        went = await contexts.of(second)
        assert await contexts.of(first) is kept
        await contexts.of(third)
        assert await contexts.of(first) is kept
        assert await contexts.of(second) is not went

    asyncio.run(scene())


def test_an_authority_file_that_cannot_be_read_is_said_so_at_the_start(tmp_path):
    (tmp_path / "nonsense.pem").write_text("nonsense")
    for name in ("missing.pem", "nonsense.pem"):
        with pytest.raises(Invalid, match=name):
            TlsContexts(str(tmp_path / name))


def test_who_gives_up_during_the_handshake_leaves_nothing_behind(run):
    async def scene():
        wire = HttpWire(exceptions=LOOPBACK)
        async with Receiver((hang,)) as receiver:
            sending = asyncio.create_task(wire.send(post(f"https://127.0.0.1:{receiver.port}/")))
            await receiver.until(lambda r: r.connections == 1)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            await receiver.until(lambda r: r.open_connections == 0)
        await wire.close()

    run(scene())


def _link(path):
    try:
        return str(path.readlink())
    except FileNotFoundError:
        return ""


def _client(authority):
    certificate, key = authority.client()
    return certificate, Secret(key)


def _encrypted(pem):
    key = serialization.load_pem_private_key(pem.encode(), None)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    return key.private_bytes(*form, serialization.BestAvailableEncryption(b"canary")).decode()
