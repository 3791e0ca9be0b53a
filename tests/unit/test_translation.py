from typing import Final

from reelhook.dialects.translation import CHANGES, Translation

TABLE: Final = Translation(
    {"clip.new": ("asset.uploaded",), "clip.changed": ("asset.updated", "asset.moved"), "hello": ("user.created",)},
    fallbacks={"asset.created": "clip.new", "asset.updated": "never"},
    aliases={"clip.added": "clip.new"},
    unsaid=("clip.scratched",),
)


def test_a_canonical_type_is_said_in_the_words_of_the_system() -> None:
    assert TABLE.name_of("asset.moved") == "clip.changed"
    assert TABLE.name_of("live.started") is None


def test_a_fallback_speaks_where_the_system_has_no_word_and_never_over_one_that_it_has() -> None:
    assert TABLE.name_of("asset.created") == "clip.new"
    assert TABLE.name_of("asset.updated") == "clip.changed"


def test_a_name_means_the_first_of_its_types_and_a_fallback_is_never_meant() -> None:
    assert TABLE.canonical("clip.changed") == "asset.updated"
    assert TABLE.canonical("clip.new") == "asset.uploaded"
    assert TABLE.canonical("clip.added") == "asset.uploaded"
    assert TABLE.canonical("unheard.of") is None


def test_the_plain_word_is_preferred_to_the_others_and_all_of_them_to_a_fallback() -> None:
    assert [TABLE.rank(one) for one in ("asset.updated", "asset.moved")] == [0, 1]
    assert [TABLE.rank(one) for one in ("asset.uploaded", "asset.created")] == [0, 1]


def test_two_types_are_one_change_where_one_of_them_is_the_plain_word_or_stands_in_for_it() -> None:
    table = Translation({"changed": CHANGES, "ready": ("asset.processed",)}, fallbacks={"asset.transcoded": "changed"})
    general, specific, other, fallback = CHANGES[0], CHANGES[1], CHANGES[-1], "asset.transcoded"
    assert all(table.repeats(one, general) and table.repeats(general, one) for one in (specific, other, fallback))
    assert table.repeats(specific, fallback)
    assert not table.repeats(specific, other)
    assert not any(table.repeats(one, one) for one in (general, specific, fallback))


def test_what_happens_to_a_live_event_is_never_one_change() -> None:
    table = Translation({"live": ("live.updated", "live.paused"), "changed": ("asset.updated", "asset.moved")})
    assert table.shared == {"asset.updated", "asset.moved"}


def test_an_endpoint_that_subscribed_to_an_alias_hears_it_under_that_name() -> None:
    assert TABLE.name_of("asset.created", ["clip.added"]) == "clip.added"
    assert TABLE.name_of("asset.created", ["hello", "clip.new", "clip.added"]) == "clip.new"
    assert TABLE.name_of("user.created", ["clip.added"]) == "hello"


def test_a_name_that_no_type_leads_to_is_known_and_means_nothing() -> None:
    assert TABLE.names == ("clip.new", "clip.changed", "hello", "clip.added", "clip.scratched")
    assert TABLE.canonical("clip.scratched") is None
    assert "clip.scratched" not in {TABLE.name_of(one) for one in TABLE.types()}
