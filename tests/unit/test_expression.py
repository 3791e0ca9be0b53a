import subprocess
import sys
import textwrap

import msgspec
import pytest
from tests.unit.samples import an_event

from reelhook.pipeline.expression import Expression
from reelhook.pipeline.expression_limits import MOST_LOOP_TOKENS

DATA = {
    "duration": 61.5,
    "size": 10**30,
    "asset": {"id": "ast_1", "renditions": [{"height": 720, "tags": ["hd"]}, {"height": 1080, "tags": ["hd", "full"]}]},
    "tags": ["hd", "nature"],
    "nothing": None,
    "many": list(range(300)),
    "pattern": "(",
}
EVENT = an_event(msgspec.json.encode(DATA)[:-1] + b',"huge":1e400}')


def objection(text: str) -> str | None:
    return Expression(text).objection(EVENT)


@pytest.mark.parametrize(
    "text",
    [
        "true",
        "event.type == 'asset.created'",
        "event.type.startsWith('asset.') && event.data.duration > 60 && 'hd' in event.data.tags",
        "event.data.asset.renditions.exists(r, r.height >= 1080)",
        "event.data.asset.renditions.all(r, r.tags.exists(t, t == 'hd'))",
        "event.data.asset.renditions.exists_one(r, r.tags.exists(t, t.endsWith('ll')))",
        "event.data.asset.renditions.exists(r, r.height > 700 && event.type in ['asset.created', 'asset.updated'])",
        "event.data.size > 5",
        "event.data.huge > 1.0",
        "event.data.nothing == null",
        "!has(event.data.absent)",
        "event.id == 'evt_0000000000000005' && event.source == null",
        "timestamp(event.occurred_at) > timestamp('2020-01-01T00:00:00Z')",
        "event.data.asset.id.matches('^ast_[0-9]+$')",
        "event.data.duration - 1.5 == 60.0",
        "'a + {b' != \"c + [d\" // + and { in texts and comments are only text",
        "event.data.tags[event.data.tags.size() - 1] == 'nature'",
    ],
)
def test_an_expression_that_is_true_has_no_objection(text: str) -> None:
    assert objection(text) is None


@pytest.mark.fault("S30")
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("false", "conditions.expression is false"),
        ("event.nope == 1", 'conditions.expression failed: Key not found in map : "nope"'),
        ("event.data.a.b.c == 1", 'conditions.expression failed: Key not found in map : "a"'),
        ("event.data.tags[9] == 'x'", "conditions.expression failed: Index error: index=9 size=2"),
        ("event.data.duration / event.data.many[1] > 1.0", "conditions.expression failed: No matching overloads"),
        ("1 / 0 == 1", "conditions.expression failed: divide by zero"),
        ("event.data.duration", "conditions.expression failed: its value is neither true nor false"),
        ("event.data.asset", "conditions.expression failed: its value is neither true nor false"),
        ("event.data.pattern.matches(event.data.pattern)", "conditions.expression failed: invalid regular expression"),
    ],
)
def test_errors_and_values_that_are_not_true_do_not_match_and_say_why(text: str, reason: str) -> None:
    assert (objection(text) or "").startswith(reason)


@pytest.mark.fault("S30")
def test_nested_loops_are_stopped_by_the_library_and_do_not_match() -> None:
    ten = str(list(range(10)))
    text = f"event.data.many.all(a, {ten}.all(b, {ten}.all(c, true)))"
    assert objection(text) == "conditions.expression failed: Iteration budget exceeded"


@pytest.mark.fault("S30")
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("event.data.many.all(a, event.data.many.all(b, true))", "event.data is not available"),
        ("event.data.many.all(a, event == event)", "event.data is not available"),
        ("event.data.many.all(a, .event.data == 1)", "event.data is not available"),
        ("event.data.many.all(a, event['data'] == 1)", "event.data is not available"),
        ("event.data.many.all(a, `event`.data == 1)", ""),
        ("event.data.tags.exists(t, t.matches('((x{1,30}){1,30})'))", "matches() is not available inside"),
        ("event.data.tags.exists(t, matches(t, 'x'))", "matches() is not available inside"),
        ("event.data.tags.map(t, t) == []", "map() is not available"),
        ("event.data.tags.filter(t, t == 'hd').size() == 1", "filter() is not available"),
        ("event.data.pattern + event.data.pattern == ''", "'+' is not available"),
        ("[event.data.tags, event.data.tags] == []", "a list may hold constants only"),
        ("event.type in [[1]]", "a list may hold constants only"),
        ("1 in ['a'.size()]", "a list may hold constants only"),
        ("{'a': 1}.size() == 1", "'{' is not available"),
        (" && ".join(["event.id.matches('a')"] * 6), "at most 5 matches()"),
        (f"[1].all(a, {' && '.join(['true'] * MOST_LOOP_TOKENS)})", "too long"),
        ("(" * 400 + "true" + ")" * 400, "recursion limit"),
        ("true" + " " * 2000, "at most 2000 characters"),
        ("event.type ==", "Syntax error"),
        ("evnt.type == 'a'", "line 1, column 5: undeclared reference to 'evnt.type'"),
        ("'text'", "must be true or false"),
        ("1", "must be true or false"),
        ("", ""),
        ("\x00", ""),
    ],
)
def test_what_could_be_costly_or_makes_no_sense_is_refused_when_saved(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=r".*") as caught:
        Expression(text)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.fault("S30")
def test_an_expression_may_do_what_it_likes_within_the_rules_and_stays_cheap() -> None:
    """The heaviest that the rules allow, on a large event, in a process with little memory."""
    program = """
        import msgspec, resource
        from tests.unit.samples import an_event
        from reelhook.pipeline.expression import Expression
        data = {"many": list(range(9000)), "text": "x" * 100_000, "deep": [["y" * 100] * 100] * 100}
        event = an_event(msgspec.json.encode(data))
        body = " && ".join(["a >= 0"] * 30)
        for text in (
            f"event.data.many.all(a, {body})",
            "event.data.deep.all(a, a.all(b, b == b && b.size() == b.size()))",
            " && ".join(["event.data.deep == event.data.deep"] * 40),
            " && ".join(["event.data.text.matches('(x|xx|xxx)*(x{1,500})*')"] * 5),
        ):
            Expression(text).objection(event)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 600_000
    """
    limited = "import resource; resource.setrlimit(resource.RLIMIT_CPU, (20, 20))\n" + textwrap.dedent(program)
    subprocess.run([sys.executable, "-c", limited], check=True, timeout=120)


@pytest.mark.fault("S30")
@pytest.mark.parametrize(
    "data", [b'{"a":"\\ud800"}', b"[" * 100_000, b'{"a":' * 900 + b"1" + b"}" * 900, b"\xff", b"", b'{"a":"\\u0000"}']
)
def test_no_data_can_break_an_expression(data: bytes) -> None:
    assert isinstance(Expression("event.data.b == 1").objection(an_event(data)), str)


def test_a_message_never_grows_with_the_event() -> None:
    assert len(Expression("event.data.x == 1").objection(an_event(b'{"y":"' + b"z" * 10_000 + b'"}')) or "") < 300
