"""The options that every command that talks to a server shares: which server, with which token, on which app."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter

from reelhook.cli.client import Client
from reelhook.cli.outcome import Exit, Stop
from reelhook.cli.screen import Screen

Flag = Annotated[bool, Parameter(negative="", show_default=False)]
"""An option that is given or not."""
Repeated = Annotated[tuple[str, ...], Parameter(negative="", show_default=False)]
"""An option that can be given many times."""

_USUAL: Final = "http://127.0.0.1:8080"


@Parameter(name="*", group="Server")
@dataclass(frozen=True, kw_only=True)
class Remote:
    """Where the command goes. There is no option for the token itself, because the process list would show it."""

    url: Annotated[str, Parameter(env_var="REELHOOK_URL")] = _USUAL
    """The server."""
    app: Annotated[str | None, Parameter(env_var="REELHOOK_APP")] = None
    """The app to act on, for an operator's token; every other token knows its app."""
    token_file: Path | None = None
    """A file with the token; else REELHOOK_TOKEN is taken."""
    token: Annotated[str | None, Parameter(env_var="REELHOOK_TOKEN", parse=None, show=False)] = None
    json: Flag = False
    """Write JSON, for machines."""

    def client(self) -> Client:
        """Make the client."""
        token = read_text(self.token_file).strip() if self.token_file is not None else self.token
        return Client(self.url, token or None, self.app)

    @property
    def screen(self) -> Screen:
        """Where the answer is written."""
        return Screen(as_json=self.json)


@Parameter(name="*", group="Server")
@dataclass(frozen=True, kw_only=True)
class RemoteOfEnvironment(Remote):
    """The same for a command whose --url is something else: one name for two things would send a token astray."""

    url: Annotated[str, Parameter(env_var="REELHOOK_URL", parse=None, show=False)] = _USUAL


HERE: Final = Remote()
"""The defaults."""
SET: Final = RemoteOfEnvironment()


def read_text(file: Path) -> str:
    """Read a small text file that the command line names."""
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as wrong:
        reason = wrong.strerror if isinstance(wrong, OSError) else "it is not UTF-8 text"
        raise Stop(f"{file} cannot be read: {reason}", Exit.USAGE) from wrong
