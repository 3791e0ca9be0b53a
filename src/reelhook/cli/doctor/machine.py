"""What the machine must give: a build that fits, file descriptors, a right clock, names that resolve, certificates."""

import resource
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Final

from reelhook.cli.doctor.finding import Finding, fail, ok, warn
from reelhook.settings import Settings

_SPARE_DESCRIPTORS: Final = 256
"""For the database, the log and the clients of the API."""
_RELEASED: Final = 1_763_000_000
"""Unix seconds: no right clock shows less."""
_PATIENCE: Final = 5.0
_SET_IT: Final = "receivers refuse signatures that are five minutes off: run a time service such as chrony"
_KNOWN_NAME: Final = "example.com"
"""Reserved by RFC 2606, and there."""


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at the machine."""
    yield _build()
    yield _descriptors(settings.max_in_flight)
    yield _clock(time.time())
    yield _names()
    if settings.ca_file is not None:
        yield _authorities(str(settings.ca_file))


def _build() -> Finding:
    spec = find_spec("reelhook.pipeline.flow")
    if spec is not None and spec.origin is not None and spec.origin.endswith(".so"):
        return ok("build", "the hot path is compiled")
    return ok("build", "the hot path is interpreted; the wheel that `make wheel` builds carries a third more")


def _descriptors(in_flight: int) -> Finding:
    # The server raises its own limit as far as the system lets it, which is the hard limit.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = in_flight + _SPARE_DESCRIPTORS
    unlimited = hard == resource.RLIM_INFINITY
    said = f"a process may open {'any number of' if unlimited else f'{hard:,}'} files; {needed:,} can be needed"
    if not unlimited and hard < needed:
        advice = f"LimitNOFILE={needed} in systemd, ulimit -Hn {needed}, or a lower REELHOOK_MAX_IN_FLIGHT"
        return warn("file descriptors", said, advice)
    return ok("file descriptors", said)


def _clock(now: float) -> Finding:
    if now < _RELEASED:
        return fail("clock", f"the clock is wrong: it shows {time.strftime('%Y-%m-%d', time.gmtime(now))}", _SET_IT)
    if _synchronised() is False:
        return warn("clock", "the clock is not synchronised", _SET_IT)
    return ok("clock", time.strftime("the clock shows %Y-%m-%d %H:%M:%SZ", time.gmtime(now)))


def _synchronised() -> bool | None:
    """Ask systemd; None when there is none to ask."""
    asked = shutil.which("timedatectl")
    if asked is None:
        return None
    command = [asked, "show", "--property=NTPSynchronized", "--value"]
    try:
        # The command is ours, found in the path; nothing given goes into it.
        said = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    return {"yes": True, "no": False}.get(said.stdout.strip())


def _names() -> Finding:
    """Resolve a name, with patience: the system's resolver itself has no limit that we could set."""
    found: list[str] = []
    thread = threading.Thread(target=_resolve, args=(found,), daemon=True)
    thread.start()
    thread.join(_PATIENCE)
    if found == ["ok"]:
        return ok("names", f"{_KNOWN_NAME} resolves")
    reason = found[0] if found else f"no answer within {_PATIENCE:.0f} s"
    return warn(
        "names", f"{_KNOWN_NAME} does not resolve: {reason}", "check /etc/resolv.conf, or ignore it on an island"
    )


def _resolve(found: list[str]) -> None:
    try:
        socket.getaddrinfo(_KNOWN_NAME, 443, type=socket.SOCK_STREAM)
    except OSError as wrong:
        found.append((wrong.strerror or "no reason given").lower())
    else:
        found.append("ok")


def _authorities(file: str) -> Finding:
    try:
        ssl.create_default_context(cafile=file)
    except (OSError, ssl.SSLError) as wrong:
        return fail(
            "certificate authorities", f"{file} cannot be used: {wrong}", "REELHOOK_CA_FILE must name a PEM file"
        )
    return ok("certificate authorities", f"{file} is trusted beside those of the system")
