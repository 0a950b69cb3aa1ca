"""The languages of participants' pages: which is chosen, and what the pages then carry."""

from __future__ import annotations

import pytest
from django.test import Client, RequestFactory
from django.utils import translation

from studies.languages import direction, interface_language
from studies.participant.language import activate_language, page_language, script_catalogue, wanted_languages


@pytest.mark.parametrize(
    ("asked", "browser", "expected"),
    [
        ("", "", []),
        ("de_AT", "sv", ["de-at", "sv"]),
        ("", "it, de;q=0.3, sv-SE;q=0.8, *;q=0.1", ["it", "sv-se", "de"]),
        ("", ";;;,q=1", []),
    ],
)
def test_wanted_languages_of_the_address_then_the_browser(asked: str, browser: str, expected: list[str]) -> None:
    request = RequestFactory().get("/", {"language": asked}, headers={"Accept-Language": browser})
    assert wanted_languages(request) == expected


def test_interface_language_of_several_is_the_first_we_have() -> None:
    assert interface_language("fr", "de-ch", "sv") == "de"


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("sv", "sv"),
        ("sv-FI", "sv"),
        ("de-AT", "de"),
        ("de_CH", "de"),
        ("en", "en-gb"),
        ("en-US", "en-gb"),
        ("ar", "en-gb"),
        ("", "en-gb"),
        ("svx", "en-gb"),
        ("x" * 5_000, "en-gb"),
    ],
)
def test_interface_language_of_a_study_language(tag: str, expected: str) -> None:
    assert interface_language(tag) == expected


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("ar", "rtl"),
        ("ar-EG", "rtl"),
        ("he", "rtl"),
        ("fa", "rtl"),
        ("ur-PK", "rtl"),
        ("pa-Arab", "rtl"),
        ("pa", "ltr"),
        ("sv", "ltr"),
        ("tlh", "ltr"),
        ("", "ltr"),
        ("no tag", "ltr"),
    ],
)
def test_direction_of_a_language(tag: str, expected: str) -> None:
    assert direction(tag) == expected


def test_page_language_of_a_study_language_we_lack_marks_the_interface_as_english() -> None:
    request = RequestFactory().get("/")
    with translation.override("sv"):
        activate_language(request, "ar")
        context = page_language(request)
        assert (context["page_language"], context["page_direction"]) == ("ar", "rtl")
        assert context["interface_attributes"] == ' lang="en-gb" dir="ltr"'
        assert context["js_catalogue"]() is None


def test_page_language_of_a_regional_study_language_marks_nothing() -> None:
    request = RequestFactory().get("/")
    with translation.override("en-gb"):
        activate_language(request, "de-AT")
        context = page_language(request)
        assert (context["page_language"], context["interface_attributes"]) == ("de-AT", "")
        assert context["js_catalogue"]()["language"] == "de"


def test_script_catalogue_of_english_is_none() -> None:
    assert script_catalogue("en-gb") is None


@pytest.mark.parametrize("asked", ["x" * 5_000, "\x00<script>", "../../etc", "de" * 400])
def test_a_broken_tag_is_answered_in_english(client: Client, asked: str) -> None:
    response = client.get("/no-such-page", {"language": asked}, headers={"Accept-Language": asked})
    assert response.status_code == 404
    assert 'lang="en-gb" dir="ltr"' in response.text


def test_middleware_leaves_no_language_behind(client: Client) -> None:
    response = client.get("/no-such-page?language=de")
    assert response.headers["Content-Language"] == "de"
    assert 'lang="de" dir="ltr"' in response.text
    assert translation.get_language() == "en-gb"


@pytest.mark.parametrize("path", ["/admin/no-such-page/", "/research/no-such-page/", "/accounts/no-such-page/"])
def test_researchers_pages_are_english_whatever_is_asked(client: Client, path: str) -> None:
    response = client.get(path, {"language": "de"}, headers={"Accept-Language": "sv"}, follow=True)
    assert 'lang="en-gb"' in response.text
