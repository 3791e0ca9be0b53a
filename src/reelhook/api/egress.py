"""The addresses that deliveries come from, for receivers that filter by address."""

from reelhook.api.exchange import Call, found
from reelhook.api.lists import Plain


async def index(call: Call) -> Plain[str]:
    """List the app's own addresses, or the installation's."""
    app = found(call.services.apps.get(call.app_id), "app")
    return Plain(call.services.egress_ips if app.egress_ips is None else app.egress_ips)
