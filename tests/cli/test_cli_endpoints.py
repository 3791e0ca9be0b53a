"""`reelhook endpoints`."""

import json

import pytest

from reelhook.dialects.table import DIALECTS

ENDPOINT = {
    "id": "ep_1", "name": "CMS", "url": "https://cms.example.com/hook", "state": "active", "circuit": "closed",
    "events": ["asset.*"], "secret": "whsec_abc", "disabled_reason": None, "dialect": "vimeo",
}  # fmt: skip
ATTEMPT = {"id": "att_1", "status_code": 500, "error": None, "event_type": "asset.created", "duration_ms": 12.3}


def test_endpoints_are_listed_over_as_many_pages_as_it_takes(reelhook, api):
    api.lay("GET", "/v1/endpoints", {"items": [ENDPOINT], "next": "more"})
    api.lay("GET", "/v1/endpoints", {"items": [ENDPOINT] * 3, "next": "yet more"})
    ended = reelhook("endpoints", "list", "--limit", "3", "--json")
    assert len(ended.json["items"]) == 3
    assert api.asked[1].query == {"limit": "3", "cursor": "more"}


def test_people_read_a_table(reelhook, api):
    api.lay("GET", "/v1/endpoints", {"items": [ENDPOINT], "next": None})
    head, row = reelhook("endpoints", "list").out.splitlines()
    assert head.split() == ["ID", "NAME", "DIALECT", "STATE", "CIRCUIT", "URL", "EVENTS"]
    assert row.split() == ["ep_1", "CMS", "vimeo", "active", "closed", "https://cms.example.com/hook", "asset.*"]


@pytest.mark.parametrize("command", ["create", "update"])
def test_help_names_every_dialect(reelhook, command):
    said = reelhook("endpoints", command, "--help").out
    assert [name for name in DIALECTS if name not in said] == []


def test_an_empty_list_says_how_to_go_on(reelhook, api):
    api.lay("GET", "/v1/endpoints", {"items": [], "next": None})
    assert "endpoints create" in reelhook("endpoints", "list").out


def test_the_usual_fields_are_options(reelhook, api, tmp_path):
    api.lay("POST", "/v1/endpoints", ENDPOINT, 201)
    (tmp_path / "secret").write_text("whsec_abc\n")
    ended = reelhook(
        "endpoints", "create", "https://x/hook", "--name", "CMS", "--events", "asset.*, live.started",
        "--dialect", "cloudevents", "--secret-file", "secret", "--header", "X-Team: video", "--header", "X-B:1",
        "--retry", "5,5m,1h", "--timeout", "20s", "--rate", "100/1m", "--ordering", "asset", "--notify", "a@x,b@x",
        "--set", "options.ed25519=true", "--set", "metadata.team=video",
    )  # fmt: skip
    assert ended.code == 0
    assert "whsec_abc" in ended.out
    assert api.asked[0].body == {
        "url": "https://x/hook",
        "name": "CMS",
        "events": ["asset.*", "live.started"],
        "dialect": "cloudevents",
        "secret": "whsec_abc",
        "headers": {"X-Team": "video", "X-B": "1"},
        "retry": {"kind": "schedule", "delays": [5, 300, 3600]},
        "timeout": 20,
        "rate_limit": {"count": 100, "per": 60},
        "ordering": "asset",
        "notify_emails": ["a@x", "b@x"],
        "options": {"ed25519": True},
        "metadata": {"team": "video"},
    }


def test_an_endpoint_can_be_given_whole(reelhook, api, tmp_path):
    api.lay("POST", "/v1/endpoints", ENDPOINT, 201)
    (tmp_path / "ep.json").write_text(json.dumps({"url": "https://x", "auth": {"type": "bearer", "token": "t"}}))
    reelhook("endpoints", "create", "--body", "@ep.json", "--retry", '{"kind":"fixed","retries":3,"delay":5}')
    assert api.asked[0].body == {
        "url": "https://x",
        "auth": {"type": "bearer", "token": "t"},
        "retry": {"kind": "fixed", "retries": 3, "delay": 5},
    }


