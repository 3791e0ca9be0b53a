"""Random requests that fit the OpenAPI document, and random ones that do not, against the real door and application."""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.openapi.checks import RejectedPositiveData
from tests.api.house import OPERATOR
from tests.api.served import ServedHouse

from reelhook.api.app import COMPAT_ROUTES, ROUTES

PARAMETERLESS = {"/healthz", "/readyz", "/metrics"}
CASES = [(route.method, route.path) for route in ROUTES + COMPAT_ROUTES if route.path not in PARAMETERLESS]


@pytest.fixture(scope="module")
def schema(tmp_path_factory):
    with ServedHouse(tmp_path_factory.mktemp("fuzzed") / "reelhook.db") as served:
        yield schemathesis.openapi.from_url(f"{served.url}/openapi.json"), served.url


@pytest.mark.fault("C1")
@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize(("method", "path"), CASES, ids=lambda part: part)
def test_every_answer_is_as_the_document_says(schema, method, path, mode):
    document, url = schema

    @settings(
        max_examples=5,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    @given(case=document[path][method].as_strategy(generation_mode=mode))
    def check(case):
        try:
            case.call_and_validate(base_url=url, headers={"Authorization": f"Bearer {OPERATOR}"})
        except BaseExceptionGroup as failures:
            # What a URL, an expression or a cursor may be is more than a schema can say: 422 is an answer to them.
            rest = failures.split(RejectedPositiveData)[1]
            if rest is not None:
                raise rest from None

    check()
