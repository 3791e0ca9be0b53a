"""Certificates for tests: an authority that nobody else trusts, and what it issued, good and bad."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme


class Authority:
    """Issues certificates for loopback receivers; `file` is what a sender must trust."""

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        self.file = str(folder / "authority.pem")
        self._authority.cert_pem.write_to_path(self.file)

    def server(self, *names: str, expired: bool = False, clients: bool = False) -> ssl.SSLContext:
        """Make a server's context for these names; `clients` demands a certificate of this authority from them."""
        yesterday = datetime.now(UTC) - timedelta(days=1)
        dates = {"not_before": yesterday - timedelta(days=9), "not_after": yesterday} if expired else {}
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(*(names or ("127.0.0.1", "localhost")), **dates).configure_cert(context)
        if clients:
            context.verify_mode = ssl.CERT_REQUIRED
            self._authority.configure_trust(context)
        return context

    def client(self, name: str = "sender@reelhook.test") -> tuple[str, str]:
        """Issue a client's certificate; return it and its private key, both PEM."""
        issued = self._authority.issue_cert(name)
        chain = "".join(part.bytes().decode() for part in issued.cert_chain_pems)
        return chain, issued.private_key_pem.bytes().decode()


def self_signed() -> ssl.SSLContext:
    """Make a server's context whose certificate no authority issued."""
    stranger = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    stranger.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context
