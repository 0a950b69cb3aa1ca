"""The library of target voices in the admin."""

from __future__ import annotations

import re
import shutil
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from studies.models import AccessLog, ConsentEvent, ErasureReceipt, Study, TargetVoice, TargetVoiceVersion, Track
from studies.voices import drafts, library
from tests.studies.factories import make_researcher, make_session, make_study, make_take, years_ahead
from tests.studies.voices.library import add_to, become, make_targeted_study, make_voice, reference
from tests.studies.voices.recordings import babble, encoded, melody

__all__ = ["become"]

SPEECH = encoded(babble(15, 210.0, 1.17, 3))
UNTIL = years_ahead()
CONSENT = {
    "speaker": "Speaker 7",
    "consent_scope": "Studies of how machines hear people.",
    "consent_until": UNTIL.isoformat(),
    "licence": "cc_by",
    "licence_text": "",
    "evidence": "Form 12/2026",
}
VOICE = {"key": "anna", "name": "Anna", "description": "", "study": ""}
FORMSETS = {"versions-TOTAL_FORMS": "0", "versions-INITIAL_FORMS": "0"}


@pytest.fixture(autouse=True)
def _no_files_of_other_tests() -> None:
    shutil.rmtree(settings.RECORDINGS_DIR / "voices", ignore_errors=True)


@pytest.fixture
def rosa(db: None, client: Client) -> User:
    researcher = make_researcher()
    client.force_login(researcher)
    return researcher


def page(name: str, *args: Any) -> str:
    return reverse(f"admin:studies_targetvoice_{name}", args=args)


def upload(data: bytes = SPEECH) -> SimpleUploadedFile:
    return SimpleUploadedFile("anna.wav", data)


def kept(researcher: User) -> str:
    """A good recording that was judged before, which is quicker than an upload."""
    return str(drafts.keep(reference(), researcher.pk))


def add(client: Client, **fields: Any) -> Any:
    return client.post(page("add"), {**VOICE, **CONSENT, **fields}, follow=True)


def change(client: Client, voice: TargetVoice, **fields: Any) -> Any:
    own = {"name": voice.name, "description": voice.description, "study": voice.study_id or ""}
    return client.post(page("change", voice.pk), {**own, **fields}, follow=True)


def errors(response: Any) -> dict[str, list[str]]:
    return {name: list(texts) for name, texts in response.context["adminform"].form.errors.items()}


def messages(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def test_voice_is_made_of_a_file_and_a_consent(rosa: User, client: Client) -> None:
    response = add(client, audio=upload())
    version = TargetVoiceVersion.objects.get()
    assert messages(response)[0] == "Anna v1 is in the library. Studies use it from their next publication on."
    assert (version.voice.key, version.voice.owner, version.uploaded_by, version.source) == (
        "anna",
        rosa,
        rosa,
        "upload",
    )
    assert (version.speaker, version.consent_until, version.licence) == ("Speaker 7", UNTIL, "cc_by")
    assert version.quality["verdict"] == "ok"


def test_voice_is_made_of_a_draft(rosa: User, client: Client) -> None:
    draft = drafts.keep(reference(), rosa.pk)
    add(client, draft=str(draft), recorded="on")
    assert TargetVoiceVersion.objects.get().source == "recorded"
    assert drafts.load(draft, rosa.pk) is None


@pytest.mark.parametrize("name", ["speaker", "consent_scope", "consent_until", "licence", "evidence"])
def test_consent_is_needed_field_by_field(name: str, rosa: User, client: Client) -> None:
    response = add(client, draft=kept(rosa), **{name: ""})
    assert errors(response) == {name: ["Required: without the speaker’s consent and a licence, a voice is not used."]}
    assert TargetVoice.objects.count() == 0


def test_agreement_needs_its_words(rosa: User, client: Client) -> None:
    assert errors(add(client, draft=kept(rosa), licence="agreement")) == {
        "licence_text": ["State what this agreement or licence allows."]
    }


def test_consent_that_is_over_is_told_beside_its_field(rosa: User, client: Client) -> None:
    yesterday = (timezone.localdate() - timedelta(days=1)).isoformat()
    assert list(errors(add(client, draft=kept(rosa), consent_until=yesterday))) == ["consent_until"]


def test_upload_survives_an_incomplete_form(rosa: User, client: Client) -> None:
    first = add(client, audio=upload(), speaker="")
    assert "Your recording is kept. You do not have to choose it again" in text_of(first)
    [draft] = re.findall(r'name="draft" value="([0-9a-f-]{36})"', first.content.decode())
    assert 'value="Form 12/2026"' in text_of(first)
    add(client, draft=draft)
    assert TargetVoiceVersion.objects.get().duration_samples == 15 * 24_000


def test_voice_without_a_recording_is_not_made(rosa: User, client: Client) -> None:
    assert errors(add(client)) == {"audio": ["Choose a file, or record the voice."]}


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "The submitted file is empty."),
        (b"Dear diary", "This is not a WAV, FLAC, Ogg (Opus or Vorbis) or MP3 file."),
        (encoded(babble(12, 210.0, 1.17, 3)[:7_200]), "It is 0.3 s long."),
        (SPEECH[: len(SPEECH) // 2], "The file is damaged"),
        (encoded(melody(12)), "Not good enough as a reference: No speech was found"),
    ],
    ids=["empty", "text", "0.3 s", "cut off", "music"],
)
def test_bad_recording_is_told_beside_its_field(data: bytes, text: str, rosa: User, client: Client) -> None:
    response = add(client, audio=upload(data))
    assert list(errors(response)) == ["audio"]
    assert errors(response)["audio"][0].startswith(text)
    assert TargetVoice.objects.count() == 0