@pytest.mark.parametrize(
    "arguments",
    [
        ["create"], ["update", "ep_1"], ["create", "https://x", "--header", "no colon"],
        ["create", "https://x", "--rate", "fast"], ["create", "https://x", "--timeout", "soon"],
        ["create", "https://x", "--retry", "{"], ["create", "https://x", "--secret-file", "absent"],
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_a_usage_error(reelhook, api, arguments):
    ended = reelhook("endpoints", *arguments)
    assert ended.code == 2
    assert api.asked == []


@pytest.mark.parametrize(
    ("arguments", "change"),
    [
        (["update", "ep_1", "--url", "https://y"], {"url": "https://y"}),
        (["update", "ep_1", "--set", "rate_limit=null"], {"rate_limit": None}),
        (["pause", "ep_1"], {"state": "paused"}),
        (["resume", "ep_1"], {"state": "active"}),
    ],
)
def test_changes_are_merge_patches(reelhook, api, arguments, change):
    api.lay("PATCH", "/v1/endpoints/ep_1", ENDPOINT)
    assert reelhook("endpoints", *arguments).code == 0
    assert api.asked[0].body == change
    assert api.asked[0].headers["content-type"] == "application/merge-patch+json"


def test_a_deleted_endpoint_is_confirmed(reelhook, api):
    api.lay("DELETE", "/v1/endpoints/ep_1", None, 204)
    assert reelhook("endpoints", "delete", "ep_1", "--json").json == {"id": "ep_1", "deleted": True}


@pytest.mark.parametrize(("taken", "code"), [(True, 0), (False, 1)])
def test_the_exit_code_of_a_test_says_whether_the_receiver_took_it(reelhook, api, taken, code):
    result = {"ok": taken, "reachable": True, "authenticated": True, "attempt": ATTEMPT}
    api.lay("POST", "/v1/endpoints/ep_1/test", result)
    ended = reelhook("endpoints", "test", "ep_1")
    assert ended.code == code
    assert "the receiver answered 500" in ended.out
    assert reelhook("endpoints", "test", "ep_1", "--json").json == result


def test_the_secret_is_shown_bare(reelhook, api):
    api.lay("GET", "/v1/endpoints/ep_1/secret", {"secret": "whsec_abc"})
    assert reelhook("endpoints", "secret", "ep_1").out == "whsec_abc\n"


def test_a_secret_is_rotated_with_an_overlap(reelhook, api):
    answer = {"secret": "whsec_new", "previous_expires_at": "2026-11-22T06:30:00.000Z"}
    api.lay("POST", "/v1/endpoints/ep_1/secret/rotate", answer)
    ended = reelhook("endpoints", "rotate", "ep_1", "--overlap", "2h")
    assert api.asked[0].body == {"overlap": 7200}
    assert "2026-11-22 06:30:00Z" in ended.out


def test_statistics_are_shown_with_their_series(reelhook, api):
    answer = {
        "delivered": 9, "failed": 1, "pending": 0, "success_rate": 0.9,
        "latency_ms": {"p50": 12.0, "p95": 30.0, "p99": None},
        "series": [
            {"at": "2026-11-21T05:00:00.000Z", "delivered": 0, "failed": 0},
            {"at": "2026-11-21T06:00:00.000Z", "delivered": 9, "failed": 1},
        ],
    }  # fmt: skip
    api.lay("GET", "/v1/endpoints/ep_1/stats", answer)
    out = reelhook("endpoints", "stats", "ep_1", "--since", "2026-11-21T00:00:00Z", "--interval", "30m").out
    assert api.asked[0].query == {"since": "2026-11-21T00:00:00.000Z", "interval": "1800"}
    assert "90.0%" in out
    assert "12.0 ms / 30.0 ms / -" in out
    assert "2026-11-21 06:00:00Z" in out
    assert "2026-11-21 05:00:00Z" not in out
