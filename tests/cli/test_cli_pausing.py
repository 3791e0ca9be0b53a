"""`reelhook endpoints pause --all` and `resume --from`: for the time of some work, and back to what was before."""

import pytest

STATES = {"ep_1": "active", "ep_2": "paused", "ep_3": "active", "ep_4": "disabled"}


@pytest.fixture
def endpoints(api):
    """Four endpoints of an app, of which two are active."""
    states = dict(STATES)

    def change(asked):
        endpoint_id = asked.path.rpartition("/")[2]
        states[endpoint_id] = asked.body["state"]
        return {"id": endpoint_id, "state": states[endpoint_id]}

    items = [{"id": each, "state": state} for each, state in STATES.items()]
    api.lay("GET", "/v1/endpoints", {"items": items, "next": None})
    for each in STATES:
        api.lay("GET", f"/v1/endpoints/{each}", lambda asked: {"state": states[asked.path.rpartition("/")[2]]})
        api.lay("PATCH", f"/v1/endpoints/{each}", change)
    return states


def test_all_that_are_active_are_paused_and_named_and_only_these_go_on_again(reelhook, endpoints, tmp_path):
    ended = reelhook("endpoints", "pause", "--all")
    assert (ended.code, ended.out) == (0, "ep_1\nep_3\n")
    assert set(endpoints.values()) == {"paused", "disabled"}
    (tmp_path / "paused.txt").write_text(ended.out)
    endpoints["ep_3"] = "disabled"
    ended = reelhook("endpoints", "resume", "--from", "paused.txt")
    assert (ended.code, ended.out) == (0, "ep_1\n")
    assert "ep_3 is disabled: it stays so" in ended.err
    assert endpoints == {**STATES, "ep_3": "disabled"}


def test_those_of_every_app_are_named_with_their_app(reelhook, endpoints, api, tmp_path):
    api.lay("GET", "/v1/apps", {"items": [{"id": "default"}, {"id": "tv"}], "next": None})
    listed = reelhook("endpoints", "pause", "--every-app").out
    assert listed.splitlines() == ["ep_1 default", "ep_3 default", "ep_1 tv", "ep_3 tv"]
    assert {asked.headers["reelhook-app"] for asked in api.asked if asked.method == "PATCH"} == {"default", "tv"}
    (tmp_path / "paused.txt").write_text(listed.splitlines()[2] + "\n\n")
    assert reelhook("endpoints", "resume", "--from", "paused.txt").code == 0
    assert api.asked[-1].headers["reelhook-app"] == "tv"


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["text", "json"])
@pytest.mark.parametrize("all_", ["--all", "--every-app"])
def test_what_a_pause_has_written_in_either_form_is_what_a_resume_reads(reelhook, endpoints, api, tmp_path, form, all_):
    """Regression: of the list for machines nothing could be resumed."""
    api.lay("GET", "/v1/apps", {"items": [{"id": "tv"}], "next": None})
    (tmp_path / "paused").write_text(reelhook("endpoints", "pause", all_, *form).out)
    ended = reelhook("endpoints", "resume", "--from", "paused", "--json")
    app = "tv" if all_ == "--every-app" else None
    assert ended.code == 0
    assert ended.lines() == [{"id": each, "app": app, "state": "active"} for each in ("ep_1", "ep_3")]
    assert endpoints == STATES
    assert api.asked[-1].headers.get("reelhook-app") == app


@pytest.mark.parametrize(
    "text",
    ['{"id": "ep_1",\n "state": "paused"}\n', '[{"id": "ep_1"}]', '\n{"id": "ep_1"}\n\nep_3 tv\n'],
    ids=["one over many lines", "array", "mixed"],
)
def test_other_json_of_endpoints_can_be_resumed_too(reelhook, endpoints, tmp_path, text):
    endpoints |= {"ep_1": "paused", "ep_3": "paused"}
    (tmp_path / "paused").write_text(text)
    assert reelhook("endpoints", "resume", "--from", "paused").code == 0
    assert endpoints["ep_1"] == "active"


def test_a_line_that_is_broken_is_named_before_anything_is_resumed(reelhook, endpoints, api, tmp_path):
    (tmp_path / "paused").write_text('ep_2\n{"id": 7}\n')
    ended = reelhook("endpoints", "resume", "--from", "paused")
    assert ended.code == 2
    assert ended.err.startswith("reelhook: line 2 of paused is not as `reelhook endpoints pause --all` writes it")
    assert not api.asked


def test_one_that_is_gone_does_not_keep_the_others_from_it(reelhook, endpoints, tmp_path):
    (tmp_path / "paused.txt").write_text("ep_9\nep_2\n")
    ended = reelhook("endpoints", "resume", "--from", "paused.txt")
    assert (ended.code, ended.out) == (1, "ep_2\n")
    assert "ep_9" in ended.err


@pytest.mark.parametrize(
    "words",
    [
        ["pause"],
        ["pause", "ep_1", "--all"],
        ["resume"],
        ["resume", "ep_1", "--from", "x"],
        ["resume", "--from", "gone"],
    ],
)
def test_neither_or_both_of_one_and_many_is_a_wrong_command(reelhook, endpoints, api, words):
    assert reelhook("endpoints", *words).code == 2
    assert not api.asked
