"""The composition root: the only place that knows every part, and that reads the settings."""

from reelhook.server.moving import Moved, move
from reelhook.server.run import migrate, run

__all__ = ["Moved", "migrate", "move", "run"]
