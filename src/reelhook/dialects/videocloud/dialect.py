"""The `videocloud` dialect: the rules of its endpoints, and its envelope."""

from typing import Final

import msgspec

from reelhook.dialects import hex_signature
from reelhook.dialects.dialect import Body, Carried, Context, Defaults, DisableRule, Message, SigningKeys
from reelhook.dialects.foreign import Foreign, check_own_headers, check_secret, check_unselected
from reelhook.dialects.media import Media
from reelhook.dialects.options import check_options
from reelhook.dialects.videocloud.body import PICTURED, data_of
from reelhook.dialects.videocloud.names import NAMES
from reelhook.errors import FieldError, NotExpressible
from reelhook.model import ids
from reelhook.model.endpoint import Endpoint, ScheduleRetry
from reelhook.model.event import Event
from reelhook.model.instant import show_time

SIGNATURE: Final = "X-VideoCloud-Signature"
COMPAT_PREFIX: Final = "whk"
_ENCODER: Final = msgspec.json.Encoder()


class VideoCloud(Foreign):
    """Sends `{"event", "timestamp", "data"}`; five attempts within 51 minutes, the first at once."""

    name: Final = "videocloud"
    title = "VideoCloud"
    translation = NAMES
    defaults: Final = Defaults(
        retry=ScheduleRetry((60, 300, 900, 1800)), timeout=15.0, jitter=0.0, disable=DisableRule(gone=True)
    )

    def check(self, endpoint: Endpoint) -> list[FieldError]:
        """Check what the system has no room for: options, chosen fields, a signature of one's own."""
        return [
            *check_options(endpoint.options, {}),
            *check_unselected(endpoint, "VideoCloud"),
            *check_own_headers(endpoint, (SIGNATURE.lower(),)),
            *check_secret(endpoint),
        ]

    def compat_id(self, endpoint_id: int) -> str | None:
        """Return the id of the endpoint behind `whk_`."""
        return ids.show(COMPAT_PREFIX, endpoint_id)

    def links_in(self, event_type: str, endpoint: Endpoint) -> Carried:  # noqa: ARG002 - the protocol
        """Return the first thumbnail, where the event shows the files of a video."""
        return Carried(thumbnails=1 if self.name_of(event_type) in PICTURED else 0)

    def shape(self, event: Event, endpoint: Endpoint, context: Context) -> Body:  # noqa: ARG002 - the protocol
        """Write the envelope; `timestamp` is when it happened, in whole seconds as VideoCloud shows them."""
        name = self.name_of(event.type, endpoint)
        if name is None:
            raise NotExpressible(f"VideoCloud has no word for {event.type}.")
        moment = show_time(event.occurred_at)[:19] + "Z"
        data = data_of(self.translation.plain(name), Media(event))
        return Body(_ENCODER.encode({"event": name, "timestamp": moment, "data": data}))

    def sign(self, body: bytes, message: Message, keys: SigningKeys, endpoint: Endpoint) -> list[tuple[str, str]]:  # noqa: ARG002
        """Return the signature; no header without a secret."""
        signature = hex_signature.sign(body, keys, message.now)
        return [] if signature is None else [(SIGNATURE, signature)]


VIDEOCLOUD: Final = VideoCloud()
