"""The language of a participant's page: that of the study's texts, which may be any, and that of the interface.

If the interface is not translated into the study's language, the page declares the language and direction of the
study's texts, and the interface's own strings are in English and marked as such. Researchers' pages are always in
English."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils import translation
from django.utils.safestring import mark_safe
from django.utils.translation.trans_real import DjangoTranslation, parse_accept_lang_header
from django.views.i18n import JavaScriptCatalog

from studies.languages import direction, interface_language, language_of, normal
from studies.questions.reading import PAGE_LANGUAGE

ASK = "language"  # The query parameter that asks for a language.
ENGLISH_ONLY = ("/admin/", "/accounts/", "/research/", "/workers/")
LONGEST_HEADER = 500


class LanguageMiddleware(LocaleMiddleware):
    """Activates the session's language at addresses with a session's token, and elsewhere the language that the address
    (`?language=de`) or the browser asks for. It is reset after the request."""

    def process_request(self, request: HttpRequest) -> None:
        PAGE_LANGUAGE.set("")
        if request.path_info.startswith(ENGLISH_ONLY):
            translation.activate(settings.LANGUAGE_CODE)
        else:
            translation.activate(interface_language(*wanted_languages(request)))
        request.LANGUAGE_CODE = translation.get_language()

    def process_view(self, request: HttpRequest, view: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        if "token" in kwargs and not request.path_info.startswith(ENGLISH_ONLY):
            tag = language_of(token=kwargs["token"])
            if tag is not None:
                activate_language(request, tag)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        response.headers.setdefault("Content-Language", getattr(request, "study_language", translation.get_language()))
        response = super().process_response(request, response)
        PAGE_LANGUAGE.set("")
        translation.activate(settings.LANGUAGE_CODE)
        return response


def wanted_languages(request: HttpRequest) -> list[str]:
    """Returns the languages that the address and then the browser ask for, best first, as BCP 47 tags in lower case.

    The study and the interface may have none of them."""
    browser = parse_accept_lang_header(request.headers.get("Accept-Language", "").lower()[:LONGEST_HEADER])
    asked = [normal(request.GET.get(ASK, "")), *(tag for tag, _quality in browser)]
    return [tag for tag in asked if tag and tag != "*"]


def activate_language(request: HttpRequest, tag: str) -> None:
    """Sets the language of the study's texts on the page to `tag`, and the interface to it or the closest one."""
    translation.activate(interface_language(tag))
    PAGE_LANGUAGE.set(tag)
    request.LANGUAGE_CODE = translation.get_language()
    request.study_language = tag  # type: ignore[attr-defined]


def page_language(request: HttpRequest) -> dict[str, Any]:
    """Returns context for templates: `page_language` and `page_direction` of the study's texts, `interface_attributes`,
    which mark the interface's strings if their language differs from the page's, and `js_catalogue` (see
    `script_catalogue`)."""
    spoken = translation.get_language() or str(settings.LANGUAGE_CODE)
    tag = getattr(request, "study_language", spoken)
    marks = ""
    if normal(tag).split("-")[0] != spoken.split("-")[0]:
        marks = f' lang="{spoken}" dir="{direction(spoken)}"'
    return {
        "page_language": tag,
        "page_direction": direction(tag),
        "interface_attributes": mark_safe(marks),  # noqa: S308 - a tag of settings.LANGUAGES
        "js_catalogue": lambda: script_catalogue(spoken),
    }


class _ScriptCatalogue(JavaScriptCatalog):
    def __init__(self, language: str) -> None:
        super().__init__()
        self.translation = DjangoTranslation(language, domain="djangojs", localedirs=self.get_paths(["studies"]))


def script_catalogue(language: str) -> dict[str, Any] | None:
    """Returns what js/i18n.js reads, or None for English: `language`, and `messages`, which map English texts to their
    translations or plural forms."""
    if language.split("-")[0] == "en":
        return None
    return {"language": language, "messages": _ScriptCatalogue(language).get_catalog()}
