"""Every column of trials.csv, once: its name, type, unit, meaning and where it comes from. The codebook follows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from inference.audio import SAMPLE_RATE_HZ
from studies.exports.rows import TrialRow
from studies.models import Metric, Study, Take, Track, Utterance
from studies.talk.needs import sends_to_third_party

Cell = str | int | float | bool | datetime | None
ColumnType = Literal["text", "integer", "number", "boolean", "timestamp"]
BETWEEN_TURNS: Final = " | "


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `value` gives None where there is nothing, which is an empty cell."""

    name: str
    type: ColumnType
    meaning: str
    value: Callable[[TrialRow], Cell]
    unit: str = ""


def columns_of(study: Study) -> list[Column]:
    """COLUMNS, then those that the study's own protocols and measurements bring, in a stable order."""
    documents = list(study.versions.order_by("number").values_list("document", flat=True))
    ratings = {item["key"]: item for document in documents for item in document.get("ratings", ())}
    questions = {item["key"]: item for document in documents for item in document.get("comparison", ())}
    measured = Metric.objects.filter(take__trial__session__version__study=study).order_by()
    metrics: dict[tuple[str, str], tuple[str, list[str]]] = {}
    for track, name, unit, method, version in sorted(
        measured.values_list("track", "name", "unit", "method", "version").distinct()
    ):
        metrics.setdefault((track, name), (unit, []))[1].append(f"{method} (version {version})")
    return [
        *COLUMNS,
        *(_rating(item) for item in ratings.values()),
        *(column for item in questions.values() for column in _judgement(item)),
        *(column for (track, name), about in metrics.items() for column in _metric(track, name, *about)),
    ]


def _answered(item: str) -> Callable[[TrialRow], Cell]:
    def value(row: TrialRow) -> Cell:
        answer = row.answers.get(item)
        return answer.value if answer is not None else None

    return value


def _rating(item: Mapping[str, Any]) -> Column:
    """One rating item of the protocol; the newest revision of the answer counts."""
    key, kind = item["key"], item["type"]
    value = _answered(key)
    if kind == "likert":
        scale = f"1 = {item['low']}, {item.get('points', 7)} = {item['high']}"
        return Column(f"rating_{key}", "integer", f"Answer to “{item['text']}” ({scale})", value)
    if kind == "choice":
        options = ", ".join(f"{option['key']} = {option['label']}" for option in item["options"])
        return Column(f"rating_{key}", "text", f"Answer to “{item['text']}” ({options})", value)
    return Column(f"rating_{key}", "text", f"Answer to “{item['text']}”, in the participant's words", value)


def _judgement(item: Mapping[str, Any]) -> Iterator[Column]:
    """What the participant said of this trial's pair; the same in both rows of the pair."""
    key, text = item["key"], item["text"]

    def choice(row: TrialRow) -> Cell:
        judgement = row.judgements.get(key)
        return judgement.choice if judgement else None

    def condition(row: TrialRow) -> Cell:
        judgement = row.judgements.get(key)
        return judgement.chosen.condition.key if judgement and judgement.chosen else None

    def this(row: TrialRow) -> Cell:
        judgement = row.judgements.get(key)
        return judgement.chosen_id == row.trial.pk if judgement else None

    def shown(row: TrialRow) -> Cell:
        judgement = row.judgements.get(key)
        return "".join(row.sides.get(pk, "?") for pk in judgement.order_shown) if judgement else None

    def at(row: TrialRow) -> Cell:
        judgement = row.judgements.get(key)
        return judgement.at if judgement else None

    name = f"judgement_{key}"
    yield Column(name, "text", f"Verdict on the pair, “{text}”: A, B or none", choice)
    yield Column(f"{name}_condition", "text", f"Key of the condition chosen for “{text}”; empty for none", condition)
    yield Column(f"{name}_chosen", "boolean", f"Whether this trial was the one chosen for “{text}”", this)
    yield Column(f"{name}_shown", "text", "Sides as they stood on the page, from left to right", shown)
    yield Column(f"{name}_at", "timestamp", "When the verdict was given", at, "ISO 8601, UTC")


def _metric(track: str, name: str, unit: str, methods: Sequence[str]) -> Iterator[Column]:
    """A measured value, and beside it the reason where there is none. Several methods: it was measured anew."""
    about = f"{name.replace('_', ' ').capitalize()} of the track “{track}”. {'; '.join(methods)}"

    def value(row: TrialRow) -> Cell:
        metric = row.metrics.get((track, name))
        return metric.value if metric else None

    def reason(row: TrialRow) -> Cell:
        metric = row.metrics.get((track, name))
        return metric.reason if metric else None

    yield Column(f"{track}_{name}", "number", about, value, unit)
    yield Column(f"{track}_{name}_reason", "text", f"Why {track}_{name} has no value", reason)


def _words(role: str, field: Literal["text", "raw_text"]) -> Callable[[TrialRow], Cell]:
    def value(row: TrialRow) -> Cell:
        turns = (getattr(said, field) for said in row.utterances if said.role == role and not said.discarded)
        return BETWEEN_TURNS.join(turns) or None

    return value


