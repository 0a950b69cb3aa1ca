"""The welcome page says each thing once, in plain words, and in one language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.test import Client
from django.utils import translation
from django.utils.translation import gettext

from inference.contract.catalog import ENGINES
from studies.management.commands.load_demo import load
from studies.models import Study
from studies.models.study import DEMONSTRATION
from studies.protocol.free_voice import MAIN, MORE, free_parameters, free_presets
from studies.protocol.languages import texts_of
from studies.protocol.reading.document import parse, parse_yaml
from studies.publish import protocol_of
from tests.studies.factories import years_ahead
from tests.studies.participant.visitor import open_new_study
from tests.studies.protocol.documents import paired

TEMPLATES = sorted((Path(__file__).parents[4] / "studies" / "protocol" / "templates").glob("*.yaml"))
LANGUAGES = ("en", "sv", "de")
JARGON = re.compile(
    r"formant|vocal.tract|resynth|resynt|text.mediated|textbaser|textbasiert|talrör|vokaltrakt|ansatzrohr",
    re.IGNORECASE,
)
DURATION = {"en": r"\bminutes?\b", "sv": r"\bminut(er)?\b", "de": r"\bMinuten?\b"}


def load_template(path: Path) -> Study:
    return load(path.stem, path.read_text(encoding="utf-8"), today=years_ahead())


def welcome(slug: str, language: str) -> str:
    return str(Client().get(f"/s/{slug}/", {"language": language}).content.decode())


@pytest.mark.django_db
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_welcome_tells_the_duration_once_and_no_summary_beside_its_text(path: Path, language: str) -> None:
    study = load_template(path)
    version = study.current_version
    assert version is not None
    protocol = protocol_of(version, language)
    page = welcome(study.slug, language).split("<main")[1].split("</main>")[0]
    shown = language if language in protocol.languages else protocol.languages[0]
    assert len(re.findall(DURATION[shown], page)) == (1 if protocol.duration_min else 0)
    assert protocol.summary not in page


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_what_participants_read_in_the_demos_has_no_jargon(path: Path, language: str) -> None:
    protocol = parse_yaml(path.read_text(encoding="utf-8"))
    own = texts_of(protocol) if language == protocol.languages[0] else protocol.translations.get(language, {})
    assert [text for text in own.values() if JARGON.search(text)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_interface_says_of_machines_and_voices_has_no_jargon(language: str) -> None:
    sliders = [*MAIN.values(), *MORE.values(), *(parameter.label for parameter in free_parameters().values())]
    machines = [text for entry in ENGINES.values() for text in (entry.label, entry.about)]
    voices = [label for label, _parameters in free_presets().values()]
    with translation.override(language):
        shown = [gettext(text) for text in (*sliders, *machines, *voices)]
    assert [text for text in shown if JARGON.search(text)] == []


@pytest.mark.django_db
@pytest.mark.parametrize("language", LANGUAGES)
def test_ethics_reference_of_a_demo_is_in_the_language_of_the_page(language: str) -> None:
    study = load_template(TEMPLATES[-1])
    with translation.override(language):
        expected = gettext(DEMONSTRATION)
    assert (expected == DEMONSTRATION) is (language == "en")
    assert expected in welcome(study.slug, language)


@pytest.mark.django_db
def test_ethics_reference_of_a_study_is_marked_with_its_language_on_a_page_in_another() -> None:
    document = paired()
    swedish = {path: f"{text} (sv)" for path, text in texts_of(parse(document)).items()}
    open_new_study({**document, "languages": ["en", "sv"], "translations": {"sv": swedish}})
    assert '<bdi lang="en" dir="ltr">EK-2026/17</bdi>' in welcome("voices", "sv")
    assert "<bdi>EK-2026/17</bdi>" in welcome("voices", "en")
