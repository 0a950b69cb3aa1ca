"""Ways in: the welcome in its languages, links for pilots and previews, and coming back in the same browser."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from studies.entrance import Entrance, mode_link, unsealed
from studies.errors import SealBroken
from studies.models import AllocationSlot, Session, Study
from studies.participant.arriving.enrol import begin
from studies.protocol.languages import texts_of
from studies.protocol.reading.document import parse
from studies.publish import publish
from studies.sealing import keyed_hash, seal, unseal
from tests.studies.participant.visitor import Visitor, open_new_study
from tests.studies.protocol.documents import paired

pytestmark = pytest.mark.django_db


def spoken_in(*languages: str, **changes: Any) -> dict[str, Any]:
    """A study in English and in `languages`, whose texts say which they are."""
    texts = texts_of(parse(paired(**changes)))
    translations = {tag: {path: f"{text} ({tag})" for path, text in texts.items()} for tag in languages}
    return paired(languages=["en", *languages], translations=translations, **changes)


@pytest.fixture
def study() -> Study:
    return open_new_study(paired())


def test_welcome_tells_the_duration_the_ethics_reference_and_the_last_day() -> None:
    until = open_new_study(paired(duration_min=12)).retention_until
    page = Client().get("/s/voices/").content.decode()
    assert "about 12 minutes" in page
    assert "EK-2026/17" in page
    assert f"erased by {until:%-d %b %Y}" in page


def test_welcome_is_in_the_language_of_the_browser_and_offers_the_others() -> None:
    open_new_study(spoken_in("sv", "ar"))
    client = Client(headers={"Accept-Language": "de;q=0.9, sv-SE"})
    page = client.get("/s/voices/").content.decode()
    assert '<html lang="sv" dir="ltr">' in page
    assert "Hello. (sv)" in page
    assert 'href="?language=ar" lang="ar" hreflang="ar">العربية</a>' in page
    arabic = client.get("/s/voices/?language=ar").content.decode()
    assert '<html lang="ar" dir="rtl">' in arabic
    assert "Hello. (ar)" in arabic


def test_what_is_missing_is_said_from_left_to_right_in_a_study_that_runs_the_other_way() -> None:
    open_new_study(spoken_in("ar"))
    anna = Visitor().begin("?language=ar").post("consent/", decision="agree")
    assert anna.response.status_code == 422
    assert 'id="id_participate_error" lang="en-gb" dir="ltr">You can take part only if' in anna.page


def test_session_keeps_the_language_it_began_in_and_can_change_it() -> None:
    open_new_study(spoken_in("sv"))
    anna = Visitor().begin("?language=sv")
    assert anna.session.language == "sv"
    assert "We record you. (sv)" in anna.page
    anna.agree()
    assert set(anna.session.consents.values_list("language", flat=True)) == {"sv"}
    anna.post("language/", language="en", next=f"/p/{anna.token}/check/")
    assert (anna.session.language, anna.place) == ("en", "check/")


@pytest.mark.parametrize(
    ("language", "page"), [("xx", "/p/other/check/"), ("sv", "https://elsewhere.example/"), ("", "//elsewhere.example")]
)
def test_change_of_language_leads_nowhere_but_back(language: str, page: str) -> None:
    open_new_study(spoken_in("sv"))
    anna = Visitor().begin()
    anna.post("language/", language=language, next=page)
    assert anna.place == "consent/"
    assert anna.session.language == (language if language == "sv" else "en")


def test_study_in_one_language_offers_no_change(study: Study) -> None:
    anna = Visitor().begin()
    assert anna.session.language == "en"
    assert "/language/" not in anna.page


@pytest.mark.parametrize("state", ["draft", "open", "paused"])
def test_pilot_begins_while_the_study_is_not_open_and_does_not_count(study: Study, state: str) -> None:
    Study.objects.update(state=state)
    anna = Visitor().begin(mode_link(study, "pilot")).agree()
    assert anna.place == "check/"
    assert anna.session.mode == "pilot"
    assert list(AllocationSlot.objects.exclude(session=None).values_list("mode", flat=True)) == ["pilot"]


def test_pilot_of_a_closed_study_is_told_so(study: Study) -> None:
    link = mode_link(study, "pilot")
    anna = Visitor().begin(link)
    Study.objects.update(state="closed")
    assert "has ended" in Client().get(link).content.decode()
    assert "has ended" in anna.get().page


def test_link_of_one_mode_begins_as_many_visits_as_people(study: Study) -> None:
    link = mode_link(study, "bot")
    assert Visitor().begin(link).token != Visitor().begin(link).token
    assert set(Session.objects.values_list("mode", flat=True)) == {"bot"}


@pytest.mark.parametrize("query", ["?mode=pilot", "?entry=pilot", "?mode=preview&entry="])
def test_mode_that_only_the_address_claims_is_no_mode(study: Study, query: str) -> None:
    client = Client()
    page = client.get(f"/s/voices/{query}")
    if page.status_code == 200:
        client.post(f"/s/voices/{query}", {"place": page.context["place"], "mode": "pilot"})
        assert Session.objects.get().mode == "live"
    else:
        assert page.status_code == 400
        assert Session.objects.count() == 0


def test_entrance_of_one_study_is_none_of_another(study: Study) -> None:
    other = open_new_study(paired(), slug="other")
    with pytest.raises(SealBroken):
        unsealed(Entrance("pilot").sealed(study), other)
    page = Client().get(mode_link(study, "pilot").replace("/s/voices/", "/s/other/"))
    assert page.status_code == 400


def test_entrance_that_is_too_old_says_so(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    link = mode_link(study, "preview")
    later = time.time() + timedelta(days=2).total_seconds()
    monkeypatch.setattr(time, "time", lambda: later)
    page = Client().get(link)
    assert page.status_code == 400
    assert "expired" in page.content.decode()


def test_preview_and_pilot_of_a_version_that_is_not_published(study: Study) -> None:
    version = publish(study, parse(paired(title="Second")))
    publish(study, parse(paired(title="Third")))
    page = Client().get(mode_link(study, "preview", version)).content.decode()
    assert "<h1>Second</h1>" in page
    assert "nothing counts" in page


def test_what_is_sealed_is_read_by_this_server_alone(settings: LazySettings) -> None:
    sealed = seal({"a": "Åsa"})
    assert unseal(sealed) == {"a": "Åsa"}
    known = keyed_hash("a", "b")
    assert known != keyed_hash("ab")
    before = settings.SECRET_KEY
    settings.SECRET_KEY = "another"
    with pytest.raises(SealBroken):
        unseal(sealed)
    assert keyed_hash("a", "b") != known
    settings.SECRET_KEY_FALLBACKS = [before]
    assert unseal(sealed) == {"a": "Åsa"}


def test_browser_finds_its_way_back_to_an_unfinished_visit(study: Study) -> None:
    anna = Visitor().begin().agree()
    page = anna.client.get("/s/voices/").content.decode()
    assert f'href="/p/{anna.token}/"' in page
    assert "Start again as a different person" in page
    assert anna.token not in Client().get("/s/voices/").content.decode()
    Session.objects.update(state="finished")
    assert "You have already started" not in anna.client.get("/s/voices/").content.decode()


def test_beginning_in_another_language_while_the_study_pauses_is_told(study: Study) -> None:
    client = Client()
    place = client.get("/s/voices/").context["place"]
    Study.objects.update(state="paused")
    assert "This study is paused" in client.post("/s/voices/", {"place": place}).content.decode()
    assert Session.objects.count() == 0


def test_begin_twice_with_one_token_is_one_session(study: Study) -> None:
    version = study.current_version
    assert version is not None
    assert begin(version, "t" * 22) == begin(version, "t" * 22)


def test_form_that_has_lost_its_secret_can_be_sent_again(study: Study) -> None:
    anna = Visitor().begin()
    strict = Client(enforce_csrf_checks=True)
    sent = {"decision": "agree", "participate": "on", "epoch": anna.session.epoch}
    response = strict.post(f"/p/{anna.token}/consent/", sent)
    page = response.content.decode()
    assert f'<textarea name="epoch" hidden>\n{anna.session.epoch}</textarea>' in page
    assert response.status_code == 403
    assert "Please send this again" in page
    assert '<textarea name="decision" hidden>\nagree</textarea>' in page
    assert f'href="/p/{anna.token}/"' in page


def test_form_of_one_button_that_has_lost_its_secret_can_be_sent_again(study: Study) -> None:
    anna = Visitor().begin()
    strict = Client(enforce_csrf_checks=True)
    page = strict.post(f"/p/{anna.token}/withdraw/").content.decode()
    assert "Send again</button>" in page
    told = strict.post(f"/p/{anna.token}/answers/", "{}", content_type="application/json")
    assert "Send again</button>" not in told.content.decode()


@pytest.mark.parametrize("text", ["é", "😀", "\x00", "gAAAA", "a" * 9_000])
def test_entrance_and_place_of_any_letters_are_refused_in_words(study: Study, text: str) -> None:
    client = Client()
    page = client.get("/s/voices/", {"entry": text})
    assert (page.status_code, "damaged, or it was cut off" in page.content.decode()) == (400, True)
    again = client.post("/s/voices/", {"place": text}, follow=True)
    assert [status for _address, status in again.redirect_chain] == [302]
    assert Session.objects.count() == 0


@pytest.mark.parametrize("path", ["", "consent/", "tab/", "answers/", "withdraw/", "trials/0/takes/"])
@pytest.mark.parametrize("token", ["abc%00def1234567890", "%F0%9F%98%80", "%ff%fe"])
def test_link_with_letters_that_no_link_has_leads_nowhere(study: Study, token: str, path: str) -> None:
    client = Client()
    assert {client.get(f"/p/{token}/{path}").status_code, client.post(f"/p/{token}/{path}").status_code} == {404}


def test_cookie_with_a_zero_in_it_is_no_visit_before(study: Study) -> None:
    page = Client().get("/s/voices/", headers={"Cookie": 'visit="a\\000b"'})
    assert page.status_code == 200
    assert "You have already started" not in page.content.decode()
