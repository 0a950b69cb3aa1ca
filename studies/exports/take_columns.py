"""Columns of trials.csv that describe the take that counts: its technical course and what was said in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Final, Literal

from inference.contract.audio import SAMPLE_RATE_HZ
from studies.exports.columns import UTC, Cell, Column
from studies.exports.rows import TrialRow
from studies.models import Take, Track, Utterance
from studies.talk.workers.needs import sends_to_third_party

Value = Callable[[TrialRow], Cell]
BETWEEN_TURNS: Final = " | "
NOTHING: Final = "nothing"


def _words(role: str, field: Literal["text", "raw_text"]) -> Value:
    def value(row: TrialRow) -> Cell:
        turns = (getattr(said, field) for said in _spoken(row, role) if said.text or said.raw_text)
        return BETWEEN_TURNS.join(turns) or None

    return value


def _words_by_rule(row: TrialRow) -> Cell:
    turns = [said.by_rule for said in _spoken(row, _AGENT) if said.text or said.raw_text]
    return BETWEEN_TURNS.join(turns) if any(turns) else None


def _spoken(row: TrialRow, role: str) -> Iterator[Utterance]:
    return (said for said in row.utterances if said.role == role and not said.discarded)


def _noticed(row: TrialRow) -> Cell:
    """Returns a part for each of the participant's turns; None if no turn was listened to in that way."""
    turns = [said.noticed for said in _spoken(row, _PARTICIPANT)]
    if not any(turn is not None for turn in turns):
        return None
    return BETWEEN_TURNS.join("" if turn is None else turn.get("sounded") or NOTHING for turn in turns)


def _noticed_details(row: TrialRow) -> Cell:
    turns = {str(said.turn): said.noticed for said in _spoken(row, _PARTICIPANT) if said.noticed is not None}
    return json.dumps(turns, ensure_ascii=False, sort_keys=True) if turns else None


def _no_words(role: str) -> Value:
    return lambda row: row.take.why_no_words(role) or None if row.take is not None else None


def _third_party(row: TrialRow) -> bool | None:
    if row.take is None or row.take.engine_snapshot is None:
        return None
    return sends_to_third_party(row.trial.condition.engine, row.take.engine_snapshot.info)


def _take(getter: Callable[[Take], Cell]) -> Value:
    return lambda row: getter(row.take) if row.take is not None else None


def _asked(name: str) -> Value:
    """Returns a getter of one field of the request that the engine was given."""

    def value(take: Take) -> Cell:
        asked: Cell = take.request.get(name)
        return None if asked == "" else asked

    return _take(value)


def _options(row: TrialRow) -> Cell:
    options = row.take.request.get("options") if row.take is not None else None
    return json.dumps(options, ensure_ascii=False, sort_keys=True) if options else None


def _microphone(getter: Callable[[Track], Cell]) -> Value:
    def value(row: TrialRow) -> Cell:
        track = row.tracks.get(Track.Kind.PARTICIPANT)
        return getter(track) if track is not None else None

    return value


def _counted(name: str, meaning: str) -> Column[TrialRow]:
    """Returns the column of one of the counts that are filed with a take."""
    return Column(name, "integer", meaning, _take(lambda take: take.counts.get(name)))


def _counted_ms(name: str) -> Value:
    """Returns a getter that converts a count of samples at 24 kHz into milliseconds."""

    def value(take: Take) -> float | None:
        samples = take.counts.get(name)
        return None if samples is None else samples * 1_000 / SAMPLE_RATE_HZ

    return _take(value)


_PARTICIPANT: Final = Utterance.Role.PARTICIPANT
_AGENT: Final = Utterance.Role.AGENT

TAKE_COLUMNS: Final[tuple[Column[TrialRow], ...]] = (
    Column("takes", "integer", "Attempts at the conversation", lambda row: row.takes),
    Column(
        "take",
        "text",
        "ID of the take that counts: the newest completed one, else the newest",
        _take(lambda take: str(take.pk)),
    ),
    Column("take_number", "integer", "Its number among the attempts, from 1", _take(lambda take: take.number)),
    Column(
        "asked_from",
        "text",
        "Identity of the take whose recorded question was asked again in this one, in the voice of this trial; empty "
        "where the participant spoke",
        _take(lambda take: str(take.asked_from_id) if take.asked_from_id else None),
    ),
    Column("take_state", "text", "planned, live, ended, final (filed) or failed", _take(lambda take: take.state)),
    Column(
        "take_outcome",
        "text",
        "completed, interrupted or abandoned; empty while it is in progress",
        _take(lambda take: take.outcome or None),
    ),
    Column(
        "take_end_reason",
        "text",
        "What ended it: participant, limit, engine_lost, ...",
        _take(lambda take: take.end_reason or None),
    ),
    Column("model_options", "text", "Sampling options given to the engine, as JSON", _options),
    Column("model_seed", "integer", "Seed given to the engine", _asked("seed")),
    Column("model_text_prompt", "text", "Text prompt given to the engine", _asked("text_prompt")),
    Column("model_voice_prompt", "text", "Voice prompt given to the engine", _asked("voice_prompt")),
    Column("take_started_at", "timestamp", "When the conversation began", _take(lambda take: take.started_at), UTC),
    Column("take_ended_at", "timestamp", "When the conversation ended", _take(lambda take: take.ended_at), UTC),
    Column(
        "duration_ms", "number", "Measured length of the recording", _microphone(lambda track: track.duration_ms), "ms"
    ),
    Column(
        "lost_ms",
        "number",
        "Part of the participant's track that was lost and is marked as silence",
        _counted_ms("lost_samples"),
        "ms",
    ),
    Column(
        "backfilled_ms",
        "number",
        "Part of the participant's track that the browser kept while the connection was away, and sent later",
        _microphone(lambda track: sum(samples for _, samples in track.backfilled) * 1_000 / track.sample_rate_hz),
        "ms",
    ),
    _counted("underruns", "Times the participant's playback ran dry"),
    _counted("reconnects", "Times the connection broke and was resumed"),
    _counted("engine_reconnects", "Times the connection to the engine broke and was resumed"),
    _counted("engine_moves", "Times the conversation moved to another inference worker with the same engine"),
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
        "How long after its place in the recording the agent was heard by the participant (median)",
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
        "Whether the participant's voice was sent to a model run by a third party",
        _third_party,
    ),
    Column(
        "voice_sha256",
        "text",
        "SHA-256 of each voice snapshot, separated by spaces",
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
        "participant_noticed",
        "text",
        "How the participant sounded, as the machine was told; turns between |, “nothing” where nothing stood out, "
        "empty for machines that are told nothing of it",
        _noticed,
    ),
    Column(
        "participant_noticed_details",
        "text",
        "By turn, as JSON: laughs and sighs, features in the units of the engine's snapshot, differences from earlier "
        "turns or why there was no comparison, what the model was told, and a reaction that opened the answer",
        _noticed_details,
    ),
    Column(
        "agent_words",
        "text",
        "What the agent said, as spoken; turns between |, without discarded ones",
        _words(_AGENT, "text"),
    ),
    Column("agent_raw_words", "text", "The same as it was generated", _words(_AGENT, "raw_text")),
    Column(
        "agent_words_by_rule",
        "text",
        "Those of its words that a rule of the engine gave and not its model, such as an opening; nothing between two "
        "bars for a turn without any",
        _words_by_rule,
    ),
    Column("agent_words_reason", "text", "Why agent_words has no value", _no_words(_AGENT)),
    Column(
        "agent_discarded_turns",
        "integer",
        "Answers of the agent that were cut off before they played",
        lambda row: row.discarded_turns,
    ),
)