def test_draft_of_somebody_else_is_not_taken(rosa: User, client: Client) -> None:
    draft = drafts.keep(reference(), make_researcher("max").pk)
    assert list(errors(add(client, draft=str(draft)))) == ["audio"]


@pytest.mark.parametrize("key", ["Anna", "an na", "../etc", ""])
def test_key_must_be_one(key: str, rosa: User, client: Client) -> None:
    assert list(errors(add(client, draft=kept(rosa), key=key))) == ["key"]


def test_key_is_unique(rosa: User, client: Client) -> None:
    make_voice()
    assert list(errors(add(client, draft=kept(rosa)))) == ["key"]


# versions


def test_name_changes_without_a_new_version(rosa: User, client: Client) -> None:
    voice = make_voice().voice
    change(client, voice, name="Annabel", **_same(voice))
    voice.refresh_from_db()
    assert (voice.name, voice.key, voice.versions.count()) == ("Annabel", "anna", 1)


def _same(voice: TargetVoice) -> dict[str, Any]:
    newest = voice.newest
    assert newest is not None
    return {name: getattr(newest, name) for name in CONSENT}


def test_new_recording_makes_a_new_version(rosa: User, client: Client) -> None:
    voice = make_voice().voice
    response = change(client, voice, draft=kept(rosa), **CONSENT)
    assert "Anna v2 is in the library" in messages(response)[0]
    assert list(voice.versions.values_list("number", "licence")) == [(2, "cc_by"), (1, "agreement")]


def test_renewed_consent_makes_a_new_version_of_the_same_recording(rosa: User, client: Client) -> None:
    first = make_voice()
    change(client, first.voice, renew="on", **CONSENT)
    second = first.voice.newest
    assert second is not None
    assert (second.number, second.sha256, second.consent_until) == (2, first.sha256, UNTIL)


def test_changed_consent_alone_is_not_lost_silently(rosa: User, client: Client) -> None:
    voice = make_voice().voice
    response = change(client, voice, **CONSENT)
    assert errors(response)["audio"][0].startswith("A consent belongs to a version")
    assert voice.versions.count() == 1


def test_shared_voice_that_others_use_cannot_become_one_studys_own(become: None, rosa: User, client: Client) -> None:
    voice = make_voice().voice
    make_targeted_study("mine")
    other = Study.objects.create(slug="other", title="Other")
    response = change(client, voice, **(_same(voice) | {"study": other.pk}))
    assert errors(response) == {"study": ["It is used by mine v1, so it cannot be Other's alone."]}


def test_page_shows_versions_quality_consent_and_uses(become: None, rosa: User, client: Client) -> None:
    version = make_voice()
    published = make_targeted_study()
    text = text_of(client.get(page("change", version.voice.pk)))
    for shown in (version.sha256, "Form 12/2026", "Signal to noise", str(published)):
        assert shown in text
    assert reverse("researcher_voice", args=[version.pk]) in text
    assert reverse("admin:studies_protocolversion_change", args=[published.pk]) in text


