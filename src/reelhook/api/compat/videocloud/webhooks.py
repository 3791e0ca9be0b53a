"""Webhooks, as VideoCloud's clients manage them."""

from reelhook.api.compat import endpoints
from reelhook.api.compat.videocloud.document import (
    VideoCloudDoneAnswer,
    VideoCloudItems,
    VideoCloudListAnswer,
    VideoCloudWebhookAnswer,
    show,
    show_with_delivery,
)
from reelhook.api.compat.videocloud.form import WORDS, VideoCloudWebhookInput, changes, endpoint_form
from reelhook.api.exchange import Call
from reelhook.api.reading import Patch
from reelhook.dialects.videocloud import VIDEOCLOUD
from reelhook.dialects.videocloud.dialect import COMPAT_PREFIX
from reelhook.model import ids
from reelhook.model.endpoint import Endpoint
from reelhook.model.standing import EndpointStanding


async def index(call: Call) -> VideoCloudListAnswer:
    """List all webhooks, newest first, each with its last delivery once there is one."""
    found = list(endpoints.of_dialect(call, VIDEOCLOUD))
    standing = await call.services.standing([one.id for one in found])
    shown = (show_with_delivery(one, standing[one.id]) for one in found)
    return VideoCloudListAnswer(success=True, data=VideoCloudItems(tuple(shown)))


async def register(call: Call, body: VideoCloudWebhookInput) -> VideoCloudWebhookAnswer:
    """Register a webhook. The same may be registered again: that is another one."""
    endpoint = endpoints.prepare(call, endpoint_form(body), WORDS)
    answer = VideoCloudWebhookAnswer(success=True, data=show(endpoint, EndpointStanding()))
    await endpoints.add(call, endpoint, answer)
    return answer


async def update(call: Call, body: Patch[VideoCloudWebhookInput]) -> VideoCloudWebhookAnswer:
    """Change what is given of a webhook, and keep the rest. One that has failed is active again."""
    current = _this(call)
    endpoint = await endpoints.change(call, current, changes(body, current), WORDS)
    standing = await call.services.standing([endpoint.id])
    return VideoCloudWebhookAnswer(success=True, data=show(endpoint, standing[endpoint.id]))


async def remove(call: Call) -> VideoCloudDoneAnswer:
    """Delete a webhook."""
    await endpoints.remove(call, _this(call))
    return VideoCloudDoneAnswer(success=True, data=None)


def _this(call: Call) -> Endpoint:
    return endpoints.named(call, VIDEOCLOUD, ids.read(COMPAT_PREFIX, call.parts["id"]))
