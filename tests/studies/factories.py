"""Rows for tests, made as the product makes them, with real small FLAC files."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any

import numpy as np
import soundfile
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.utils import timezone

from inference.contract.audio import SAMPLE_RATE_HZ
from studies.models import (
    Answer,
    ConsentEvent,
    EngineSnapshot,
    InferenceWorker,
    Judgement,
    Metric,
    Participant,
    ProtocolVersion,
    Session,
    Study,
    Take,
    Track,
    Trial,
    Utterance,
    VoiceSnapshot,
)
from studies.protocol.reading.document import parse_yaml
from studies.publish import publish
from studies.researcher.access import researchers_group

PROTOCOL = """
version: 1
kind: paired
title: Voices
summary: Talk twice about the same thing.
welcome: You will talk with a machine.
consent:
  text: Your voice is recorded.
  purposes:
    - {key: participate, label: I take part.}
    - {key: record, label: My voice may be recorded.}
    - {key: convert, label: My voice may be changed.}
match_delay: false
prompts:
  - {key: weekend, title: Your weekend, card: Tell about **your weekend**.}
conditions:
  - key: own
    label: Own voice
    engine: cascade
    voices: [{preset: natural}]
  - key: lower
    label: Lower voice
    engine: cascade
    voices: [{preset: lower}]
pairs:
  - {prompt: weekend, conditions: [own, lower]}
ratings:
  - {type: likert, key: warm, text: "How warm?", low: Cold, high: Warm}
  - {type: text, key: why, text: "Why?"}
  - type: choice
    key: again
    text: Would you talk again?
    options: [{key: gladly, label: Gladly}, {key: never, label: Never}]
comparison:
  - {key: better, text: "Which was better?"}
debrief: Thank you.
"""
"""One prompt under two conditions, with every type of rating."""


def years_ahead() -> date:
    """A day that lies ahead whenever the tests run."""
    return timezone.localdate() + timedelta(days=3_650)


def make_researcher(
    username: str = "rosa", *, permitted: bool = True, superuser: bool = False, password: str | None = None
) -> User:
    """Staff; in the Researchers group only when `permitted`. Without a password (hashing takes long): `force_login`."""
    researcher = User.objects.create_user(username, password=password, is_staff=True, is_superuser=superuser)
    if permitted:
        researcher.groups.add(researchers_group())
    return researcher


def make_study(slug: str = "voices", *, state: str = Study.State.OPEN, protocol: str = PROTOCOL) -> ProtocolVersion:
    """A study with one published version."""
    study = Study.objects.create(
        slug=slug,
        title=f"Study {slug}",
        state=state,
        ethics_reference="EK-2026/17",
        retention_until=years_ahead(),
    )
    return publish(study, parse_yaml(protocol))


def make_session(version: ProtocolVersion, code: str = "P-001", *, state: str = Session.State.STARTED) -> Session:
    """A consented session with one pair of trials: side A in their own voice, side B in the other."""
    participant = Participant.objects.create(study=version.study, code=code)
    session = Session.objects.create(participant=participant, version=version, state=state, arm=1, seed=42)
    for purpose in ConsentEvent.Purpose.values:
        ConsentEvent.objects.create(session=session, purpose=purpose, granted=True, document_sha256="0" * 64)
    prompt = version.prompts.get(key="weekend")
    for position, (key, side) in enumerate((("own", "A"), ("lower", "B"))):
        Trial.objects.create(
            session=session,
            position=position,
            prompt=prompt,
            condition=version.conditions.get(key=key),
            pair=0,
            side=side,
        )
    return session


def make_take(
    trial: Trial,
    *,
    state: str = Take.State.FINAL,
    outcome: str = Take.Outcome.COMPLETED,
    tracks: bool = True,
    duration_sec: float = 1.0,
    counts: Mapping[str, int] | None = None,
    started_at: datetime | None = None,
    audible: Mapping[str, list[list[int]]] | None = None,
) -> Take:
    """The next take of a trial. `tracks`: three FLAC tones, words of both sides, metrics and an events file. `audible`:
    where there is something to hear in them, [first sample, samples]."""
    started = started_at or timezone.now() - timedelta(minutes=1)
    ended = state in {Take.State.ENDED, Take.State.FINAL, Take.State.FAILED}
    take = Take.objects.create(
        trial=trial,
        number=trial.takes.count() + 1,
        state=state,
        outcome=outcome if ended else Take.Outcome.NONE,
        end_reason="participant" if ended else "",
        limit_ms=120_000,
        engine_snapshot=_snapshot(EngineSnapshot, trial.condition.engine),
        device={"sampleRate": 48_000, "echoCancellation": False},
        counts=dict(counts if counts is not None else {"lost_samples": 480, "underruns": 2}),
        started_at=started,
        ended_at=started + timedelta(seconds=duration_sec) if ended else None,
    )
    take.voice_snapshots.add(_snapshot(VoiceSnapshot, "none"))
    if tracks:
        add_tracks(take, duration_sec, audible or {})
        add_utterances(take)
        add_metrics(take)
        add_events(take)
    return take


def add_tracks(
    take: Take, duration_sec: float = 1.0, audible: Mapping[str, list[list[int]]] = MappingProxyType({})
) -> list[Track]:
    """Three tones of different pitch at 24 kHz, as FLAC files in the recordings' storage."""
    consent = take.trial.session.consent(ConsentEvent.Purpose.RECORD)
    assert consent is not None
    samples = round(duration_sec * SAMPLE_RATE_HZ)
    time_sec = np.arange(samples) / SAMPLE_RATE_HZ
    tracks = []
    for kind, frequency_hz in ((Track.Kind.PARTICIPANT, 220), (Track.Kind.HEARD, 180), (Track.Kind.AGENT, 330)):
        tone = 0.3 * np.sin(2 * np.pi * frequency_hz * time_sec)
        data = io.BytesIO()
        soundfile.write(data, tone, SAMPLE_RATE_HZ, format="FLAC", subtype="PCM_16")
        track = Track(
            take=take,
            kind=kind,
            consent=consent,
            sha256=hashlib.sha256(data.getvalue()).hexdigest(),
            sample_rate_hz=SAMPLE_RATE_HZ,
            duration_samples=samples,
            lost_samples=480 if kind == Track.Kind.PARTICIPANT else 0,
            gaps=[[4_800, 480]] if kind == Track.Kind.PARTICIPANT else [],
            audible=audible.get(kind),
        )
        track.file.save(f"{take.pk}/{kind}.flac", ContentFile(data.getvalue()), save=True)
        tracks.append(track)
    return tracks


