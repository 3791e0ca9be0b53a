"""Events about workflows that run over assets."""

from typing import Final

from reelhook.model.catalogue.entry import media_type
from reelhook.model.catalogue.samples import video
from reelhook.model.event_type import EventType

_WORKFLOW: Final = {"id": "wfl_88", "name": "Review and publish"}
_ABOUT: Final = {"workflow": _WORKFLOW, "asset": video("ids")}

TYPES: Final[tuple[EventType, ...]] = (
    media_type("workflow.started", "A workflow started.", _ABOUT, needs=("workflow",)),
    media_type("workflow.completed", "A workflow came to its end.", _ABOUT, needs=("workflow",)),
    media_type(
        "workflow.failed",
        "A workflow failed.",
        _ABOUT | {"error": {"code": "step_failed", "message": "The step 'Watermark' found no logo."}},
        needs=("workflow",),
    ),
)
