"""Which part of which recording a question plays."""

from __future__ import annotations

from collections.abc import Sequence

from django.urls import reverse

from studies.models import Session, Take, Track, Trial
from studies.questions.recordings import MISSING, Excerpt, Recording


def excerpt_of(session: Session, recording: Recording, trial: Trial | None, pair: Sequence[Trial]) -> Excerpt:
    """What a question plays. It is of the prompt and the condition that `recording` names; where several trials match,
    those of the page come first (`trial`, or those of `pair`). Without names it is of the page's own trial, or of the
    first of its pair."""
    near = [trial] if trial is not None else list(pair)
    trials = near
    if recording.prompt is not None or recording.condition is not None:
        here = [each.pk for each in near]
        everywhere = session.trials.select_related("prompt", "condition").order_by("practice", "position")
        trials = sorted(
            (each for each in everywhere if _is_named(recording, each)), key=lambda each: each.pk not in here
        )
    takes = (each.take for each in trials)
    take = next((take for take in takes if take is not None), None)
    return _part(session, recording, take) if take is not None else MISSING


def _is_named(recording: Recording, trial: Trial) -> bool:
    return recording.prompt in (None, trial.prompt.key) and recording.condition in (None, trial.condition.key)


def _part(session: Session, recording: Recording, take: Take) -> Excerpt:
    end_sec = recording.end_sec
    track: Track | None = take.tracks.filter(kind=recording.track).first()
    over = take.state in (Take.State.FINAL, Take.State.FAILED)
    if track is None and over:
        return MISSING
    duration_sec = None
    if track is not None:
        track_sec = track.duration_ms / 1_000
        duration_sec = max(0.0, (track_sec if end_sec is None else min(end_sec, track_sec)) - recording.start_sec)
        if duration_sec == 0:  # the talk was over before the excerpt begins
            return MISSING
    return Excerpt(
        url=reverse("participant_track", args=[session.token, take.pk, recording.track]),
        status_url=reverse("take_status", args=[session.token, take.pk]),
        start_sec=recording.start_sec,
        end_sec=end_sec,
        duration_sec=duration_sec,
        state="ready" if over else "filing",
    )
