"""What the process says about itself: log lines through structlog, and metrics for Prometheus."""

from reelhook.telemetry.histogram import Histogram
from reelhook.telemetry.lines import AttemptLine, EventLine, Lines
from reelhook.telemetry.logs import configure_logging
from reelhook.telemetry.metrics import METRICS_TYPE, Metrics

__all__ = ["METRICS_TYPE", "AttemptLine", "EventLine", "Histogram", "Lines", "Metrics", "configure_logging"]
