"""What the network and TLS report, mapped once to our failures, each with a sentence for the endpoint's owner."""

import errno
import ssl
from typing import Final

from reelhook.model.attempt import Failure


class DialFailed(Exception):
    """No connection could be had; nothing of the request was written."""

    def __init__(self, failure: Failure, detail: str) -> None:
        super().__init__(detail)
        self.failure = failure
        self.detail = detail
        self.address: str | None = None
        """Whom we had reached, where it got so far."""


_NO_ROUTE: Final = frozenset(
    {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
)
_NO_SOCKETS: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

# OpenSSL's x509_vfy.h; the ssl module does not name them.
_EXPIRED: Final = 10
_NOT_YET_VALID: Final = 9
_SELF_SIGNED: Final = frozenset({18, 19})
_UNKNOWN_ISSUER: Final = frozenset({2, 20, 21})
_WRONG_NAME: Final = frozenset({62, 64})

_REFUSES_US: Final = ("CERTIFICATE_REQUIRED", "ALERT_BAD_CERTIFICATE", "ALERT_UNKNOWN_CA", "ALERT_CERTIFICATE")


def connect_failure(error: OSError, port: int) -> DialFailed:
    """Say why TCP did not connect."""
    if error.errno == errno.ECONNREFUSED:
        return DialFailed(Failure.REFUSED, f"The receiver refused the connection on port {port}.")
    if error.errno in (errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE):
        return DialFailed(Failure.RESET, "The receiver closed the connection while it was being made.")
    if error.errno in _NO_ROUTE:
        return DialFailed(Failure.UNREACHABLE, "The receiver cannot be reached: there is no route to its address.")
    if error.errno in _NO_SOCKETS:
        return DialFailed(Failure.UNREACHABLE, "This machine has no free sockets; raise the limit of open files.")
    reason = errno.errorcode.get(error.errno or 0, type(error).__name__)
    return DialFailed(Failure.UNREACHABLE, f"The receiver cannot be reached ({reason}).")


def handshake_failure(error: OSError, host: str) -> DialFailed:
    """Say why TLS was not established."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return DialFailed(Failure.CERTIFICATE, _certificate_sentence(error, host))
    if isinstance(error, ssl.SSLError):
        return DialFailed(Failure.TLS, tls_sentence(error))
    return DialFailed(Failure.RESET, "The receiver closed the connection during the TLS handshake.")


def tls_sentence(error: ssl.SSLError) -> str:
    """Say in plain words what went wrong in TLS, with OpenSSL's own word for it."""
    reason = error.reason or "unknown"
    if any(word in reason for word in _REFUSES_US):
        return f"The receiver does not accept our client certificate ({reason})."
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"):
        return f"The receiver does not speak TLS on this port; is it http instead of https? ({reason})"
    if "PROTOCOL" in reason or "VERSION" in reason:
        return f"The receiver offers no version of TLS from 1.2 on ({reason})."
    return f"TLS with the receiver failed ({reason})."


def _certificate_sentence(error: ssl.SSLCertVerificationError, host: str) -> str:
    code = error.verify_code
    if code == _EXPIRED:
        return "The receiver's certificate has expired."
    if code == _NOT_YET_VALID:
        return "The receiver's certificate is not valid yet."
    if code in _SELF_SIGNED:
        return "The receiver's certificate is self-signed or its chain ends in an authority that is not trusted."
    if code in _UNKNOWN_ISSUER:
        return "The receiver's certificate was issued by an authority that is not trusted, or its chain is incomplete."
    if code in _WRONG_NAME:
        return f"The receiver's certificate is not for {host}."
    return f"The receiver's certificate cannot be trusted: {error.verify_message}."
