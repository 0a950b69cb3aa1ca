"""The language that a session is held in, and which of the interface's languages goes with it.

A study may be in a language that the interface lacks; the interface's own strings then stand in English. Catalogues are
in studies/locale."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from babel import Locale
from babel.core import UnknownLocaleError
from django.conf import settings
from django.utils import translation
from django.utils.translation.trans_real import get_supported_language_variant

from studies.models import Session

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

LONGEST_TAG = 35  # RFC 5646, section 4.4.1


def language_of(**which: Any) -> str | None:
    """BCP 47 tag of the one session that matches, as in `language_of(token=...)`: its own, else its study's first; None
    where no session matches or the study names no language."""
    tags = Session.objects.filter(**which).values_list("language", "version__document__languages__0").first()
    return (tags[0] or tags[1]) if tags else None


def interface_language(*tags: str) -> str:
    """The interface's language for a study in the language `tag` (such as `de-AT`), or for the first of several tags
    that we have; English if we have none of them."""
    for tag in tags:
        with suppress(LookupError, ValueError):
            return get_supported_language_variant(normal(tag))
    return str(settings.LANGUAGE_CODE)


def direction(tag: str) -> str:
    """`rtl` or `ltr`: how the language `tag` is written, by Unicode's CLDR; `ltr` for one that it does not know."""
    try:
        return Locale.parse(normal(tag), sep="-").text_direction
    except (ValueError, UnknownLocaleError):
        return "ltr"


def own_name(tag: str) -> str:
    """What speakers of the language call it: `Svenska`; `tag` itself for one that CLDR does not know."""
    try:
        name = Locale.parse(normal(tag), sep="-").get_display_name()
    except (ValueError, UnknownLocaleError):
        name = None
    return name[:1].upper() + name[1:] if name else tag


def said(text: StrOrPromise, tag: str | None) -> str:
    """A lazily translated text as the interface says it in a study in the language `tag`."""
    with translation.override(interface_language(tag or "")):
        return str(text)


def normal(tag: str) -> str:
    """`tag` in the form that tags are compared in, and no longer than one can be."""
    return tag.strip().replace("_", "-").lower()[:LONGEST_TAG]
