"""All settings of Reelhook, each declared once: default, kind, meaning and whether it is secret.

The name in the environment is `REELHOOK_` and the field's name in capitals; in a TOML file the same in lower case,
with or without `reelhook_`.
"""

# ruff: noqa: RUF009 - `setting` is dataclasses.field with the words around it, which ruff cannot see.

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reelhook.model.secret import Secret
from reelhook.settings.setting import setting
from reelhook.settings.values import (
    ADDRESS,
    APP,
    DATABASE,
    FILE,
    FLAG,
    IPS,
    MAIL_ADDRESS,
    NETWORKS,
    SMTP_URL,
    WEB_URL,
    Address,
    Database,
    Network,
    choice,
    seconds,
    secret,
    size,
    whole,
)

_DAY = 86_400


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Everything that an installation decides, read and checked. Spans are seconds, sizes bytes."""

    database: Database = setting(
        "sqlite:///reelhook.db",
        DATABASE,
        """Where everything is kept. sqlite:///relative.db or sqlite:////absolute/path.db is a file that is made when it
        is missing; only one process may use it, and it must not lie on a network file system.
        postgresql://user:password@host/database is a database of PostgreSQL 15 or newer; in an empty one the tables
        are made. Several servers may be named, as in postgresql://user:password@a:5432,b:5432/database: the one that
        takes writes is used, so that a standby which is promoted is found.""",
        group="Where",
    )
    database_pooler: bool = setting(
        "false",
        FLAG,
        """PostgreSQL is reached through a pooler that hands out connections per transaction, such as PgBouncer with
        pool_mode = transaction. A little slower; the pool needs room for 6 connections of each node.""",
    )
    listen: Address = setting(
        "127.0.0.1:8080",
        ADDRESS,
        """Address and port to serve HTTP on. 0.0.0.0:8080 is reachable from everywhere: put a proxy with TLS before
        it. Port 0 takes a free one.""",
    )
    public_url: str | None = setting(
        None,
        WEB_URL,
        """The URL under which people and programs reach this installation, for links in mails, documents and the
        source of CloudEvents. Unset: http:// and the address it listens on.""",
    )

    operator_token: Secret | None = setting(
        None,
        secret(16),
        """The token of the operator, who may do everything in all apps. Unset: one is made and shown once, at the
        first start. Set and changed: the new one counts from the next start.""",
        group="Secrets",
        secret=True,
    )
    secret_key: Secret | None = setting(
        None,
        secret(16, spaces=True),
        """Encrypts the secrets and credentials of endpoints in the database: the base64 of 32 random bytes, or a
        passphrase. Unset: a key is made in a file beside the SQLite file; with PostgreSQL it must be given, the same to
        every node. Keep a copy of it apart from the backups; without it the stored secrets cannot be read.""",
        secret=True,
    )
    secret_key_other: Secret | None = setting(
        None,
        secret(16, spaces=True),
        """A second key, for as long as the key is being changed: it opens what was sealed with it, and seals nothing.
        First it is the next key, then the one before: see operations.md, Changing the master key.""",
        secret=True,
    )

    allow_networks: tuple[Network, ...] = setting(
        "",
        NETWORKS,
        """Networks that may be called although the guard refuses private, local and special addresses, such as
        10.20.0.0/16 for receivers inside your own network. Every app may then call them.""",
        group="What may be called",
    )
    https_only: bool = setting("false", FLAG, "Refuse endpoints whose URL is plain http.")
    ca_file: Path | None = setting(
        None,
        FILE,
        """A PEM file of certificate authorities to trust beside those of the system, for receivers with certificates
        of your own authority.""",
    )
    egress_ips: tuple[str, ...] = setting(
        "",
        IPS,
        """The addresses that deliveries come from, for receivers that filter by address. Only shown, at
        GET /v1/egress-ips; it does not change where deliveries come from.""",
    )

    max_in_flight: int = setting(
        "1000",
        whole(1, 100_000),
        """How many requests to receivers may be open at once. Each needs a file descriptor: `reelhook doctor` says
        whether the limit of the system is high enough.""",
        group="Delivering",
    )
    app_in_flight: int = setting(
        "500",
        whole(1, 100_000),
        """How many of them may belong to one app, so that one tenant's slow receivers leave room for the others. Set
        it below max_in_flight where apps do not trust each other.""",
    )
    endpoint_concurrency: int = setting(
        "64",
        whole(1, 10_000),
        "How many of them may go to one endpoint. An endpoint can ask for fewer, and ordered ones send one at a time.",
    )
    hand_over: int = setting(
        "2048",
        whole(1, 100_000),
        """How many claimed deliveries wait in memory for one endpoint. More is a little faster under load; all of
        them are given back when Reelhook stops.""",
    )
    circuit_failures: int = setting(
        "30",
        whole(1, 1_000_000),
        """After so many failures in a row an endpoint's circuit opens: nothing is sent but a probe now and then, until
        one succeeds. Its deliveries wait; none is lost.""",
    )
    circuit_pause: float = setting(
        "5",
        seconds(0.1, _DAY),
        "How long an open circuit waits before its first probe. The wait doubles with each probe that fails.",
    )
    circuit_pause_longest: float = setting("60", seconds(0.1, _DAY), "The longest wait between two probes.")

    max_event_bytes: int = setting(
        "1MiB",
        size(1024, 64 << 20),
        "The largest event that is accepted. Put links to files in events, not the files.",
        group="Limits of requests",
    )
    max_batch_bytes: int = setting("16MiB", size(1024, 1 << 30), "The largest batch of events that is accepted.")
    max_body_bytes: int = setting("1MiB", size(1024, 64 << 20), "The largest body of every other request.")

    retention_days: int = setting(
        "30",
        whole(1, 36_500),
        """How many days attempts are kept, with requests and responses. Events and deliveries are kept as much longer
        as the longest retry schedule takes.""",
        group="Keeping and telling",
    )
    operator_app: str = setting(
        "default",
        APP,
        """The app whose endpoints receive the operational events (endpoint.disabled, delivery.exhausted, …) of every
        app, where they name them. The other apps receive their own only.""",
    )
    smtp_url: Secret | None = setting(
        None,
        SMTP_URL,
        """The mail server for notices to `notify_emails`: smtp://user:password@host:587 or smtps://…:465, user and
        password percent-encoded. smtp uses STARTTLS where it is offered, and insists on it with ?starttls=1 or when
        there is a password for another machine. Unset: no mails are sent.""",
        secret=True,
    )
    smtp_from: str = setting("reelhook@localhost", MAIL_ADDRESS, "The sender of these mails.")

    role: Literal["all", "api", "worker"] = setting(
        "all",
        choice("all", "api", "worker"),
        """What this node does: all; api accepts and answers and sends nothing on its own; worker delivers and serves
        only /healthz, /readyz and /metrics. With SQLite there is one process, which does all.""",
        group="Running",
    )
    lease: float = setting(
        "15",
        seconds(3, 3600),
        """How long a node of PostgreSQL that has fallen silent keeps its endpoints before others send for them; the
        same on every node.""",
    )
    drain_seconds: float = setting(
        "30",
        seconds(0, 3600),
        """How long a stop waits for requests under way; what is not done then is sent again after the next start.
        Give the service manager a few seconds more.""",
    )
    node: int = setting(
        "0", whole(0, 127), "The number of this node, part of every id that it makes: different on each node."
    )
    docs: bool = setting("true", FLAG, "Serve the API's documentation at /docs and /openapi.json.")
    log_format: Literal["console", "json"] = setting(
        "console", choice("console", "json"), "How log lines are written to stderr: for people or one JSON object each."
    )
    log_level: Literal["debug", "info", "warning", "error"] = setting(
        "info", choice("debug", "info", "warning", "error"), "The least important log lines that are written."
    )

    @property
    def database_path(self) -> Path:
        """The SQLite file."""
        return Path(self.database.removeprefix("sqlite:///"))
