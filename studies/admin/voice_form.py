"""The form of a target voice: its description, a recording, and the speaker's consent to its use."""

from __future__ import annotations

from typing import Any, ClassVar, Final
from uuid import UUID

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from studies.errors import AudioRefused, VoiceRefused
from studies.models import TargetVoice, TargetVoiceVersion, Track
from studies.voices import drafts, library
from studies.voices.decoding import Reference, decode_upload
from studies.voices.donation import MAX_DONATED_SEC, reference_of
from studies.voices.library import Consent, Source

CONSENT_FIELDS: Final = ("speaker", "consent_scope", "consent_until", "licence", "licence_text", "evidence")
ALWAYS_NEEDED: Final = tuple(name for name in CONSENT_FIELDS if name != "licence_text")
NEEDED: Final = "Required: without the speaker’s consent and a licence, a voice is not used."
NEEDS_WORDS: Final = {TargetVoiceVersion.Licence.AGREEMENT, TargetVoiceVersion.Licence.OTHER}
PART_SEC: Final = 20.0


class RecordingWidget(forms.FileInput):
    """Lets the researcher choose a file or make a recording; shows the draft that is kept, with its report."""

    draft: UUID | None = None
    recorded = False
    reference: Reference | None = None
    track: Track | None = None

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        context = {
            "id": (attrs or {}).get("id", f"id_{name}"),
            "name": name,
            "draft": self.draft,
            "recorded": self.recorded,
            "track": self.track,
            "upload_url": reverse("upload_voice"),
        }
        if self.draft is not None and self.reference is not None:
            context["report"] = drafts.shown(self.reference, self.draft)
        return mark_safe(render_to_string("admin/studies/targetvoice/recording.html", context))  # noqa: S308


def _consent_field(name: str, widget: forms.Widget, label: str = "") -> forms.Field:
    """Returns the model's form field, required only together with a recording."""
    labels = {name: label} if label else None
    field: forms.Field = forms.fields_for_model(TargetVoiceVersion, [name], widgets={name: widget}, labels=labels)[name]
    field.required = False
    return field


def track_named(given: object, user: User) -> Track | None:
    """The track of this id, if there is one and `user` may hear it."""
    text = str(given or "")
    if not text.isdecimal() or len(text) > 18 or not user.has_perm("studies.view_take"):
        return None
    return Track.objects.filter(pk=int(text)).first()


class TargetVoiceForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    """The form of a voice. A new voice needs a recording; later, a recording makes a new version.

    An upload is kept when the form has errors. The admin sets `user`."""

    user: User

    audio = forms.FileField(label="Recording", required=False, widget=RecordingWidget)
    draft = forms.UUIDField(required=False, widget=forms.HiddenInput)
    recorded = forms.BooleanField(required=False, widget=forms.HiddenInput)
    track = forms.ModelChoiceField(Track.objects.all(), required=False, widget=forms.HiddenInput)
    part_start_sec = forms.FloatField(
        label="From second",
        required=False,
        min_value=0,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"}),
        help_text="Where the part that becomes the voice begins.",
    )
    part_end_sec = forms.FloatField(
        label="To second",
        required=False,
        min_value=0,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"}),
        help_text=f"10 to 30 seconds are best; {MAX_DONATED_SEC} are the most.",
    )
    renew = forms.BooleanField(
        label="Keep the recording of the newest version",
        required=False,
        widget=UnfoldBooleanWidget,
        help_text="For a consent that was renewed: a new version with the same recording.",
    )
    speaker = _consent_field("speaker", UnfoldAdminTextInputWidget())
    consent_scope = _consent_field("consent_scope", UnfoldAdminTextareaWidget(attrs={"rows": 3}), "Permitted use")
    consent_until = _consent_field("consent_until", UnfoldAdminSingleDateWidget(), "Permitted until")
    licence = _consent_field("licence", UnfoldAdminSelectWidget())
    licence_text = _consent_field("licence_text", UnfoldAdminTextareaWidget(attrs={"rows": 3}))
    evidence = _consent_field("evidence", UnfoldAdminTextInputWidget())

    reference: Reference | None = None

    class Meta:
        model = TargetVoice
        fields = ("key", "name", "description", "study")
        widgets: ClassVar = {"description": UnfoldAdminTextareaWidget(attrs={"rows": 3})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.newest = self.instance.newest if self.instance.pk else None
        track = self._given_track()
        self._widget.track = track
        if track is not None:
            self.fields["part_start_sec"].initial = 0
            self.fields["part_end_sec"].initial = min(PART_SEC, round(track.duration_ms / 1_000, 1))
        else:
            del self.fields["part_start_sec"], self.fields["part_end_sec"], self.fields["track"]
        if self.newest is None:
            del self.fields["renew"]
            for name in ALWAYS_NEEDED:
                self.fields[name].required = True
                self.fields[name].error_messages["required"] = NEEDED
        else:
            for name in CONSENT_FIELDS:
                self.fields[name].initial = getattr(self.newest, name)

    @property
    def makes_version(self) -> bool:
        return bool(self.cleaned_data.get("renew")) or self.reference is not None

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        self._clean_recording(cleaned)
        if self.errors.get("audio") is None:
            self._clean_presence(cleaned)
        if self.makes_version or self.instance.pk is None:
            self._clean_consent(cleaned)
        self._clean_scope(cleaned)
        return cleaned

    def consent(self) -> Consent:
        of = self.cleaned_data
        return Consent(
            of["speaker"], of["consent_scope"], of["consent_until"], of["licence"], of["licence_text"], of["evidence"]
        )

    def save_version(self, voice: TargetVoice) -> TargetVoiceVersion:
        """Saves and returns the version that the form asks for. Raises VoiceRefused."""
        cleaned = self.cleaned_data
        if self.reference is None:
            assert self.newest is not None
            return library.renew(self.newest, self.consent(), by=self.user)
        track = cleaned.get("track")
        donor = track.take.trial.session if track is not None else None
        uploaded = Source.RECORDED if self._widget.recorded else Source.UPLOAD
        source = Source.PARTICIPANT if donor is not None else uploaded
        version = library.add_version(voice, self.reference, self.consent(), by=self.user, source=source, donor=donor)
        if self._widget.draft is not None:
            drafts.drop(self._widget.draft, self.user.pk)
        return version

    @property
    def _widget(self) -> RecordingWidget:
        widget = self.fields["audio"].widget
        assert isinstance(widget, RecordingWidget)
        return widget

    def _given_track(self) -> Track | None:
        given = (self.data if self.is_bound else self.initial).get("track")
        return track_named(given, self.user)

    def _clean_recording(self, cleaned: dict[str, Any]) -> None:
        """Makes a draft of an uploaded file, so that the file is still there if something else is wrong."""
        track, audio, draft = cleaned.get("track"), cleaned.get("audio"), cleaned.get("draft")
        try:
            if track is not None:
                self.reference = reference_of(
                    track, cleaned.get("part_start_sec") or 0.0, cleaned.get("part_end_sec") or 0.0
                )
                draft = None
            elif audio is not None:
                self.reference = decode_upload(audio.chunks())
                draft = drafts.keep(self.reference, self.user.pk)
            elif draft is not None:
                self.reference = drafts.load(draft, self.user.pk)
                if self.reference is None:
                    draft = None
                    self.add_error("audio", "The upload was deleted after a day. Choose the file again.")
        except (AudioRefused, VoiceRefused) as refusal:
            self.add_error("audio", str(refusal))
            return
        self._widget.draft, self._widget.reference = draft, self.reference
        self._widget.recorded = bool(cleaned.get("recorded")) and audio is None
        if self.reference is not None and self.reference.quality["verdict"] == "refused":
            wrong = [
                finding["text"] for finding in self.reference.quality["findings"] if finding["verdict"] == "refused"
            ]
            self.add_error("audio", ValidationError([f"Not good enough as a reference: {text}" for text in wrong]))

    def _clean_presence(self, cleaned: dict[str, Any]) -> None:
        if self.reference is not None and cleaned.get("renew"):
            self.add_error("renew", "There is also a new recording. Keep only one of the two.")
        if self.makes_version:
            return
        if self.instance.pk is None:
            self.add_error("audio", "Choose a file, or record the voice.")
        elif set(CONSENT_FIELDS) & set(self.changed_data):
            self.add_error(
                "audio", "A consent belongs to a version: add a recording, or keep that of the newest version (below)."
            )

    def _clean_consent(self, cleaned: dict[str, Any]) -> None:
        for name in ALWAYS_NEEDED:
            if name not in self.errors and not cleaned.get(name):
                self.add_error(name, NEEDED)
        if cleaned.get("licence") in NEEDS_WORDS and not cleaned.get("licence_text"):
            self.add_error("licence_text", "State what this agreement or licence allows.")
        if set(CONSENT_FIELDS) & set(self.errors):
            return
        track = cleaned.get("track")
        try:
            library.check_consent(self.instance, self.consent(), track.take.trial.session if track else None)
        except VoiceRefused as refusal:
            self.add_error("consent_until", str(refusal))

    def _clean_scope(self, cleaned: dict[str, Any]) -> None:
        study = cleaned.get("study")
        if self.instance.pk is None or study is None or "study" not in self.changed_data:
            return
        others = [version for version in library.uses_of(self.instance) if version.study_id != study.pk]
        if others:
            self.add_error("study", f"It is used by {', '.join(map(str, others))}, so it cannot be {study}'s alone.")
