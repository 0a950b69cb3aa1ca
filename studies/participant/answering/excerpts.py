"""Which recording a playback item plays, how much of it, and whether enough was heard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from django.urls import reverse

from studies.models import Session, Take, Track, Trial
from studies.protocol.items import Playback

HEARD: Final = 0.9
"""Part of a recording that counts as all of it; the same in js/players/listened.js."""
TOLERANCE_SEC: Final = 0.2  # what a browser's clock and its decoder may leave out


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A part of one track. `end_sec` None: to its end. `duration_sec` None: not known yet. `state`: `filing` while the
    track is being made, `ready`, or `missing` when there is nothing to play."""

    url: str
    status_url: str
    start_sec: float
    end_sec: float | None
    duration_sec: float | None
    state: Literal["filing", "ready", "missing"]


MISSING: Final = Excerpt("", "", 0, None, None, "missing")


def excerpt_of(session: Session, item: Playback, trial: Trial | None, pair: Sequence[Trial]) -> Excerpt:
    """What `item` plays: of the prompt and condition it names, where several trials match first among those of the page
    (`trial`, or those of `pair`); else of the page's own trial, or the first of its pair."""
    near = [trial] if trial is not None else list(pair)
    trials = near
    if item.prompt is not None or item.condition is not None:
        here = [each.pk for each in near]
        everywhere = session.trials.select_related("prompt", "condition").order_by("practice", "position")
        trials = sorted((each for each in everywhere if _is_named(item, each)), key=lambda each: each.pk not in here)
    takes = (each.take for each in trials)
    take = next((take for take in takes if take is not None), None)
    return _part(session, item, take) if take is not None else MISSING


def heard_enough(item: Playback, value: Mapping[str, Any] | None, excerpt: Excerpt) -> bool:
    """Whether somebody may go on: heard to its end, played as often as it may be, or not there to be heard."""
    if not item.must_listen or excerpt.state == "missing":
        return True
    if value is None:
        return False
    if item.max_plays is not None and value["plays"] >= item.max_plays:
        return True
    return excerpt.duration_sec is not None and was_heard(value["listened_sec"], excerpt.duration_sec)


def was_heard(listened_sec: float, duration_sec: float) -> bool:
    return listened_sec >= HEARD * duration_sec - TOLERANCE_SEC


def _is_named(item: Playback, trial: Trial) -> bool:
    return item.prompt in (None, trial.prompt.key) and item.condition in (None, trial.condition.key)


def _part(session: Session, item: Playback, take: Take) -> Excerpt:
    end_sec = None if item.max_duration_sec is None else item.start_sec + item.max_duration_sec
    track: Track | None = take.tracks.filter(kind=item.track).first()
    over = take.state in (Take.State.FINAL, Take.State.FAILED)
    if track is None and over:
        return MISSING
    duration_sec = None
    if track is not None:
        track_sec = track.duration_ms / 1_000
        duration_sec = max(0.0, (track_sec if end_sec is None else min(end_sec, track_sec)) - item.start_sec)
        if duration_sec == 0:  # the talk was over before the excerpt begins
            return MISSING
    return Excerpt(
        url=reverse("participant_track", args=[session.token, take.pk, item.track]),
        status_url=reverse("take_status", args=[session.token, take.pk]),
        start_sec=item.start_sec,
        end_sec=end_sec,
        duration_sec=duration_sec,
        state="ready" if over else "filing",
    )
