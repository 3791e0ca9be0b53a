"""`reelhook tasks`, `apps`, `types` and `audit`."""

import pytest

NOW = "2026-11-21T06:30:10.000Z"
TASK = {
    "id": "tsk_1", "kind": "recover", "state": "running", "count": 300, "done": 120, "rate": None, "error": None,
    "created_at": NOW, "updated_at": NOW,
}  # fmt: skip
APP = {
    "id": "acme", "name": "Acme", "limits": {"endpoints": 20}, "notify_emails": [], "metadata": {}, "created_at": NOW,
    "updated_at": NOW,
}  # fmt: skip
TYPE = {
    "name": "acme.thing", "category": "acme", "description": "A thing", "schema": {"type": "object"}, "example": None,
    "version": 2, "validate": True, "deprecated": False, "built_in": False, "created_at": NOW, "updated_at": NOW,
}  # fmt: skip
BUILT_IN = TYPE | {"name": "asset.created", "category": "asset", "built_in": True, "validate": False}
ENTRY = {
    "id": "aud_1", "at": NOW, "actor": "tok_1", "action": "endpoint.changed", "target": "ep_1",
    "change": {"after": {"name": "CMS"}},
}  # fmt: skip


def lists(*items):
    return {"items": list(items), "next": None}


def test_tasks_are_listed_for_people_and_machines(reelhook, api):
    api.lay("GET", "/v1/tasks", lists(TASK, TASK | {"id": "tsk_2", "rate": 50.0, "state": "done"}))
    ended = reelhook("tasks", "list", "--limit", "2")
    assert ended.code == 0
    assert "120 of 300" in ended.out
    assert "max" in ended.out
    assert [each["id"] for each in reelhook("tasks", "list", "--json").json["items"]] == ["tsk_1", "tsk_2"]


def test_a_task_is_shown_slowed_down_and_stopped(reelhook, api):
    api.lay("GET", "/v1/tasks/tsk_1", TASK)
    api.lay("PATCH", "/v1/tasks/tsk_1", TASK | {"rate": 5.0})
    api.lay("POST", "/v1/tasks/tsk_1/cancel", TASK | {"state": "cancelled"})
    assert "recover" in reelhook("tasks", "show", "tsk_1").out
    assert "5 per second" in reelhook("tasks", "rate", "tsk_1", "5").out
    assert reelhook("tasks", "rate", "tsk_1", "max").code == 0
    assert [asked.body for asked in api.asked if asked.method == "PATCH"] == [{"rate": 5.0}, {"rate": None}]
    assert "cancelled  120 of 300" in reelhook("tasks", "cancel", "tsk_1").out


def test_a_rate_that_is_no_number_is_refused_before_anything_is_asked(reelhook, api):
    ended = reelhook("tasks", "rate", "tsk_1", "fast")
    assert (ended.code, api.asked) == (2, [])
    assert "neither a number" in ended.err


def test_apps_are_listed_shown_made_changed_and_deleted(reelhook, api):
    api.lay("GET", "/v1/apps", lists(APP))
    api.lay("GET", "/v1/apps/acme", APP)
    api.lay("POST", "/v1/apps", APP, 201)
    api.lay("PATCH", "/v1/apps/acme", APP)
    api.lay("DELETE", "/v1/apps/acme", None, 204)
    assert "Acme" in reelhook("apps", "list").out
    assert reelhook("apps", "show", "acme", "--json").json == APP
    assert reelhook("apps", "create", "acme", "--name", "Acme", "--set", "limits.endpoints=20").code == 0
    assert reelhook("apps", "update", "acme", "--body", '{"notify_emails": ["a@example.org"]}').code == 0
    assert "acme is deleted" in reelhook("apps", "delete", "acme").out
    made, changed = (asked.body for asked in api.asked if asked.method in {"POST", "PATCH"})
    assert made == {"id": "acme", "name": "Acme", "limits": {"endpoints": 20}}
    assert changed == {"notify_emails": ["a@example.org"]}


def test_event_types_are_listed_with_what_a_dialect_calls_them(reelhook, api):
    named = [each | {"dialect_name": name} for each, name in ((TYPE, None), (BUILT_IN, "video.uploaded"))]
    api.lay("GET", "/v1/event-types", lists(*named))
    out = reelhook("types", "list", "--dialect", "videocloud").out
    assert "video.uploaded" in out
    assert "own, checked" in out
    assert api.asked[0].query["dialect"] == "videocloud"
    own = reelhook("types", "list", "--own", "--json").json
    assert [each["name"] for each in own["items"]] == ["acme.thing"]


def test_an_event_type_is_made_of_files_changed_and_deleted(reelhook, api, tmp_path):
    (tmp_path / "schema.json").write_text('{"type": "object"}')
    api.lay("POST", "/v1/event-types", TYPE, 201)
    api.lay("PATCH", "/v1/event-types/acme.thing", TYPE)
    api.lay("DELETE", "/v1/event-types/acme.thing", None, 204)
    api.lay("GET", "/v1/event-types/acme.thing", TYPE)
    made = reelhook("types", "create", "acme.thing", "--schema", "@schema.json", "--example", "{}", "--validate")
    assert made.code == 0
    assert reelhook("types", "update", "acme.thing", "--deprecated", "--no-validate").code == 0
    assert "acme.thing is deleted" in reelhook("types", "delete", "acme.thing").out
    assert "A thing" in reelhook("types", "show", "acme.thing").out
    created, changed = (asked.body for asked in api.asked if asked.method in {"POST", "PATCH"})
    assert created == {"name": "acme.thing", "schema": {"type": "object"}, "example": {}, "validate": True}
    assert changed == {"validate": False, "deprecated": True}


@pytest.mark.parametrize("command", [("apps", "update", "acme"), ("types", "update", "acme.thing")])
def test_a_change_that_changes_nothing_is_refused_before_anything_is_asked(reelhook, api, command):
    ended = reelhook(*command)
    assert (ended.code, api.asked) == (2, [])


def test_changes_are_listed_by_action_and_thing(reelhook, api):
    other = ENTRY | {"id": "aud_2", "action": "token.created", "target": "tok_9", "change": {}}
    api.lay("GET", "/v1/audit", lists(ENTRY, other))
    out = reelhook("audit").out
    assert "endpoint.changed" in out
    assert "token.created" in out
    for options, found in ((("--action", "token"), "aud_2"), (("--target", "ep_1"), "aud_1")):
        assert [each["id"] for each in reelhook("audit", *options, "--json").json["items"]] == [found]