def add_utterances(take: Take) -> list[Utterance]:
    """A question, a scrubbed answer that a rule began, and a turn that was discarded."""
    rows = [
        Utterance(take=take, role="participant", turn=0, start_ms=100, end_ms=400, text="hello", raw_text="hello"),
        Utterance(
            take=take,
            role="agent",
            turn=0,
            start_ms=500,
            end_ms=900,
            text="hi there",
            raw_text="hi there (ha)",
            by_rule="hi",
        ),
        Utterance(take=take, role="agent", turn=1, text="never heard", raw_text="never heard", discarded=True),
    ]
    return Utterance.objects.bulk_create(rows)


def add_metrics(take: Take, values: Sequence[tuple[str, str, float | None, str]] | None = None) -> list[Metric]:
    """`values`: (track, name, value, unit); a value of None gets a reason."""
    rows = values or [("participant", "f0_median", 121.5, "Hz"), ("agent", "speech_rate", None, "syllables/s")]
    return Metric.objects.bulk_create(
        Metric(
            take=take,
            track=track,
            name=name,
            value=value,
            reason="" if value is not None else "too few words",
            unit=unit,
            method="tests",
            version="1",
        )
        for track, name, value, unit in rows
    )


def add_events(take: Take, events: Sequence[Mapping[str, Any]] | None = None) -> None:
    """The events file, one JSON object a line."""
    rows = events or [
        {"at_ms": 0.0, "type": "connect"},
        {"at_ms": 80.0, "type": "playback", "step": 1, "underruns": 0},
        {"at_ms": 1_000.0, "type": "end", "reason": "participant"},
    ]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    take.events.save(f"{take.pk}/events.jsonl", ContentFile(lines.encode()), save=True)


def make_answer(trial: Trial, item: str, value: Any) -> Answer:
    """The next revision of an answer."""
    revision = trial.answers.filter(item=item).count() + 1
    return Answer.objects.create(session=trial.session, trial=trial, item=item, value=value, revision=revision)


def make_judgement(session: Session, item: str, choice: str, *, order: str = "AB") -> Judgement:
    """A verdict on pair 0; `order` gives the sides as they stood, left to right."""
    trials = {trial.side: trial for trial in session.trials.filter(pair=0)}
    revision = session.judgements.filter(pair=0, item=item).count() + 1
    return Judgement.objects.create(
        session=session,
        pair=0,
        item=item,
        choice=choice,
        chosen=trials.get(choice),
        order_shown=[trials[side].pk for side in order],
        revision=revision,
    )


def make_worker(name: str = "gpu-1", *, seen_ago_sec: float = 0, **fields: Any) -> InferenceWorker:
    """An inference worker of four slots, one of them taken."""
    defaults: dict[str, Any] = {
        "address": "ws://127.0.0.1:8700",
        "engines": {"cascade": {"version": "1"}},
        "converters": ["none", "transform"],
        "slots": 4,
        "free_slots": 3,
        "step_ms_p95": 12.5,
    }
    return InferenceWorker.objects.create(
        name=name, seen_at=timezone.now() - timedelta(seconds=seen_ago_sec), **(defaults | fields)
    )


def _snapshot(model: type[EngineSnapshot] | type[VoiceSnapshot], name: str) -> Any:
    info = {"name": name, "version": "1"}
    sha256 = hashlib.sha256(json.dumps(info).encode()).hexdigest()
    return model.objects.get_or_create(sha256=sha256, defaults={"name": name, "info": info})[0]