def _no_words(role: str) -> Callable[[TrialRow], Cell]:
    return lambda row: row.take.why_no_words(role) or None if row.take is not None else None


def _third_party(row: TrialRow) -> bool | None:
    if row.take is None or row.take.engine_snapshot is None:
        return None
    return sends_to_third_party(row.trial.condition.engine, row.take.engine_snapshot.info)


def _take(getter: Callable[[Take], Cell]) -> Callable[[TrialRow], Cell]:
    return lambda row: getter(row.take) if row.take is not None else None


def _microphone(getter: Callable[[Track], Cell]) -> Callable[[TrialRow], Cell]:
    def value(row: TrialRow) -> Cell:
        track = row.tracks.get(Track.Kind.PARTICIPANT)
        return getter(track) if track is not None else None

    return value


def _counted(name: str, meaning: str) -> Column:
    """One of the counts that are filed with a take."""
    return Column(name, "integer", meaning, _take(lambda take: take.counts.get(name)))


def _counted_ms(name: str) -> Callable[[TrialRow], Cell]:
    """The same for a count of samples at 24 kHz."""

    def value(take: Take) -> float | None:
        samples = take.counts.get(name)
        return None if samples is None else samples * 1_000 / SAMPLE_RATE_HZ

    return _take(value)


def _targets(field: Literal["name", "version", "sha256"], between: str) -> Callable[[TrialRow], Cell]:
    """Of the condition's target voices; None where it has none."""
    return lambda row: between.join(str(target[field]) for target in row.trial.condition.targets) or None


def _checked(name: str) -> Callable[[TrialRow], Cell]:
    """What the device check says of delays. The browser sent it: only numbers are taken."""

    def value(row: TrialRow) -> Cell:
        delay = row.session.device.get("delay")
        number = delay.get(name) if isinstance(delay, dict) else None
        return number if isinstance(number, int | float) and not isinstance(number, bool) else None

    return value


_PARTICIPANT: Final = Utterance.Role.PARTICIPANT
_AGENT: Final = Utterance.Role.AGENT
_UTC: Final = "ISO 8601, UTC"

