"""The verbs of target voices: add a version, use a participant's recording, withdraw, delete."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import structlog
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils import timezone
from django.utils.formats import date_format

from inference.contract.audio import SAMPLE_RATE_HZ
from studies import erasure_log
from studies.errors import VoiceRefused
from studies.models import (
    AccessLog,
    ErasureReceipt,
    ProtocolVersion,
    Session,
    Take,
    TargetVoice,
    TargetVoiceVersion,
)
from studies.models.take import recordings
from studies.talk.live.watch import look_now
from studies.voices.decoding import Reference
from studies.voices.donation import donation_of

Source = TargetVoiceVersion.Source

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Consent:
    """Who speaks, for what purpose and until when, under which licence, and where that can be seen."""

    speaker: str
    scope: str
    until: date
    licence: str
    licence_text: str
    evidence: str


@transaction.atomic
def add_version(
    voice: TargetVoice, reference: Reference, consent: Consent, *, by: User, source: str, donor: Session | None = None
) -> TargetVoiceVersion:
    """Adds the voice's next version. `donor` is the session of a participant's recording. Raises VoiceRefused."""
    voice = TargetVoice.objects.select_for_update().get(pk=voice.pk)
    if reference.quality["verdict"] == "refused":
        reasons = " ".join(f["text"] for f in reference.quality["findings"] if f["verdict"] == "refused")
        raise VoiceRefused(f"This recording is not good enough as a reference. {reasons}")
    check_consent(voice, consent, donor)
    name = f"{_folder(voice.pk)}/{reference.sha256}.flac"
    if not recordings().exists(name):
        recordings().save(name, ContentFile(reference.flac))
    return TargetVoiceVersion.objects.create(
        voice=voice,
        number=_next_number(voice),
        file=name,
        sha256=reference.sha256,
        sample_rate_hz=SAMPLE_RATE_HZ,
        duration_samples=reference.duration_samples,
        quality={**reference.quality, "upload": dict(reference.facts)},
        source=source,
        donation=donation_of(donor) if donor is not None else None,
        uploaded_by=by,
        **_columns(consent),
    )


@transaction.atomic
def renew(version: TargetVoiceVersion, consent: Consent, *, by: User) -> TargetVoiceVersion:
    """Adds a version with the same recording and another consent. Raises VoiceRefused."""
    voice = TargetVoice.objects.select_for_update().get(pk=version.voice_id)
    donor = version.donation.session if version.donation is not None else None
    check_consent(voice, consent, donor)
    if not version.file:
        raise VoiceRefused("This recording has been erased. Record or upload another one.")
    return TargetVoiceVersion.objects.create(
        voice=voice,
        number=_next_number(voice),
        file=version.file.name,
        sha256=version.sha256,
        sample_rate_hz=version.sample_rate_hz,
        duration_samples=version.duration_samples,
        quality=version.quality,
        source=Source.RENEWED,
        donation=version.donation,
        uploaded_by=by,
        **_columns(consent),
    )


def withdraw_voice(voice: TargetVoice, *, by: str) -> ErasureReceipt:
    """Erases the recordings of a voice whose speaker withdraws, even if studies use the voice.

    From now on takes in this voice are refused, and those in progress end. This can run again; there is one receipt."""
    with transaction.atomic():
        voice = TargetVoice.objects.select_for_update().get(pk=voice.pk)
        voice.versions.exclude(file="").update(file="")
        if voice.withdrawn_at is None:
            voice.withdrawn_at = timezone.now()
            voice.save(update_fields=["withdrawn_at"])
            erasure_log.note("voice", voice=voice.key)
    files = _erase_files(voice.pk)
    look_now()
    receipt, made = ErasureReceipt.objects.get_or_create(
        study=voice.study,
        code=f"voice {voice.key}",
        defaults={"takes": 0, "files": files, "answers": 0},
    )
    if made:
        AccessLog.objects.create(reader=by, action="erase", target=f"voice {voice.key}")
        log.info("voice_withdrawn", voice=voice.key, files=files)
    return receipt


def remove_voice(voice: TargetVoice, *, by: str) -> None:
    """Deletes a voice that no published study uses, with its recordings. Raises VoiceRefused."""
    with transaction.atomic():
        voice = TargetVoice.objects.select_for_update().get(pk=voice.pk)
        users = uses_of(voice)
        if users:
            named = ", ".join(str(version) for version in users)
            raise VoiceRefused(
                f"{voice} is used by {named}, so it cannot be deleted. If the speaker withdraws, withdraw it instead."
            )
        voice_id, key = voice.pk, voice.key
        voice.delete()
        AccessLog.objects.create(reader=by, action="delete", target=f"voice {key}")
        erasure_log.note("voice", voice=key)
    _erase_files(voice_id)


def uses_of(voice: TargetVoice) -> list[ProtocolVersion]:
    """Returns the published versions that use the voice, newest first."""
    used = ProtocolVersion.objects.filter(conditions__pinned_voices__voice_version__voice=voice)
    return list(used.select_related("study").distinct().order_by("study__title", "-number"))


def takes_in(voice: TargetVoice) -> QuerySet[Take]:
    """Returns every take under a condition that uses the voice."""
    return Take.objects.filter(trial__condition__pinned_voices__voice_version__voice=voice).distinct()


def withdraw_donations(session: Session) -> None:
    """Withdraws the voices that were made of the recordings of a participant who withdraws."""
    for voice in TargetVoice.objects.filter(versions__donation__session=session).distinct():
        withdraw_voice(voice, by="participant")


def withdraw_outlived_donations(today: date) -> int:
    """Withdraws donated voices whose study has passed its retention date, as its recordings are erased, too."""
    outlived = TargetVoice.objects.filter(
        versions__donation__session__participant__study__retention_until__lt=today, withdrawn_at=None
    ).distinct()
    for voice in outlived:
        withdraw_voice(voice, by="retention")
    return len(outlived)


def erase_leftovers() -> int:
    """Deletes the files of withdrawn voices that an interrupted withdrawal left. Returns how many there were."""
    withdrawn = TargetVoice.objects.filter(withdrawn_at__isnull=False)
    return sum(_erase_files(pk) for pk in withdrawn.values_list("pk", flat=True))


def check_consent(voice: TargetVoice, consent: Consent, donor: Session | None) -> None:
    """Raises VoiceRefused for a voice that was withdrawn, and for a consent that has ended or outlives a donation."""
    if voice.withdrawn_at is not None:
        raise VoiceRefused("The speaker has withdrawn this voice. A new agreement makes a new voice.")
    if consent.until < timezone.localdate():
        raise VoiceRefused("The consent has already ended. Give the last day on which the voice may be used.")
    retention = donor.study.retention_until if donor is not None else None
    if retention is not None and consent.until > retention:
        until = date_format(retention, "j F Y")
        raise VoiceRefused(f"The participant's recordings are kept until {until}; the voice cannot be kept for longer.")


def _next_number(voice: TargetVoice) -> int:
    return (voice.versions.aggregate(last=Max("number"))["last"] or 0) + 1


def _columns(consent: Consent) -> dict[str, object]:
    return {
        "speaker": consent.speaker,
        "consent_scope": consent.scope,
        "consent_until": consent.until,
        "licence": consent.licence,
        "licence_text": consent.licence_text,
        "evidence": consent.evidence,
    }


def _erase_files(voice_id: int) -> int:
    """Erases everything in the voice's folder, including what an interrupted save left. Returns how many files."""
    folder = _folder(voice_id)
    try:
        names = recordings().listdir(folder)[1]
    except FileNotFoundError:
        return 0
    for name in names:
        recordings().delete(f"{folder}/{name}")
    return len(names)


def _folder(voice_id: int) -> str:
    return f"voices/{voice_id}"
