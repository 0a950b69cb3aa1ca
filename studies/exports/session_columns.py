"""All columns of sessions.csv: participant, version, arm, progress, device check, consents, and the answers to
questions that are asked once in a session."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, Final

from studies.exports.columns import UTC, Cell, Column, told_apart
from studies.exports.item_columns import REASONS, item_columns, items_at, missing, protocols_of
from studies.exports.rows import SessionRow, is_erased
from studies.models import ConsentEvent, Session, Study
from studies.protocol.questionnaires import EACH_TRIAL, MOMENTS, Moment
from studies.protocol.schema import Protocol

Value = Callable[[SessionRow], Cell]
ONCE: Final[set[Moment]] = {moment for moment in MOMENTS if moment not in EACH_TRIAL and moment != "after_pair"}


def columns_of(study: Study) -> list[Column[SessionRow]]:
    """Returns SESSION_COLUMNS, then the columns of consents and answers, in a stable order."""
    protocols = protocols_of(study)
    asked = items_at(protocols, ONCE)
    return told_apart(
        [
            *SESSION_COLUMNS,
            *_consents(protocols),
            *(column for item, _protocol in asked.values() for column in item_columns(item, _answer)),
            Column("answers_missing", "text", f"Items without an answer, each with why: {REASONS}", _missing(asked)),
        ]
    )


def _missing(items: Collection[str]) -> Value:
    def told(row: SessionRow) -> Cell:
        return None if is_erased(row.session) else missing(row.session.version, items, ONCE, row.values)

    return told


def _answer(row: SessionRow, item: str) -> Any:
    return row.values.get(item)


def _consents(protocols: Sequence[Protocol]) -> Iterator[Column[SessionRow]]:
    """Yields one column for each purpose of consent that any version asks for."""
    purposes = {purpose.key: purpose.label for protocol in protocols for purpose in protocol.consent.purposes}
    for key, label in purposes.items():
        yield Column(
            f"consent_{key}", "boolean", f"Whether there is consent to “{label}”; empty: not asked", _given(key)
        )


def _given(purpose: str) -> Value:
    def given(row: SessionRow) -> Cell:
        event = row.consents.get(purpose)
        return event.granted if event is not None else None

    return given


def _consent_hash(row: SessionRow) -> Cell:
    event = row.consents.get(ConsentEvent.Purpose.PARTICIPATE)
    return event.document_sha256 if event is not None else None


def _device(*path: str) -> Value:
    """Returns a getter of one value of the browser's report on the device check, at `path`.

    The browser sent the report, so anything but numbers, truth values and short texts is ignored."""

    def reported(row: SessionRow) -> Cell:
        value: Any = row.session.device
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        return value if isinstance(value, int | float | bool) or (isinstance(value, str) and len(value) <= 40) else None

    return reported


def _failed(row: SessionRow) -> Cell:
    failed = row.session.device.get("failed")
    return " ".join(str(name) for name in failed) or None if isinstance(failed, list) else None


def _length(*path: str) -> Value:
    def counted(row: SessionRow) -> Cell:
        value: Any = row.session.device
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        return len(value) if isinstance(value, list) else None

    return counted


def _found(row: SessionRow) -> Cell:
    screening = row.session.device.get("headphones")
    attempts = screening.get("attempts") if isinstance(screening, dict) else None
    return attempts[-1]["correct"] if attempts else None


def _seconds(row: SessionRow) -> Cell:
    started, finished = row.session.created_at, row.session.finished_at
    return round((finished - started).total_seconds(), 1) if finished is not None else None


def _analytical(row: SessionRow) -> Cell:
    return sum(not trial.practice for trial in row.trials)


def _text(name: str) -> Value:
    return lambda row: str(getattr(row.session, name)) or None


SESSION_COLUMNS: Final[tuple[Column[SessionRow], ...]] = (
    Column("study", "text", "Short name of the study, as in its link", lambda row: row.session.study.slug),
    Column(
        "version", "integer", "Number of the protocol version it is pinned to", lambda row: row.session.version.number
    ),
    Column("protocol_sha256", "text", "SHA-256 of that protocol", lambda row: row.session.version.sha256),
    Column("participant", "text", "Pseudonymous code of the participant", lambda row: row.session.participant.code),
    Column("session", "integer", "Number of the session", lambda row: row.session.pk),
    Column("session_mode", "text", "live, pilot, preview or bot; only live ones count", _text("mode")),
    Column("session_state", "text", "started, finished, declined, screened, full or withdrawn", _text("state")),
    Column("completed", "boolean", "Whether it was completed", lambda row: row.session.state == Session.State.FINISHED),
    Column("ended_because", "text", "Which screen-out rule or quota ended the session", _text("ended_because")),
    Column(
        "excluded",
        "boolean",
        "Whether it was excluded from the analysis",
        lambda row: row.session.excluded_at is not None,
    ),
    Column("excluded_because", "text", "Why it was excluded, in the researcher's words", _text("excluded_because")),
    Column("language", "text", "Language of the study in which it was held; empty: the study's own", _text("language")),
    Column("stratum", "text", "Answers that allocation balances within, in order", _text("stratum")),
    Column("group", "text", "Level between participants; empty without groups", _text("group")),
    Column(
        "session_arm",
        "integer",
        "Group and row of the counterbalancing together",
        lambda row: row.session.arm if row.session.planned_at is not None or row.trials else None,
    ),
    Column("session_seed", "integer", "Seed from which orders were drawn", lambda row: row.session.seed),
    Column("session_started_at", "timestamp", "When the session began", lambda row: row.session.created_at, UTC),
    Column("planned_at", "timestamp", "When its trials were planned", lambda row: row.session.planned_at, UTC),
    Column("checked_at", "timestamp", "When the device check was passed", lambda row: row.session.checked_at, UTC),
    Column("session_finished_at", "timestamp", "When it was finished", lambda row: row.session.finished_at, UTC),
    Column(
        "last_seen_at",
        "timestamp",
        "When the participant's browser was last heard from",
        lambda row: row.session.seen_at,
        UTC,
    ),
    Column("duration_sec", "number", "Time from beginning to end, breaks included", _seconds, "s"),
    Column("trials_planned", "integer", "Trials in its plan, without practice", _analytical),
    Column("trials_talked", "integer", "Trials with a completed conversation", lambda row: row.talked),
    Column(
        "attention_failed",
        "integer",
        "Number of attention checks answered wrongly",
        lambda row: len(row.attention_failed),
    ),
    Column(
        "attention_failed_items",
        "text",
        "Which attention checks, separated by spaces",
        lambda row: " ".join(row.attention_failed) or None,
    ),
    Column("consent_sha256", "text", "SHA-256 of the consent text that was shown", _consent_hash),
    Column("check_attempts", "integer", "Number of runs of the device check", _length("attempts")),
    Column("check_failed", "text", "What failed in the last run, separated by spaces", _failed),
    Column("check_noise_dbfs", "number", "Background noise (median level)", _device("noise_dbfs"), "dB full scale"),
    Column("check_snr_db", "number", "Level of the test sentence above the noise", _device("snr_db"), "dB"),
    Column("check_clipped_percent", "number", "Share of its samples at full scale", _device("clipped_percent"), "%"),
    Column("check_round_trip_ms", "number", "Round trip to the server (median)", _device("round_trip_ms"), "ms"),
    Column("check_output", "text", "headphones or loudspeakers, as the participant stated", _device("sound", "output")),
    Column(
        "check_leak_db",
        "number",
        "How much louder the test tones were at the microphone",
        _device("sound", "leak_db"),
        "dB",
    ),
    Column("check_microphone", "text", "Verdict on the microphone's level", _device("microphone", "verdict")),
    Column(
        "check_sample_rate_hz",
        "number",
        "Sample rate of the microphone, as reported by the browser",
        _device("input", "sampleRate"),
        "Hz",
    ),
    Column(
        "check_echo_cancellation",
        "boolean",
        "Setting that the browser actually applied",
        _device("input", "echoCancellation"),
    ),
    Column(
        "check_noise_suppression",
        "boolean",
        "Setting that the browser actually applied",
        _device("input", "noiseSuppression"),
    ),
    Column(
        "check_auto_gain_control",
        "boolean",
        "Setting that the browser actually applied",
        _device("input", "autoGainControl"),
    ),
    Column(
        "headphones_method", "text", "Screening for headphones: huggins or antiphase", _device("headphones", "method")
    ),
    Column(
        "headphones_passed", "boolean", "Whether the headphone screening was passed", _device("headphones", "passed")
    ),
    Column(
        "headphones_skipped", "boolean", "Whether the headphone screening was skipped", _device("headphones", "skipped")
    ),
    Column("headphones_attempts", "integer", "Attempts at the headphone screening", _length("headphones", "attempts")),
    Column("headphones_correct", "integer", "Sounds identified correctly in the last attempt", _found),
)
