"""Every page of a visit speaks the session's language, whatever the browser asks for."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from django.test import Client

from studies.entrance import mode_link
from studies.management.commands.load_demo import TEMPLATES
from studies.models import Metric, Session, Study
from studies.participant.preview import bar
from studies.participant.talking.explore import choose
from studies.protocol.cells import FREE_VOICE
from studies.protocol.free_voice import neutral_parameters
from studies.protocol.languages import texts_of as texts_of_study
from studies.protocol.reading import yaml_text
from studies.protocol.reading.document import parse
from tests.studies.factories import make_take
from tests.studies.participant.spoken import ListeningClient, english_in, texts_of
from tests.studies.participant.visitor import Visitor, open_new_study
from tests.studies.protocol.documents import explore, paired

pytestmark = pytest.mark.django_db

# said in the study's texts of these tests, or the same in both languages
SAME = frozenset(
    {"Hear Me Out", "Yes", "No", "Helpful?", "Voices", "Weekend", "Moshi", "Realtime API", "Own", "s", "ms", "Hz"}
)


def visitor(language: str, browser: str = "en") -> tuple[Visitor, ListeningClient]:
    anna = Visitor()
    anna.client = client = ListeningClient(headers={"Accept-Language": browser})
    return anna, client


def check(client: ListeningClient, language: str) -> set[str]:
    """Asserts that no page said anything in English; returns what kinds of pages there were."""
    for path, html in client.pages:
        assert f'<html lang="{language}" dir="ltr">' in html, path
        found = english_in(html, same=SAME)
        assert not found, f"{path}: {found}"
    return {re.sub(r"^/p/[^/]+/", "", path).split("/")[0] for path, _html in client.pages}


@pytest.mark.parametrize("language", ["sv", "de"])
def test_whole_visit_speaks_the_language_of_the_study(language: str) -> None:
    open_new_study(paired(languages=[language]))
    anna, client = visitor(language)
    anna.begin()
    anna.post("consent/", decision="agree")  # a required box was left open
    assert anna.response.status_code == 422
    anna.agree()
    anna.post("check/", device="{}")
    anna.check()
    for _talk in range(2):
        anna.talk()
        anna.rate(helpful="")
        anna.rate()
    anna.answer(anna.place, prefer="")
    anna.judge()
    anna.get("withdraw/")
    anna.post("withdraw/", decision="withdraw")
    anna.get()
    assert anna.session.state == Session.State.WITHDRAWN
    assert check(client, language) >= {"consent", "check", "talk", "questions", "compare", "debrief", "withdraw"}


@pytest.mark.parametrize("language", ["sv", "de"])
def test_explore_study_speaks_the_language_of_the_study(language: str) -> None:
    document = explore(languages=[language])
    document["offer"]["free_voice"] = True
    open_new_study(document)
    anna, client = visitor(language)
    anna.to_talk()
    takes = [
        make_take(choose(anna.session, {"prompt": "weekend", "voice": voice, "engine": "cascade"}))
        for voice in ("own", "higher")
    ]
    Metric.objects.create(take=takes[0], track="agent", name="f0_median_hz", value=18.26, unit="Hz", method="Boersma")
    Metric.objects.create(take=takes[1], track="agent", name="f0_median_hz", reason="no transcript", unit="Hz")
    anna.get("explore/voice/")
    anna.post("explore/voice/", prompt="weekend", engine="cascade", **neutral_parameters())
    make_take(anna.session.trials.get(position=2))
    anna.response = client.get(f"/p/{anna.token}/explore/compare/", {"take": [str(take.pk) for take in takes]})
    assert "18,3" in texts_of(anna.response.text)
    assert FREE_VOICE.label not in anna.get("explore/").response.text
    anna.post("explore/", decision="finish")
    assert check(client, language) >= {"explore"}


@pytest.mark.parametrize("language", ["sv", "de"])
@pytest.mark.parametrize("template", sorted(TEMPLATES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_page_of_a_template_speaks_the_language_of_the_session(template: Path, language: str) -> None:
    document = yaml_text.read(template.read_text()).data | {"languages": ["en"], "translations": {}}
    originals = texts_of_study(parse(document))
    translations = {path: text.swapcase() for path, text in originals.items()}  # to be told from the interface's own
    study = open_new_study(document | {"languages": ["en", language], "translations": {language: translations}})
    anna, client = visitor(language, browser=language)
    welcome = client.get(mode_link(study, Session.Mode.PREVIEW))
    anna.response = client.post(welcome.wsgi_request.get_full_path(), {"place": welcome.context["place"]}, follow=True)
    anna.token = anna.response.request["PATH_INFO"].split("/")[2]
    named = bar(anna.session)
    assert len(named) >= 6
    for entry in named:
        assert client.get(entry.address, follow=True).status_code == 200, entry.label
    check(client, language)
    untold = {text for text in originals.values() if " " in text and text not in translations.values()}
    for path, html in client.pages:
        assert untold.isdisjoint(texts_of(html)), path


def test_way_out_speaks_the_language_of_the_study() -> None:
    study = open_new_study(paired(languages=["sv"]))
    anna, client = visitor("sv")
    anna.begin()
    anna.post("consent/", decision="decline")
    assert anna.session.state == Session.State.DECLINED
    ida, other = visitor("sv")
    ida.begin()
    for state in (Study.State.PAUSED, Study.State.CLOSED):
        Study.objects.filter(pk=study.pk).update(state=state)
        ida.get()
    check(client, "sv")
    check(other, "sv")


def test_refusals_as_json_speak_the_language_of_the_session() -> None:
    open_new_study(paired(languages=["sv"]))
    anna, client = visitor("sv")
    anna.to_talk()
    refused = client.post(f"/p/{anna.token}/trials/0/takes/")
    assert refused.status_code == 503
    assert json.loads(refused.content)["message"] == "Samtalet är inte tillgängligt just nu. Försök igen om en stund."


def test_session_keeps_its_language_when_the_browser_or_the_address_changes() -> None:
    open_new_study(paired(languages=["sv"]))
    anna, _client = visitor("sv")
    anna.begin()
    page = Client(headers={"Accept-Language": "de"}).get(f"/p/{anna.token}/consent/", {"language": "de"})
    assert page.headers["Content-Language"] == "sv"
    assert english_in(page.text, same=SAME) == []


def test_study_in_a_language_without_a_catalogue_is_marked_and_mirrored() -> None:
    open_new_study(paired(languages=["ar"], title="أصوات", welcome="مرحبا."))
    page = Client(headers={"Accept-Language": "de"}).get("/s/voices/")
    assert '<html lang="ar" dir="rtl">' in page.text
    assert '<a class="skip-link" href="#main" lang="en-gb" dir="ltr">Skip to the content</a>' in page.text
    anna = Visitor().begin()
    assert '<html lang="ar" dir="rtl">' in anna.response.text
    assert "js-catalogue" not in anna.response.text


def test_english_is_found_in_a_page() -> None:
    page = (
        '<p title="Copy">Kopiera</p><p>This ends your participation in <strong>X</strong>. Slut.</p>'
        '<script>"Copy"</script>'
    )
    assert texts_of(page) == ["Copy", "Kopiera", "This ends your participation in", "X", ". Slut."]
    assert english_in(page) == ["Copy", "This ends your participation in"]
