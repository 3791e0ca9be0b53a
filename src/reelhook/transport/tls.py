"""TLS contexts: one that verifies receivers, shared by all, and a few more that also hold a client certificate."""

import asyncio
import os
import ssl
from collections import OrderedDict
from typing import Final

from reelhook.errors import Invalid
from reelhook.model.attempt import Failure
from reelhook.model.http import ClientIdentity
from reelhook.transport.failures import DialFailed

CLIENT_CONTEXTS: Final = 64
"""So many client certificates are kept ready; each context parses the system's authorities anew and holds 0.8 MB."""

_UNUSABLE: Final = "The endpoint's client certificate and private key cannot be used together."


class TlsContexts:
    """Hands out contexts that verify chain and name, TLS 1.2 or newer.

    `ca_file` (PEM) is trusted in addition to the system's authorities; Invalid when it cannot be read.
    """

    def __init__(self, ca_file: str | None = None) -> None:
        self._ca_file = ca_file
        self.shared = self._verifying()
        """What to connect with when no client certificate is shown."""
        self._by_identity: OrderedDict[str, ssl.SSLContext] = OrderedDict()
        self._under_way: dict[str, asyncio.Task[ssl.SSLContext | None]] = {}

    async def of(self, identity: ClientIdentity) -> ssl.SSLContext:
        """Return the context that shows a client certificate; DialFailed when the certificate cannot be used."""
        context: ssl.SSLContext | None = self._by_identity.get(identity.key)
        if context is None:
            context = await self._join(identity)
        else:
            self._by_identity.move_to_end(identity.key)
        if context is None:
            raise DialFailed(Failure.PREPARE, _UNUSABLE)
        return context

    async def _join(self, identity: ClientIdentity) -> ssl.SSLContext | None:
        """Wait for a context that is being made, or make it."""
        task = self._under_way.get(identity.key)
        if task is None:
            task = self._under_way[identity.key] = asyncio.create_task(self._make(identity))
        return await asyncio.shield(task)

    async def _make(self, identity: ClientIdentity) -> ssl.SSLContext | None:
        """Make and keep a context; in a thread, because parsing all authorities would stall the loop for 40 ms."""
        try:
            context = await asyncio.to_thread(self._with_certificate, identity)
        except (OSError, ValueError):
            return None
        finally:
            del self._under_way[identity.key]
        self._by_identity[identity.key] = context
        if len(self._by_identity) > CLIENT_CONTEXTS:
            self._by_identity.popitem(last=False)
        return context

    def _verifying(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        if self._ca_file is not None:
            try:
                context.load_verify_locations(self._ca_file)
            except OSError as error:
                raise Invalid(f"the file of trusted authorities {self._ca_file} cannot be read: {error}") from error
        return context

    def _with_certificate(self, identity: ClientIdentity) -> ssl.SSLContext:
        context = self._verifying()
        _load_identity(context, identity)
        return context


def _load_identity(context: ssl.SSLContext, identity: ClientIdentity) -> None:
    """Load certificate and key. The ssl module takes them by path only, so they go through anonymous memory that this
    process alone can name: a private key never stands in a file, not even for a moment.
    """
    memory = os.memfd_create("client-identity", os.MFD_CLOEXEC)
    try:
        with open(memory, "w", encoding="ascii", closefd=False) as pem:
            pem.write(f"{identity.certificate}\n{identity.private_key.reveal()}\n")
        # Without a password callback OpenSSL would ask for the passphrase of an encrypted key at the terminal.
        context.load_cert_chain(f"/proc/self/fd/{memory}", password="")
    finally:
        os.close(memory)
