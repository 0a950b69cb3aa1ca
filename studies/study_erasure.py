"""Erases a whole study: the one way in which what is otherwise only appended goes, and it leaves a receipt."""

from __future__ import annotations

from collections import Counter

import structlog
from django.db.models import Q

from studies import erasure_log
from studies.errors import StudyError
from studies.models import (
    Answer,
    ErasureReceipt,
    Judgement,
    PageLog,
    Participant,
    PinnedVoice,
    RecruiterIdentity,
    Session,
    Study,
    TargetVoice,
)
from studies.models.guards import erasing
from studies.talk.filing.erasure import erase_recordings
from studies.voices.library import uses_of, withdraw_voice

log = structlog.get_logger(__name__)


def erase_study(study: Study, *, by: str) -> ErasureReceipt:
    """Erases a study with its participants, recordings and voices, and returns the receipt that stays.

    Raises StudyError while the study takes in people, and if another study uses a voice of it."""
    if study.state not in {Study.State.DRAFT, Study.State.CLOSED}:
        raise StudyError(f"{study.slug} is {study.get_state_display().lower()}. Close it first.")
    voices = list(TargetVoice.objects.filter(_voices_of(study)).distinct())
    for voice in voices:
        others = sorted({str(version) for version in uses_of(voice) if version.study_id != study.pk})
        if others:
            raise StudyError(f"The voice {voice.key} belongs to {study.slug} and is used by {', '.join(others)}.")
    target = f"study {study.slug}"
    removed: Counter[str] = Counter()
    takes = files = 0
    for session in Session.objects.filter(participant__study=study):
        erased = erase_recordings(session)  # files go first: should this be cut off, it is done again
        removed += Counter(erased.removed)
        takes, files = takes + erased.takes, files + erased.files
    for voice in voices:
        withdraw_voice(voice, by=by)
    with erasing(by=by, target=target):
        for what, model in (("answers", Answer), ("judgements", Judgement), ("page_times", PageLog)):
            removed[what] = model._base_manager.filter(session__participant__study=study).count()
        removed["identities"] = RecruiterIdentity.objects.filter(study=study).exclude(sealed=b"").count()
        PinnedVoice.objects.filter(condition__version__study=study).delete()
        TargetVoice.objects.filter(pk__in=[voice.pk for voice in voices]).delete()
        Participant.objects.filter(study=study).delete()
        slug = study.slug
        study.delete()
        receipt = ErasureReceipt.objects.create(
            study=None,
            code=target,
            takes=takes,
            files=files,
            answers=removed["answers"] + removed["judgements"],
            removed=[{"what": what, "count": removed[what]} for what in ErasureReceipt.What if removed[what]],
        )
        erasure_log.note("study", study=slug)
    log.info("study_erased", receipt=receipt.pk, takes=takes, files=files)
    return receipt


def _voices_of(study: Study) -> Q:
    return Q(study=study) | Q(versions__donation__session__participant__study=study)
