"""The composition root: the only place that knows every part, and that reads the settings."""

from reelhook.server.commands import Held, Released, hold, migrate, rekey, release
from reelhook.server.moving import Moved, move
from reelhook.server.run import run

__all__ = ["Held", "Moved", "Released", "hold", "migrate", "move", "rekey", "release", "run"]
