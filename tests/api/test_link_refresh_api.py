"""Where the links of an app are refreshed: checked like an endpoint's address, the secret hidden."""

import pytest

WHERE = {"url": "https://media.example/links", "secret": "my own words"}
APP = "/v1/apps/default"


def test_the_secret_stays_when_its_mask_is_sent_back_or_only_the_address_changes(tell):
    async def story(house):
        shown = (await house.patch(APP, {"link_refresh": WHERE}))["link_refresh"]
        await house.patch(APP, {"link_refresh": shown})
        await house.patch(APP, {"link_refresh": {"url": "https://media.example/other"}})
        return shown, house.store.apps.get("default").link_refresh, house.engine.directory.link_refreshes["default"]

    shown, stored, used = tell(story)
    assert shown == WHERE | {"secret": "***"}
    assert (stored.url, stored.secret.reveal()) == ("https://media.example/other", "my own words")
    assert used == stored


def test_null_takes_it_away_and_so_does_the_end_of_the_app(tell):
    async def story(house):
        await house.post("/v1/apps", {"id": "acme", "link_refresh": WHERE})
        await house.patch(APP, {"link_refresh": WHERE})
        known = sorted(house.engine.directory.link_refreshes)
        taken = await house.patch(APP, {"link_refresh": None})
        await house.ask("DELETE", "/v1/apps/acme")
        return known, taken["link_refresh"], house.engine.directory.link_refreshes

    assert tell(story) == (["acme", "default"], None, {})


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"url": "not a url"}, "/link_refresh/url"),
        ({"url": "ftp://media.example/"}, "/link_refresh/url"),
        ({"url": "http://localhost/links"}, "/link_refresh/url"),
        ({"url": "https://10.0.0.1/links"}, "/link_refresh/url"),
        ({"url": "https://me:pw@media.example/"}, "/link_refresh/url"),
        ({"secret": ""}, "/link_refresh/secret"),
        ({"secret": "x" * 4097}, "/link_refresh/secret"),
        ({"secret": "whsec_short"}, "/link_refresh/secret"),
        ({"secret": "***"}, "/link_refresh/secret"),
        ({"secret": None}, "/link_refresh/secret"),
    ],
)
@pytest.mark.parametrize("changing", [False, True])
def test_what_cannot_be_called_or_cannot_sign_is_refused_and_changes_nothing(tell, wrong, pointer, changing):
    async def story(house):
        body = {"link_refresh": WHERE | wrong}
        answer = await house.ask("PATCH", APP, body) if changing else await house.ask("POST", "/v1/apps", body)
        return answer, house.store.apps.get("default").link_refresh, len(list(house.store.apps.all()))

    answer, stored, apps = tell(story)
    assert answer.pointers() == [pointer]
    assert (stored, apps) == (None, 1)


def test_a_url_with_a_password_is_refused_in_words_that_fit_here(tell):
    async def story(house):
        return await house.ask("PATCH", APP, {"link_refresh": WHERE | {"url": "https://me:pw@media.example/"}})

    (error,) = tell(story).problem(422)["errors"]
    assert error["detail"] == "a URL holds no user name or password; credentials have fields of their own"


def test_an_installation_that_calls_https_only_asks_nobody_over_http(tell):
    async def story(house):
        refused = await house.ask("PATCH", APP, {"link_refresh": WHERE | {"url": "http://media.example/links"}})
        await house.patch(APP, {"link_refresh": WHERE})
        return refused

    assert tell(story, https_only="true").pointers() == ["/link_refresh/url"]