def test_list_shows_quality_and_consent(rosa: User, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    until = timezone.localdate() + timedelta(days=10)
    make_voice("soon", until=until)
    library.withdraw_voice(make_voice("gone").voice, by="rosa")
    text = text_of(client.get(page("changelist")))
    assert "Good" in text
    assert f"Until {until:%-d %b %Y}" in text
    assert "Withdrawn" in text


# in use, withdrawn, deleted


def test_unused_voice_is_deleted(rosa: User, client: Client) -> None:
    voice = make_voice().voice
    assert client.get(page("delete", voice.pk)).status_code == 200
    client.post(page("delete", voice.pk), {"post": "yes"})
    assert TargetVoice.objects.count() == 0
    assert AccessLog.objects.filter(reader="rosa", action="delete").count() == 1


def test_voice_in_use_is_not_deleted_and_the_links_say_why(become: None, rosa: User, client: Client) -> None:
    voice = make_voice().voice
    published = make_targeted_study()
    response = client.post(page("delete", voice.pk), {"post": "yes"}, follow=True)
    assert "cannot be deleted: published studies use it" in messages(response)[0]
    assert reverse("admin:studies_protocolversion_change", args=[published.pk]) in messages(response)[0]
    assert TargetVoice.objects.count() == 1


def test_withdrawal_is_asked_once_and_leaves_a_receipt(become: None, rosa: User, client: Client) -> None:
    voice = make_voice().voice
    published = make_targeted_study()
    asked = text_of(client.get(page("withdraw", voice.pk)))
    assert str(published) in asked
    assert TargetVoice.objects.get().withdrawn_at is None
    response = client.post(page("withdraw", voice.pk), follow=True)
    receipt = ErasureReceipt.objects.get()
    assert messages(response) == [f"Anna is withdrawn. Receipt {receipt.pk}: 1 file erased."]
    assert "This voice cannot be used: the speaker withdrew on" in text_of(response)
    assert "audio" not in response.context["adminform"].form.fields or "New version" not in text_of(response)


def test_study_page_tells_that_its_voice_is_gone(become: None, rosa: User, client: Client) -> None:
    version = make_voice()
    study = make_targeted_study().study
    library.withdraw_voice(version.voice, by="rosa")
    text = text_of(client.get(reverse("admin:studies_study_change", args=[study.pk])))
    assert "Anna v1 cannot be used: the speaker withdrew on" in text


@pytest.mark.parametrize("name", ["changelist", "add"])
def test_pages_are_for_researchers_alone(name: str, db: None, client: Client) -> None:
    client.force_login(make_researcher("max", permitted=False))
    assert client.get(page(name)).status_code == 403


def test_withdrawal_is_for_those_who_may_change_voices(db: None, client: Client) -> None:
    voice = make_voice().voice
    client.force_login(make_researcher("max", permitted=False))
    client.post(page("withdraw", voice.pk))
    voice.refresh_from_db()
    assert voice.withdrawn_at is None


# a participant's voice


def test_take_offers_its_voice_only_where_it_was_given(rosa: User, client: Client) -> None:
    session = make_session(make_study())
    track = make_take(session.trials.get(position=0)).tracks.get(kind=Track.Kind.PARTICIPANT)
    take = reverse("admin:studies_take_change", args=[track.take_id])
    assert f"{page('add')}?track={track.pk}" in text_of(client.get(take))
    assert "who agreed to it" in text_of(client.get(page("add"), {"track": track.pk}))
    ConsentEvent.objects.create(session=session, purpose="voice_donation", granted=False, document_sha256="0" * 64)
    assert "No target voice can be made from this recording. The participant did not agree" in text_of(client.get(take))
    response = add(client, track=track.pk, part_start_sec="0", part_end_sec="1")
    assert errors(response)["audio"] == [
        "The participant did not agree to other people speaking in their voice (consent purpose voice_donation)."
    ]


def test_other_version_of_a_voice_is_heard_at_its_own_address(rosa: User, client: Client) -> None:
    first = make_voice()
    second = add_to(first.voice, f0_hz=150.0)
    bodies = {client.get(reverse("researcher_voice", args=[version.pk])).content for version in (first, second)}
    assert len(bodies) == 2


def test_participants_recording_becomes_no_voice_for_those_who_may_not_view_takes(db: None, client: Client) -> None:
    session = make_session(make_study())
    track = make_take(session.trials.get(position=0)).tracks.get(kind=Track.Kind.PARTICIPANT)
    account = make_researcher("max", permitted=False)
    of_voices = Permission.objects.filter(content_type__app_label="studies", content_type__model="targetvoice")
    account.user_permissions.set(of_voices)
    client.force_login(account)
    assert "who agreed to it" not in text_of(client.get(page("add"), {"track": track.pk}))
    response = add(client, track=track.pk, part_start_sec="0", part_end_sec="1")
    assert response.context["adminform"].form.errors["audio"] == ["Choose a file, or record the voice."]
