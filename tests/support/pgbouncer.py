"""PgBouncer before a PostgreSQL of the tests: it hands out few connections, to many clients, for each transaction."""

import shutil
import socket
import subprocess
from typing import Self

from tests.support.postgres import USER, Cluster
from tests.support.program import free_port, until

CONNECTIONS = 6


def pgbouncer() -> str | None:
    """Return the path of the program, where it is installed."""
    return shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")


class Pooler:
    """A pooler in the cluster's directory, run by the cluster's owner."""

    def __init__(self, cluster: Cluster) -> None:
        self.port = free_port()
        self._cluster = cluster
        self._directory = cluster.directory / f"pooler-{self.port}"

    def url(self, database: str) -> str:
        """Return the URL of a database through the pooler."""
        return self._cluster.url(database, self.port)

    def __enter__(self) -> Self:
        self._directory.mkdir()
        (self._directory / "users").write_text(f'"{USER}" ""\n')
        file = self._directory / "settings.ini"
        file.write_text(self._settings())
        command = [pgbouncer() or "pgbouncer", "-q", str(file)]
        with (self._directory / "log").open("wb") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self._cluster.as_owner()
            )
        until(self._listens, "PgBouncer listens", patience=20)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def _listens(self) -> bool:
        if self._process.poll() is not None:
            raise RuntimeError(f"PgBouncer ended:\n{(self._directory / 'log').read_text(errors='replace')}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _settings(self) -> str:
        return f"""[databases]
* = host=127.0.0.1 port={self._cluster.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.port}
unix_socket_dir =
auth_type = trust
auth_file = {self._directory}/users
pool_mode = transaction
default_pool_size = {CONNECTIONS}
max_client_conn = 200
server_round_robin = 1
"""
