"""What an operator has begun and not ended yet: a hold, a change of the key. Nothing is changed."""

from reelhook.cli.doctor.finding import Finding, ok, warn
from reelhook.model.instant import show_time
from reelhook.store.holding import held_since
from reelhook.store.master_key import is_changing
from reelhook.store.sql import Connection


def hold(connection: Connection) -> Finding:
    """Look whether anything may be sent."""
    since = held_since(connection)
    if since is None:
        return ok("hold", "deliveries are sent")
    said = f"the installation is on hold since {show_time(since)}: nothing is sent"
    return warn("hold", said, "`reelhook release` ends it, with --rate so that not all of it goes out at once")


def changing(connection: Connection) -> Finding | None:
    """Tell of a change of the key that is under way."""
    if not is_changing(connection):
        return None
    said = "the key is being changed, and what is sealed needs both keys still"
    return warn("secret key", said, "when every node has the new one as REELHOOK_SECRET_KEY, run `reelhook rekey`")
