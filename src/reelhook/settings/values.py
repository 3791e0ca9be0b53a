"""How the text of a setting becomes its value: one reader for each kind; what is wrong is a ValueError in plain words.

A reader's message says what was expected and never repeats the value, because the value may be a secret.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

from reelhook.model.access import APP_ID_PATTERN
from reelhook.model.secret import MASK, Secret

Network = IPv4Network | IPv6Network

_POSTGRES: Final = ("postgresql://", "postgres://")
_SECONDS: Final = {"ms": 0.001, "": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_BYTES: Final = {"": 1, "b": 1, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}
_QUANTITY: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)\Z")


@dataclass(frozen=True)
class Kind:
    """A kind of value: its name for people, and how its text is read."""

    name: str
    read: Callable[[str], Any]


class Address(NamedTuple):
    """Where to listen; port 0 lets the system choose a free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def read_seconds(text: str) -> float:
    """Read a span of time: a number of seconds, or one with a unit: `500ms`, `30s`, `5m`, `2h`, `7d`, `1w`."""
    found = _QUANTITY.match(text)
    if found is None or found[2].lower() not in _SECONDS:
        raise ValueError("expected seconds, or a number with ms, s, m, h, d or w, such as 30 or 2h")
    return float(found[1]) * _SECONDS[found[2].lower()]


def seconds(smallest: float, largest: float) -> Kind:
    """Take a span of time between two bounds, both in seconds."""

    def read(text: str) -> float:
        return _bounded(read_seconds(text), smallest, largest, " seconds")

    return Kind("seconds", read)


def whole(smallest: int, largest: int) -> Kind:
    """Take a whole number between two bounds."""

    def read(text: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,15}", text):
            raise ValueError(f"expected a whole number from {smallest} to {largest}")
        return int(_bounded(int(text), smallest, largest, ""))

    return Kind("whole number", read)


def size(smallest: int, largest: int) -> Kind:
    """Take a number of bytes between two bounds; KiB, MiB and GiB may follow the number."""

    def read(text: str) -> int:
        found = _QUANTITY.match(text)
        if found is None or found[2].lower() not in _BYTES:
            raise ValueError("expected a number of bytes, or one with KiB, MiB or GiB, such as 1048576 or 1MiB")
        return int(_bounded(int(float(found[1]) * _BYTES[found[2].lower()]), smallest, largest, " bytes"))

    return Kind("bytes", read)


def _bounded(number: float, smallest: float, largest: float, unit: str) -> float:
    if not smallest <= number <= largest:
        raise ValueError(f"expected {smallest:g} to {largest:g}{unit}" if unit else f"expected {smallest} to {largest}")
    return number


def choice(*names: str) -> Kind:
    """Take one of a few words, in any case."""

    def read(text: str) -> str:
        if text.lower() not in names:
            raise ValueError("expected " + " or ".join((", ".join(names[:-1]), names[-1])))
        return text.lower()

    return Kind(" or ".join(names), read)


def secret(shortest: int, *, spaces: bool = False) -> Kind:
    """Take a secret of at least so many visible ASCII characters; a passphrase may have spaces."""
    allowed = re.compile(r"[ -~]+\Z" if spaces else r"[!-~]+\Z")

    def read(text: str) -> Secret:
        if len(text) < shortest or not allowed.match(text):
            words = "" if spaces else ", without spaces"
            raise ValueError(f"expected {shortest} or more characters, all visible ASCII{words}")
        return Secret(text)

    return Kind("secret", read)


def _items(text: str) -> list[str]:
    return [item for item in re.split(r"[\s,]+", text) if item]


def _read_flag(text: str) -> bool:
    if text.lower() in ("true", "yes", "on", "1"):
        return True
    if text.lower() in ("false", "no", "off", "0"):
        return False
    raise ValueError("expected true or false")


def _read_text(text: str) -> str:
    if not text.isprintable():
        raise ValueError("expected text without control characters")
    return text


def _read_address(text: str) -> Address:
    found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.%]+)\]|([A-Za-z0-9._-]+)):([0-9]{1,5})", text)
    if found is None or int(found[3]) > 65535:
        raise ValueError("expected host:port, such as 127.0.0.1:8080, 0.0.0.0:80 or [::]:8080")
    return Address(found[1] or found[2], int(found[3]))


