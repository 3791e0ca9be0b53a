"""Credentials of an endpoint: complete for their kind, and of characters that HTTP can carry."""

import re
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from reelhook.errors import FieldError
from reelhook.model.address import inside, refuse_literal
from reelhook.model.endpoint import Auth, BasicAuth, BearerAuth, MutualTlsAuth, OAuth2Auth
from reelhook.model.http import Target
from reelhook.model.pointer import pointer
from reelhook.model.url import parse_target

Networks = Sequence[IPv4Network | IPv6Network]
"""What the operator allows to be called although it is private."""

LONGEST_CREDENTIAL: Final = 4096
LONGEST_PEM: Final = 32 * 1024

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_VISIBLE: Final = re.compile(r"[\x21-\x7e]+\Z")
_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*\Z")
"""Scope tokens with one blank between (RFC 6749 §3.3)."""


def check_auth(auth: Auth, exceptions: Networks) -> list[FieldError]:
    """Say what is missing or wrong; a message never quotes a credential."""
    match auth:
        case BasicAuth():
            return _check_basic(auth)
        case BearerAuth(token=token):
            return _unless(_VISIBLE.match(token.reveal()), "a token is visible ASCII without blanks", "token") + _long(
                token=token.reveal()
            )
        case OAuth2Auth():
            return _check_oauth2(auth, exceptions)
        case MutualTlsAuth(certificate=certificate, private_key=key):
            return _check_certificate(certificate, key.reveal())
        case _:
            return []


def _check_basic(auth: BasicAuth) -> list[FieldError]:
    password = auth.password.reveal()
    plain = auth.username and ":" not in auth.username and not _CONTROL.search(auth.username)
    return [
        *_unless(plain, "a username is not empty and holds no colon and no control characters (RFC 7617)", "username"),
        *_unless(not _CONTROL.search(password), "a password holds no control characters (RFC 7617)", "password"),
        *_long(username=auth.username, password=password),
    ]


def _check_oauth2(auth: OAuth2Auth, exceptions: Networks) -> list[FieldError]:
    texts = {
        "username": auth.username,
        "password": auth.password.reveal() if auth.password else None,
        "client_id": auth.client_id,
        "client_secret": auth.client_secret.reveal() if auth.client_secret else None,
    }
    needed = ("username", "password") if auth.grant == "password" else ("client_id", "client_secret")
    errors = [
        FieldError(f"the grant {auth.grant} needs {name}", pointer("auth", name)) for name in needed if not texts[name]
    ]
    if auth.client_secret is not None and not auth.client_id:
        errors += _unless(auth.grant != "password", "a client_secret needs a client_id", "client_id")
    if auth.scope is not None:
        errors += _unless(_SCOPE.match(auth.scope), "a scope is words with one blank between (RFC 6749)", "scope")
    errors += _long(scope=auth.scope or "", **{name: text or "" for name, text in texts.items()})
    return errors + _check_token_url(auth.token_url, exceptions)


def _check_token_url(url: str, exceptions: Networks) -> list[FieldError]:
    try:
        target = parse_target(url)
    except ValueError as error:
        return _unless(False, str(error), "token_url")
    refused = refuse_literal(target, exceptions)
    if refused is not None:
        return _unless(False, refused, "token_url")
    detail = "use https, because credentials go there, or the address itself in a network that the operator allows"
    return _unless(target.scheme == "https" or _may_be_plain(target, exceptions), detail, "token_url")


def _may_be_plain(target: Target, exceptions: Networks) -> bool:
    """Tell whether http is tolerable: for an address that the operator allows. A name may lead anywhere tomorrow,
    except this machine's own, which was refused before unless its addresses are allowed.
    """
    try:
        address = ip_address(target.host)
    except ValueError:
        return target.host == "localhost"
    return inside(address, exceptions)


def _check_certificate(certificate: str, private_key: str) -> list[FieldError]:
    if len(certificate) > LONGEST_PEM or len(private_key) > LONGEST_PEM:
        return _unless(False, f"a certificate and its key have at most {LONGEST_PEM} characters each", "certificate")
    try:
        leaf = x509.load_pem_x509_certificates(certificate.encode())[0]
    except ValueError:
        return _unless(False, "the certificate is not PEM: it begins with -----BEGIN CERTIFICATE-----", "certificate")
    try:
        key = load_pem_private_key(private_key.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return _unless(False, "the private key is not PEM without a passphrase", "private_key")
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    same = leaf.public_key().public_bytes(*form) == key.public_key().public_bytes(*form)
    return _unless(same, "the private key does not belong to the certificate", "private_key")


def _long(**texts: str) -> list[FieldError]:
    detail = f"at most {LONGEST_CREDENTIAL} characters"
    return [error for name, text in texts.items() for error in _unless(len(text) <= LONGEST_CREDENTIAL, detail, name)]


def _unless(good: object, detail: str, field: str) -> list[FieldError]:
    return [] if good else [FieldError(detail, pointer("auth", field))]
