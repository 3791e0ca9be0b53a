"""Alert rules and dashboard: they ask for metrics that there are, by labels that these have."""

import json
import re
from itertools import combinations

import pytest
import yaml
from tests.deploy.reading import DEPLOY, ROOT

from reelhook.model.delivery import CLOSED
from reelhook.model.endpoint import EndpointState
from reelhook.telemetry import Metrics
from reelhook.telemetry.metrics import COUNTERS, GAUGES, HISTOGRAMS

RULES = yaml.safe_load((DEPLOY / "prometheus/alerts.yaml").read_text())["groups"][0]["rules"]
DASHBOARD = json.loads((DEPLOY / "grafana/reelhook.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
OPERATIONS = ROOT / "docs" / "operations.md"
EXPRESSIONS = {f"alert {rule['alert']}": rule["expr"] for rule in RULES} | {
    f"panel {panel['title']} {target['refId']}": target["expr"] for panel in PANELS for target in panel["targets"]
}
OF_PROMETHEUS = {"up"}
EVERYWHERE = {"job", "instance"}
_WORDS = {
    *("abs", "by", "count", "delta", "histogram_quantile", "increase", "max", "min", "rate", "sum"),
    *EVERYWHERE,
}


def metrics() -> dict[str, set[str]]:
    """Return every name that a scrape can show, with its labels."""
    labels = {f"reelhook_{family.name}": set(family.labels) for family in (*COUNTERS, *GAUGES, *HISTOGRAMS)}
    shown: dict[str, set[str]] = {}
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", Metrics("1").render().decode(), re.MULTILINE):
        own = labels.get(name.removesuffix("_total") if kind == "counter" else name, set())
        if kind == "histogram":
            shown |= {f"{name}_bucket": own | {"le"}, f"{name}_sum": own, f"{name}_count": own}
        else:
            shown[name] = own
    shown["reelhook_build_info"] = {"version"}
    return shown


METRICS = metrics()
VALUES = {
    ("reelhook_deliveries_closed_total", "state"): {state.value for state in CLOSED},
    ("reelhook_endpoints", "state"): {state.value for state in EndpointState},
    ("reelhook_endpoint_circuits", "circuit"): {"closed", "open", "probing"},
    ("reelhook_attempts_total", "result"): {"succeeded", "failed"},
}


def selectors(expression):
    """Return what an expression asks for, as (name, label, value)."""
    for name, inside in re.findall(r"(\w+)\{([^}]*)\}", expression):
        for label, _, value in re.findall(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"', inside):
            yield name, label, value


def names(expression):
    """Return every word that is no function, no label and no number."""
    bare = re.sub(r'\{[^}]*\}|\[[^\]]*\]|"[^"]*"|\bby \([^)]*\)', " ", expression)
    return {word for word in re.findall(r"\b[a-z_]\w*", bare) if word not in _WORDS}


def test_the_metrics_of_the_program_and_its_process_are_found():
    assert {"reelhook_events_accepted_total", "reelhook_commit_duration_seconds_bucket"} <= set(METRICS)
    assert {"process_open_fds", "process_resident_memory_bytes"} <= set(METRICS)


@pytest.mark.parametrize("expression", EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_what_is_asked_for_is_there(expression):
    asked = names(expression)
    assert asked
    assert asked <= set(METRICS) | OF_PROMETHEUS


@pytest.mark.parametrize("expression", EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_it_is_asked_for_by_labels_and_values_that_it_has(expression):
    for name, label, value in selectors(expression):
        if label in EVERYWHERE:
            continue
        assert label in METRICS[name]
        assert value in VALUES[name, label]
    known = EVERYWHERE.union(*(METRICS[name] for name in names(expression) - OF_PROMETHEUS))
    for grouped in re.findall(r"\bby \(([^)]*)\)", expression):
        assert set(re.split(r",\s*", grouped)) <= known


@pytest.mark.parametrize("expression", EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_a_counter_is_asked_how_it_grows_and_a_gauge_how_it_is(expression):
    grows = re.findall(r"(?:rate|increase)\((\w+)", expression)
    counts = {name for name in names(expression) if name.endswith(("_total", "_bucket"))}
    assert counts == set(grows)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_how_bad_it_is_and_what_to_read(rule):
    assert rule["labels"]["severity"] in ("info", "warning", "critical")
    assert rule["annotations"]["summary"]
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert ROOT / page == OPERATIONS
    headings = re.findall(r"^#+ (.+)$", OPERATIONS.read_text(), re.MULTILINE)
    assert anchor in {heading.lower().replace(" ", "-") for heading in headings}


def test_no_alert_has_the_name_of_another():
    assert len({rule["alert"] for rule in RULES}) == len(RULES)


def test_the_page_for_operators_speaks_of_metrics_that_there_are():
    spoken = set(re.findall(r"\breelhook_[a-z_]+", OPERATIONS.read_text()))
    assert spoken
    assert spoken <= set(METRICS) | {name.removesuffix("_bucket") for name in METRICS}


def test_the_panels_have_numbers_and_places_of_their_own():
    every = DASHBOARD["panels"]
    assert len({panel["id"] for panel in every}) == len(every)
    places = [panel["gridPos"] for panel in every]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        apart = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        assert apart or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]


def test_the_panels_ask_the_source_and_the_installation_that_are_chosen():
    chosen = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    used = set(re.findall(r"\$\{?([a-z]+)", json.dumps(PANELS)))
    assert used == chosen
    assert all('job=~"$job"' in target["expr"] for panel in PANELS for target in panel["targets"])