def _read_network(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError:
        pass
    try:
        wider = ip_network(text, strict=False)
    except ValueError:
        raise ValueError("expected networks in CIDR form, such as 10.0.0.0/8, ::1/128") from None
    raise ValueError(f"expected a network or one address: did you mean {wider} or {text.partition('/')[0]}?")


def _read_networks(text: str) -> tuple[Network, ...]:
    return tuple(_read_network(item) for item in _items(text))


def _read_ip(text: str) -> IPv4Address | IPv6Address:
    try:
        return ip_address(text)
    except ValueError:
        raise ValueError("expected IP addresses, such as 203.0.113.7, 2001:db8::7") from None


def _read_ips(text: str) -> tuple[str, ...]:
    return tuple(str(_read_ip(item)) for item in _items(text))


def _split(text: str, *schemes: str) -> SplitResult | None:
    """Take a URL apart; None when it is not a URL of these schemes, or its port is not a number."""
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - reading the port is what checks it
    except ValueError:
        return None
    return parts if parts.scheme in schemes and parts.hostname and text.isprintable() and " " not in text else None


def _read_web_url(text: str) -> str:
    parts = _split(text, "http", "https")
    if parts is None or parts.username is not None or parts.query or parts.fragment:
        raise ValueError("expected an http:// or https:// URL without user, query or fragment")
    return text.rstrip("/")


def _read_smtp_url(text: str) -> Secret:
    if _split(text, "smtp", "smtps") is None:
        raise ValueError("expected smtp://user:password@host:587?starttls=1 or smtps://user:password@host:465")
    return Secret(text)


def _read_mail_address(text: str) -> str:
    if not re.fullmatch(r"[^\s@<>,;]+@[^\s@<>,;]+", text):
        raise ValueError("expected one mail address, such as reelhook@example.com")
    return text


class Database(str):
    """The URL of a database; written down in logs and errors it shows no password."""

    __slots__ = ()

    @property
    def is_postgres(self) -> bool:
        """Whether it is a PostgreSQL; else it is an SQLite file."""
        return self.startswith(_POSTGRES)

    @property
    def shown(self) -> str:
        """The URL as everybody may see it."""
        return re.sub(r"(?<=password=)[^&]*", MASK, re.sub(r"//.*@", f"//{MASK}@", self))

    def __repr__(self) -> str:
        return repr(self.shown)


def _read_database(text: str) -> Database:
    if text.startswith(_POSTGRES):
        if not _names_database(text) or not text.isprintable():
            raise ValueError(
                "expected postgresql://user:password@host:5432/database, with what is special in it encoded"
            )
        return Database(text)
    path = text.removeprefix("sqlite:///")
    if path == text or not path or path.endswith("/") or path.startswith(":") or not path.isprintable():
        raise ValueError(
            "expected sqlite:///relative.db, sqlite:////absolute/path.db or postgresql://user:password@host/database"
        )
    return Database(text)


def _names_database(url: str) -> bool:
    """Tell whether a URL names a database, at one server or at several: `//user@a:5432,b:5432/name`."""
    try:
        parts = urlsplit(url)
        hosts = parts.netloc.rpartition("@")[2].split(",")
        ports = [urlsplit(f"//{host}").port for host in hosts]
    except ValueError:
        return False
    return bool(parts.path.strip("/")) and 0 not in ports and ("" not in hosts or len(hosts) == 1)


def _read_file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise ValueError("expected the path of a file that exists and can be read")
    return path


def _read_app(text: str) -> str:
    if not re.fullmatch(APP_ID_PATTERN, text):
        raise ValueError("expected an app's id: 1 to 64 of a-z, 0-9, _ and -")
    return text


FLAG: Final = Kind("true or false", _read_flag)
TEXT: Final = Kind("text", _read_text)
ADDRESS: Final = Kind("host:port", _read_address)
NETWORKS: Final = Kind("list of networks (CIDR)", _read_networks)
IPS: Final = Kind("list of IP addresses", _read_ips)
WEB_URL: Final = Kind("URL", _read_web_url)
SMTP_URL: Final = Kind("URL", _read_smtp_url)
MAIL_ADDRESS: Final = Kind("mail address", _read_mail_address)
DATABASE: Final = Kind("URL", _read_database)
FILE: Final = Kind("path", _read_file)
APP: Final = Kind("app id", _read_app)