COLUMNS: Final = (
    Column("study", "text", "Short name of the study, as in its link", lambda row: row.version.study.slug),
    Column(
        "version", "integer", "Number of the protocol version the session is pinned to", lambda row: row.version.number
    ),
    Column("protocol_sha256", "text", "SHA-256 of that protocol", lambda row: row.version.sha256),
    Column("participant", "text", "Pseudonymous code of the participant", lambda row: row.session.participant.code),
    Column("session", "integer", "Number of the session", lambda row: row.session.pk),
    Column("session_state", "text", "started, finished, declined or withdrawn", lambda row: row.session.state),
    Column("session_arm", "integer", "Row of the counterbalancing square", lambda row: row.session.arm),
    Column("session_seed", "integer", "Seed from which the order was drawn", lambda row: row.session.seed),
    Column("session_started_at", "timestamp", "When the session began", lambda row: row.session.created_at, _UTC),
    Column("session_finished_at", "timestamp", "When it was finished", lambda row: row.session.finished_at, _UTC),
    Column(
        "consent_third_party",
        "boolean",
        "Whether the participant agrees that the voice is sent to a model run by somebody else; empty where not asked",
        lambda row: row.consents.get("third_party"),
    ),
    Column(
        "check_conversion_ms",
        "number",
        "How late the change of voice was, as told at the device check",
        _checked("conversion_ms"),
        "ms",
    ),
    Column(
        "check_round_trip_ms",
        "number",
        "Way from the participant's page to the inference worker and back, as the device check measured it (median)",
        _checked("round_trip_ms"),
        "ms",
    ),
    Column(
        "check_heard_self",
        "integer",
        "How often the participants heard themselves in a voice of the study at the device check",
        _checked("heard_self"),
    ),
    Column("trial", "integer", "Number of the trial", lambda row: row.trial.pk),
    Column("position", "integer", "Place in the session, from 1", lambda row: row.trial.position + 1),
    Column("pair", "integer", "Number of the pair, from 1; empty outside pairs", lambda row: row.pair_number),
    Column("side", "text", "Blind label in the comparison: A or B", lambda row: row.trial.side or None),
    Column("prompt", "text", "Key of the prompt", lambda row: row.trial.prompt.key),
    Column("prompt_title", "text", "Title of the prompt", lambda row: row.trial.prompt.title),
    Column("condition", "text", "Key of the condition", lambda row: row.trial.condition.key),
    Column("condition_label", "text", "Name of the condition", lambda row: row.trial.condition.label),
    Column("engine", "text", "Speech-to-speech engine of the condition", lambda row: row.trial.condition.engine),
    Column("voice", "text", "Voice the engine heard, in order of the schedule", lambda row: row.trial.voice_label),
    Column(
        "voice_schedule",
        "text",
        "The same with the converter, the parameters that were set, and the times of each segment, as JSON",
        lambda row: json.dumps(row.trial.voices, ensure_ascii=False, sort_keys=True),
    ),
    Column(
        "voice_delay_matched",
        "boolean",
        "Whether the engine hears the participant equally late under all conditions of the study",
        lambda row: row.trial.condition.latency_samples is not None,
    ),
    Column(
        "target_voice",
        "text",
        "Name of each target voice the participant's was turned into, in order of the schedule",
        _targets("name", " → "),
    ),
    Column(
        "target_voice_version",
        "text",
        "Version of each target voice in the library, as pinned at publication, spaces between",
        _targets("version", " "),
    ),
    Column(
        "target_voice_sha256",
        "text",
        "SHA-256 of each target voice's reference recording (FLAC), spaces between",
        _targets("sha256", " "),
    ),
    Column("takes", "integer", "Attempts at the talk", lambda row: row.takes),
    Column(
        "take",
        "text",
        "Identity of the take that counts: the newest completed one, else the newest",
        _take(lambda take: str(take.pk)),
    ),
    Column("take_number", "integer", "Its number among the attempts, from 1", _take(lambda take: take.number)),
    Column("take_state", "text", "planned, live, ended, final (filed) or failed", _take(lambda take: take.state)),
    Column(
        "take_outcome",
        "text",
        "completed, interrupted or abandoned; empty while it goes on",
        _take(lambda take: take.outcome or None),
    ),
    Column(
        "take_end_reason",
        "text",
        "What ended it: participant, limit, engine_lost, ...",
        _take(lambda take: take.end_reason or None),
    ),
    Column("take_started_at", "timestamp", "When the talk began", _take(lambda take: take.started_at), _UTC),
    Column("take_ended_at", "timestamp", "When it ended", _take(lambda take: take.ended_at), _UTC),
    Column(
        "duration_ms", "number", "Measured length of the recording", _microphone(lambda track: track.duration_ms), "ms"
    ),
    Column(
        "lost_ms",
        "number",
        "Part of the participant's track that was lost and is marked silence",
        _counted_ms("lost_samples"),
        "ms",
    ),
    _counted("underruns", "Times the participant's playback ran dry"),
    _counted("reconnects", "Times the connection broke and was resumed"),
    _counted("engine_reconnects", "Times the connection to the engine broke and was resumed"),
    _counted("engine_moves", "Times the talk moved to another machine with the same engine"),
    _counted("slips", "Times the microphone's clock jumped"),
    _counted("overflow_frames", "Frames of the participant that the engine did not hear, though they are recorded"),
    _counted("skipped_frames", "Frames of the agent that were not sent to a slow browser, though they are recorded"),
    Column(
        "voice_delay_ms",
        "number",
        "How much later than the microphone the engine heard the participant: the change of voice, or the wait for it",
        _counted_ms("voice_delay_samples"),
        "ms",
    ),
    Column(
        "playback_delay_ms",
        "number",
        "How long after its place in the recording the agent sounded at the participant's (median)",
        _counted_ms("playback_delay_samples"),
        "ms",
    ),
    Column(
        "engine_sha256",
        "text",
        "SHA-256 of the engine's snapshot: weights, revisions, parameters",
        _take(lambda take: take.engine_snapshot.sha256 if take.engine_snapshot else None),
    ),
    Column(
        "engine_third_party",
        "boolean",
        "Whether the participant's voice was sent to a model run by somebody else",
        _third_party,
    ),
    Column(
        "voice_sha256",
        "text",
        "SHA-256 of each voice snapshot, spaces between",
        _take(lambda take: " ".join(sorted(voice.sha256 for voice in take.voice_snapshots.all())) or None),
    ),
    Column(
        "participant_words",
        "text",
        "What the participant said, as passed on to the engine; turns between |",
        _words(_PARTICIPANT, "text"),
    ),
    Column("participant_raw_words", "text", "The same as it was recognised", _words(_PARTICIPANT, "raw_text")),
    Column("participant_words_reason", "text", "Why participant_words has no value", _no_words(_PARTICIPANT)),
    Column(
        "agent_words",
        "text",
        "What the agent said, as spoken; turns between |, without discarded ones",
        _words(_AGENT, "text"),
    ),
    Column("agent_raw_words", "text", "The same as it was generated", _words(_AGENT, "raw_text")),
    Column("agent_words_reason", "text", "Why agent_words has no value", _no_words(_AGENT)),
    Column(
        "agent_discarded_turns",
        "integer",
        "Answers of the agent cut off before they sounded",
        lambda row: row.discarded_turns,
    ),
    Column(
        "listened_sec",
        "number",
        "How long the recorded answer was heard before the pair was judged, as the browser counted",
        _answered("listened_sec"),
        "s",
    ),
    Column("rated_at", "timestamp", "When the ratings of the trial were given", lambda row: row.rated_at, _UTC),
)
