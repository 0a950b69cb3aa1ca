"""Columns of trials.csv that identify the session of a trial and describe what was planned for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final, Literal

from studies.exports.columns import UTC, Cell, Column
from studies.exports.rows import TrialRow

Value = Callable[[TrialRow], Cell]


def _targets(field: Literal["name", "version", "sha256"], between: str) -> Value:
    """Returns a getter of one field of all target voices of the condition, joined with `between`; None if there are
    none."""
    return lambda row: between.join(str(target[field]) for target in row.trial.condition.targets) or None


def _checked(name: str) -> Value:
    """Returns a getter of one value that the device check measured about delays.

    The browser sent the values, so anything but a number is ignored."""

    def value(row: TrialRow) -> Cell:
        delay = row.session.device.get("delay")
        number = delay.get(name) if isinstance(delay, dict) else None
        return number if isinstance(number, int | float) and not isinstance(number, bool) else None

    return value


PLAN_COLUMNS: Final[tuple[Column[TrialRow], ...]] = (
    Column("study", "text", "Short name of the study, as in its link", lambda row: row.version.study.slug),
    Column(
        "version", "integer", "Number of the protocol version the session is pinned to", lambda row: row.version.number
    ),
    Column("protocol_sha256", "text", "SHA-256 of that protocol", lambda row: row.version.sha256),
    Column("participant", "text", "Pseudonymous code of the participant", lambda row: row.session.participant.code),
    Column("session", "integer", "Number of the session", lambda row: row.session.pk),
    Column(
        "session_state",
        "text",
        "started, finished, declined, screened, full or withdrawn",
        lambda row: row.session.state,
    ),
    Column("session_mode", "text", "live, pilot, preview or bot; only live ones count", lambda row: row.session.mode),
    Column(
        "session_excluded",
        "boolean",
        "Whether the session was excluded from the analysis",
        lambda row: row.session.excluded_at is not None,
    ),
    Column("session_arm", "integer", "Group and row of the counterbalancing together", lambda row: row.session.arm),
    Column("group", "text", "Level between participants; empty without groups", lambda row: row.session.group or None),
    Column(
        "stratum", "text", "Answers that allocation balances within, in order", lambda row: row.session.stratum or None
    ),
    Column("session_seed", "integer", "Seed from which the order was drawn", lambda row: row.session.seed),
    Column("session_started_at", "timestamp", "When the session began", lambda row: row.session.created_at, UTC),
    Column("session_finished_at", "timestamp", "When it was finished", lambda row: row.session.finished_at, UTC),
    Column(
        "consent_third_party",
        "boolean",
        "Whether the participant agrees that the voice is sent to a model run by a third party; empty where not asked",
        lambda row: row.consents.get("third_party"),
    ),
    Column(
        "check_conversion_ms",
        "number",
        "Delay of the voice conversion, as measured at the device check",
        _checked("conversion_ms"),
        "ms",
    ),
    Column(
        "check_round_trip_ms",
        "number",
        "Round trip from the participant's page to the inference worker, as measured at the device check (median)",
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
    Column(
        "practice", "boolean", "Whether the trial is for practice, not for analysis", lambda row: row.trial.practice
    ),
    Column("block", "integer", "Number of the block of trials, from 1", lambda row: row.trial.block + 1),
    Column("repetition", "integer", "How often its cell had come before", lambda row: row.trial.repetition),
    Column("pair", "integer", "Number of the pair, from 1; empty outside pairs", lambda row: row.pair_number),
    Column("side", "text", "Blind label in the comparison: A, B, ...", lambda row: row.trial.side or None),
    Column("prompt", "text", "Key of the prompt", lambda row: row.trial.prompt.key),
    Column("prompt_title", "text", "Title of the prompt", lambda row: row.trial.prompt.title),
    Column("condition", "text", "Key of the condition", lambda row: row.trial.condition.key),
    Column("condition_label", "text", "Name of the condition", lambda row: row.trial.condition.label),
    Column(
        "intended",
        "text",
        "How the participant was asked to speak; empty where not asked",
        lambda row: row.trial.condition.intended or None,
    ),
    Column("engine", "text", "Speech-to-speech engine of the condition", lambda row: row.trial.condition.engine),
    Column("voice", "text", "Voices the engine heard, in the order of the schedule", lambda row: row.trial.voice_label),
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
        "Version of each target voice in the library, as pinned at publication, separated by spaces",
        _targets("version", " "),
    ),
    Column(
        "target_voice_sha256",
        "text",
        "SHA-256 of each target voice's reference recording (FLAC), separated by spaces",
        _targets("sha256", " "),
    ),
)
