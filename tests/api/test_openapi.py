"""The OpenAPI document is true: of the routes, of the examples, of what is answered."""

import json

import jsonschema_rs
import pytest

from reelhook.api import documentation
from reelhook.api.app import COMPAT_ROUTES
from reelhook.api.app import ROUTES as NATIVE_ROUTES
from reelhook.api.dispatch import encode
from reelhook.api.openapi import openapi
from reelhook.model.catalogue import BUILT_IN

ROUTES = NATIVE_ROUTES + COMPAT_ROUTES
DESCRIBED = (*ROUTES, *documentation.routes(ROUTES, "", docs=True))
DOCUMENT = json.loads(encode(openapi(DESCRIBED, "https://reelhook.example")))


def references(value):
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        yield from (found for inner in value.values() for found in references(inner))
    elif isinstance(value, list):
        yield from (found for inner in value for found in references(inner))


def resolve(reference):
    found = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def validator(schema):
    """Make a validator for a schema that refers to the components."""
    whole = {**schema, "components": DOCUMENT["components"]}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=False)


def test_every_route_is_in_the_document_and_nothing_else():
    written = {(method.upper(), path) for path, operations in DOCUMENT["paths"].items() for method in operations}
    assert written == {(route.method, route.path) for route in DESCRIBED}


def test_every_reference_leads_somewhere_and_operation_ids_are_unique():
    assert all(resolve(reference) for reference in references(DOCUMENT))
    ids = [operation["operationId"] for operations in DOCUMENT["paths"].values() for operation in operations.values()]
    assert len(ids) == len(set(ids))


@pytest.mark.fault("C1")
@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_the_example_of_every_webhook_fits_its_schema(name):
    content = DOCUMENT["webhooks"][name]["post"]["requestBody"]["content"]["application/json"]
    assert content["example"]["type"] == name
    validator(content["schema"]).validate(content["example"])


def test_every_schema_is_one():
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})


def test_a_patch_may_be_empty_and_a_post_may_repeat_what_it_was_answered(tell):
    async def story(house):
        return await house.endpoint(
            auth={
                "type": "oauth2",
                "grant": "password",
                "token_url": "https://a.example/t",
                "username": "u",
                "password": "p",
            }
        )

    made = tell(story)
    components = DOCUMENT["components"]["schemas"]
    validator(components["Endpoint"]).validate(made)
    validator(components["EndpointInput"]).validate(made)
    validator(components["EndpointPatch"]).validate({})
    assert not validator(components["EndpointInput"]).is_valid({"url": "https://a.example", "colour": "red"})


def test_the_page_is_made_of_the_document_and_needs_nothing_from_outside(tell):
    async def story(house):
        return await house.ask("GET", "/docs", token=None), await house.ask("GET", "/openapi.json", token=None)

    page, document = tell(story)
    text = page.body.decode()
    assert document.json()["openapi"] == "3.1.0"
    assert document.json()["servers"] == [{"url": "https://reelhook.example"}]
    assert all(route.path in text for route in ROUTES)
    assert "<script" not in text
    assert "http://" not in text.replace("http://`", "")
    assert page.headers["content-type"] == "text/html; charset=utf-8"


def test_the_documentation_can_be_switched_off(tell):
    async def story(house):
        for path in ("/docs", "/openapi.json"):
            (await house.ask("GET", path)).problem(404)

    tell(story, docs="false")
