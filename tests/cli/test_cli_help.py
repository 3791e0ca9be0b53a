"""The help of every command and sub-command: each option once, and lines that a narrow terminal need not break."""

import importlib
import inspect

import pytest
from cyclopts import App

from reelhook.cli.main import COMMANDS

NARROW = 80


def every_command():
    """Go through all that can be given as words after `reelhook`, with what does it."""
    for name, path, _ in COMMANDS:
        module, _, attribute = path.partition(":")
        found = getattr(importlib.import_module(module), attribute)
        if not isinstance(found, App):
            yield (name,), found
            continue
        yield (name,), None
        for each in found:
            if not each.startswith("-"):
                yield (name, each), found[each].default_command


EVERY = dict(every_command())
DOING = {words: command for words, command in EVERY.items() if command is not None}


def named(words):
    return " ".join(words)


@pytest.fixture
def help_of(reelhook, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    return lambda words: reelhook(*words, "--help").out


@pytest.mark.parametrize("words", EVERY, ids=named)
def test_no_option_stands_twice_in_a_help(help_of, words):
    """Regression: --url was both the endpoint's and the server's, of which only the first could be given."""
    cells = [line.strip("│ *") for line in help_of(words).splitlines()]
    options = [cell.split()[0] for cell in cells if cell.startswith("--")]
    assert sorted(options) == sorted(set(options))


@pytest.mark.parametrize("words", EVERY, ids=named)
def test_every_option_and_argument_says_what_it_is(help_of, words):
    rows = [line.strip("│ ").split("  ") for line in help_of(words).splitlines() if line.startswith("│")]
    assert rows or words == ("version",)
    assert [row[0] for row in rows if len([cell for cell in row if cell.strip(" *")]) < 2] == []


@pytest.mark.parametrize("words", DOING, ids=named)
def test_what_a_help_tells_at_length_fits_a_narrow_terminal(words):
    """Regression: longer lines were folded, and a word or two stood alone between them."""
    told = inspect.cleandoc(DOING[words].__doc__).partition("Args:")[0]
    paragraphs = told.split("\n\n")[1:]
    assert [line for each in paragraphs if "\n" in each for line in each.splitlines() if len(line) > NARROW] == []


@pytest.mark.parametrize("words", DOING, ids=named)
def test_what_an_option_does_is_one_line_of_the_source(words):
    """Regression: a second line began anew in the middle of the cell."""
    _, _, options = inspect.cleandoc(DOING[words].__doc__).partition("Args:\n")
    assert [line for line in options.splitlines() if line.startswith("     ")] == []


def test_update_sends_to_the_server_of_the_environment_what_the_endpoint_s_url_becomes(reelhook, api):
    api.lay("PATCH", "/v1/endpoints/ep_1", {"id": "ep_1"})
    assert reelhook("endpoints", "update", "ep_1", "--url", "https://y").code == 0
    assert (api.asked[0].body, api.asked[0].headers["authorization"]) == (
        {"url": "https://y"},
        "Bearer rhk_secret-of-the-test",
    )
