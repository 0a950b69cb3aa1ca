"""trials.csv against the database, row by row."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from studies.exports import rows as export_rows
from studies.exports.tables import TABLES, stream
from studies.exports.trial_columns import COLUMNS, columns_of
from studies.models import AccessLog, EngineSnapshot, Export, ProtocolVersion, Session, Take, Trial
from studies.protocol.rules.columns import JUDGED
from tests.studies import factories
from tests.studies.exports.reading import collected, read_table
from tests.studies.unguarded import unguarded

NEW = {"type": "short_text", "key": "new", "text": "New?"}
WHY = {"type": "short_text", "key": "why", "text": "Why so?"}


@pytest.fixture
def rosa(db: None) -> User:
    return factories.make_researcher("rosa")


@pytest.fixture
def version(db: None) -> ProtocolVersion:
    return factories.make_study()


def test_row_equals_the_database(version: ProtocolVersion, rosa: User) -> None:
    session = factories.make_session(version)
    own, lower = session.trials.all()
    started = datetime(2026, 5, 1, 10, 0, tzinfo=UTC)
    counts = {
        "engine_reconnects": 2,
        "engine_moves": 1,
        "underruns": 2,
        "reconnects": 1,
        "slips": 0,
        "lost_samples": 480,
        "playback_delay_samples": 6_000,
        "voice_delay_samples": 1_440,
    }
    session.device = {"delay": {"conversion_ms": 60, "round_trip_ms": 23.5, "heard_self": "=1+1"}}
    session.save()
    take = factories.make_take(own, started_at=started, duration_sec=1.5, counts=counts)
    take.request = {"options": {"temperature": 0.7}, "seed": 0, "text_prompt": "Be kind.", "voice_prompt": ""}
    take.save()
    take.tracks.filter(kind="participant").update(backfilled=[[4_800, 720], [9_600, 480]])
    factories.make_answer(own, "warm", 3)
    factories.make_answer(own, "warm", 6)
    factories.make_answer(own, "why", "=HYPERLINK(1)")
    factories.make_answer(own, "again", "gladly")
    factories.make_answer(own, "listened_sec", 12.5)
    factories.make_answer(own, "no_answer", True)
    judgement = factories.make_judgement(session, "better", "A", order="BA")
    assert take.engine_snapshot is not None

    first, second = read_table(version.study, rosa)

    assert first == {
        "study": "voices",
        "version": "1",
        "protocol_sha256": version.sha256,
        "participant": "P-001",
        "session": str(session.pk),
        "session_mode": "live",
        "session_state": "started",
        "session_excluded": "false",
        "session_arm": "1",
        "group": "",
        "stratum": "",
        "session_seed": "42",
        "session_started_at": session.created_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "session_finished_at": "",
        "consent_third_party": "true",
        "check_conversion_ms": "60",
        "check_round_trip_ms": "23.5",
        "check_heard_self": "",
        "trial": str(own.pk),
        "position": "1",
        "practice": "false",
        "block": "1",
        "repetition": "0",
        "pair": "1",
        "side": "A",
        "prompt": "weekend",
        "prompt_title": "Your weekend",
        "condition": "own",
        "condition_label": "Own voice",
        "intended": "",
        "engine": "cascade",
        "target_voice": "",
        "target_voice_version": "",
        "target_voice_sha256": "",
        "voice": "none (natural)",
        "voice_schedule": '[{"converter": "none", "end_sec": null, "parameters": {}, "preset": "natural", '
        '"start_sec": 0}]',
        "voice_delay_matched": "false",
        "takes": "1",
        "take": str(take.pk),
        "take_number": "1",
        "asked_from": "",
        "take_state": "final",
        "take_outcome": "completed",
        "take_end_reason": "participant",
        "model_options": '{"temperature": 0.7}',
        "model_seed": "0",
        "model_text_prompt": "Be kind.",
        "model_voice_prompt": "",
        "take_started_at": "2026-05-01T10:00:00.000Z",
        "take_ended_at": "2026-05-01T10:00:01.500Z",
        "duration_ms": "1500.0",
        "lost_ms": "20.0",
        "backfilled_ms": "50.0",
        "underruns": "2",
        "reconnects": "1",
        "engine_reconnects": "2",
        "engine_moves": "1",
        "slips": "0",
        "overflow_frames": "",
        "skipped_frames": "",
        "playback_delay_ms": "250.0",
        "voice_delay_ms": "60.0",
        "engine_sha256": take.engine_snapshot.sha256,
        "engine_third_party": "false",
        "voice_sha256": take.voice_snapshots.get().sha256,
        "participant_words": "hello",
        "participant_raw_words": "hello",
        "participant_words_reason": "",
        "participant_noticed": "",
        "participant_noticed_details": "",
        "agent_words": "hi there",
        "agent_raw_words": "hi there (ha)",
        "agent_words_by_rule": "hi",
        "agent_words_reason": "",
        "agent_discarded_turns": "1",
        "listened_sec": "12.5",
        "no_answer": "true",
        "rated_at": "",
        "answer_warm": "6",
        "answer_why": "'=HYPERLINK(1)",
        "answer_again": "gladly",
        "answers_missing": "",
        "judgement_better": "A",
        "judgement_better_condition": "own",
        "judgement_better_chosen": "true",
        "judgement_better_shown": "BA",
        "judgement_better_at": judgement.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "agent_speech_rate": "",
        "agent_speech_rate_reason": "too few words",
        "participant_f0_median": "121.5",
        "participant_f0_median_reason": "",
    }
    assert second["trial"] == str(lower.pk)
    assert second["voice"] == "transform (lower)"
    assert second["take"] == ""
    assert second["answer_warm"] == ""
    assert (second["judgement_better"], second["judgement_better_chosen"]) == ("A", "false")


def test_no_difference_chooses_neither(version: ProtocolVersion, rosa: User) -> None:
    session = factories.make_session(version)
    factories.make_judgement(session, "better", "none")
    rows = read_table(version.study, rosa)
    names = ("judgement_better", "judgement_better_condition", "judgement_better_chosen")
    assert [tuple(row[name] for name in names) for row in rows] == [("none", "", "false")] * 2


def test_newest_completed_take_counts_over_a_later_interrupted_one(version: ProtocolVersion, rosa: User) -> None:
    trial = factories.make_session(version).trials.all()[0]
    factories.make_take(trial, tracks=False)
    counted = factories.make_take(trial, tracks=False)
    factories.make_take(trial, outcome=Take.Outcome.INTERRUPTED, tracks=False)
    row = read_table(version.study, rosa)[0]
    assert (row["takes"], row["take"], row["take_number"]) == ("3", str(counted.pk), "2")


def test_interrupted_take_is_told_when_there_is_no_other(version: ProtocolVersion, rosa: User) -> None:
    trial = factories.make_session(version).trials.all()[0]
    factories.make_take(trial, outcome=Take.Outcome.INTERRUPTED, tracks=False)
    row = read_table(version.study, rosa)[0]
    assert (row["takes"], row["take_outcome"], row["duration_ms"]) == ("1", "interrupted", "")


def test_withdrawn_session_has_no_content(version: ProtocolVersion, rosa: User) -> None:
    session = factories.make_session(version)
    trial = session.trials.all()[0]
    factories.make_take(trial)
    factories.make_answer(trial, "warm", 6)
    factories.make_judgement(session, "better", "A")
    Trial.objects.filter(pk=trial.pk).update(done_at=session.created_at)
    Session.objects.filter(pk=session.pk).update(state=Session.State.WITHDRAWN)
    row = read_table(version.study, rosa)[0]
    names = [column.name for column in COLUMNS]
    plan = names[: names.index("takes")]
    assert row["session_state"] == "withdrawn"
    assert {name: row[name] for name in row if name not in plan} == {
        **dict.fromkeys((name for name in row if name not in plan), ""),
        "takes": "0",
    }


def test_words_that_no_engine_wrote_down_have_their_reason(version: ProtocolVersion, rosa: User) -> None:
    take = factories.make_take(factories.make_session(version).trials.all()[0])
    take.utterances.filter(role="participant").delete()
    row, never_talked = read_table(version.study, rosa)
    reason = "The engine gave no transcript of what the participant said."
    names = ("participant_words", "participant_raw_words", "participant_words_reason", "agent_words_reason")
    assert [row[name] for name in names] == ["", "", reason, ""]
    assert [never_talked[name] for name in names] == ["", "", "", ""]


def test_how_the_participant_sounded_is_told_by_turn(version: ProtocolVersion, rosa: User) -> None:
    take = factories.make_take(factories.make_session(version).trials.all()[0])
    take.utterances.filter(role="participant").delete()
    plain: dict[str, Any] = {"sounded": "", "laughs": 0}
    laughing: dict[str, Any] = {"sounded": "laughing, loud", "laughs": 1}
    for turn, (text, noticed) in enumerate([("hello", plain), ("", laughing), ("bye", None)], 1):
        take.utterances.create(role="participant", turn=turn, text=text, raw_text=text, noticed=noticed)
    row = read_table(version.study, rosa)[0]
    assert row["participant_words"] == "hello | bye"
    assert row["participant_noticed"] == "nothing | laughing, loud | "
    assert json.loads(row["participant_noticed_details"]) == {"1": plain, "2": laughing}


def test_voice_that_went_to_somebody_else_is_told(version: ProtocolVersion, rosa: User) -> None:
    session = factories.make_session(version)
    with unguarded():
        session.consents.filter(purpose="third_party").delete()
    session.consents.create(purpose="third_party", granted=False, document_sha256="0" * 64)
    take = factories.make_take(session.trials.all()[0])
    take.engine_snapshot = EngineSnapshot.objects.create(sha256="1" * 64, name="far", info={"third_party": True})
    take.save()
    with unguarded():
        factories.make_session(version, "P-002").consents.filter(purpose="third_party").delete()
    rows = read_table(version.study, rosa)
    assert [(row["consent_third_party"], row["engine_third_party"]) for row in rows] == [
        ("false", "true"),
        ("false", ""),
        ("", ""),
        ("", ""),
    ]


def test_only_the_study_itself_is_exported(version: ProtocolVersion, rosa: User) -> None:
    factories.make_session(version)
    other = factories.make_session(factories.make_study("other"), "Q-001")
    assert {row["trial"] for row in read_table(version.study, rosa)}.isdisjoint(
        {str(trial.pk) for trial in other.trials.all()}
    )


def test_rows_keep_their_order_over_blocks(version: ProtocolVersion, rosa: User) -> None:
    for number in range(4):
        factories.make_session(version, f"P-{number:03}")
    expected = [str(pk) for pk in Trial.objects.order_by("session_id", "position").values_list("pk", flat=True)]
    blocks = export_rows.blocks_of(export_rows.trials_of(version.study), size=3)
    assert [[str(row.trial.pk) for row in block] for block in blocks] == [expected[:3], expected[3:6], expected[6:]]
    assert [row["trial"] for row in read_table(version.study, rosa)] == expected


def test_number_of_queries_does_not_grow_with_the_rows(version: ProtocolVersion) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            for block in export_rows.blocks_of(export_rows.trials_of(version.study), size=50):
                columns = columns_of(version.study)
                assert all(column.value(row) is not NotImplemented for row in block for column in columns)
        return len(captured)

    for trial in factories.make_session(version, "P-000").trials.all():
        factories.make_take(trial)
    queries()  # a protocol is read once
    few = queries()
    for number in range(1, 6):
        for trial in factories.make_session(version, f"P-{number:03}").trials.all():
            factories.make_take(trial)
    assert queries() == few


def test_study_without_trials_exports_a_header_alone(version: ProtocolVersion, rosa: User) -> None:
    pieces = collected(stream(version.study, TABLES["trials"], rosa))
    assert [piece.decode().split(",")[0] for piece in pieces] == ["study"]


def test_export_is_logged_with_its_rows(version: ProtocolVersion, rosa: User) -> None:
    factories.make_session(version)
    table = read_table(version.study, rosa)
    export = Export.objects.get()
    assert (export.study, export.made_by, export.kind, export.rows) == (version.study, rosa, "trials", len(table))
    logged = AccessLog.objects.get()
    assert (logged.reader, logged.action, logged.target) == ("rosa", "export", "voices/trials.csv")


def test_trials_planned_meanwhile_are_left_out(version: ProtocolVersion, rosa: User) -> None:
    factories.make_session(version)
    pieces = stream(version.study, TABLES["trials"], rosa)
    factories.make_session(version, "P-002")
    lines = b"".join(collected(pieces)).decode().splitlines()
    assert len(lines) == 1 + Export.objects.get().rows


def test_items_of_all_versions_have_columns(version: ProtocolVersion) -> None:
    ProtocolVersion.objects.create(
        study=version.study,
        number=2,
        document={
            **version.document,
            "questionnaires": [
                {"key": "rating", "at": "playback", "items": [NEW, {**NEW, "key": "why", "text": "Why so?"}]}
            ],
        },
        sha256="1" * 64,
    )
    ProtocolVersion.objects.create(study=version.study, number=3, document={"version": 0}, sha256="2" * 64)
    told = {column.name: column.meaning for column in columns_of(version.study) if column.name.startswith("answer_")}
    assert list(told) == ["answer_warm", "answer_why", "answer_again", "answer_new"]
    assert told["answer_why"] == "Answer to “Why so?”, in the participant's words"


def test_column_names_are_unique(version: ProtocolVersion) -> None:
    names = [column.name for column in columns_of(version.study)]
    assert sorted(set(names)) == sorted(names)


def test_columns_of_older_studies_that_collide_are_told_apart(version: ProtocolVersion) -> None:
    """Such a study could be published before it was refused."""
    document = version.document
    (rating,) = [page for page in document["questionnaires"] if page["at"] == "after_trial"]
    scale = {"type": "likert", "key": "kind", "text": "Kind?", "low": "No", "high": "Yes", "reverse": True}
    rating["items"] += [scale, {"type": "short_text", "key": "kind_score", "text": "Score?"}]
    older = ProtocolVersion.objects.create(
        study=version.study, number=2, document=document, sha256="0" * 64, published_at=version.published_at
    )
    names = [column.name for column in columns_of(older.study)]
    assert [name for name in names if name.startswith("answer_kind")] == [
        "answer_kind",
        "answer_kind_score",
        "answer_kind_score_2",
    ]
    assert len(set(names)) == len(names)


def test_columns_of_a_verdict_are_those_that_collisions_are_told_of(version: ProtocolVersion) -> None:
    names = [column.name for column in columns_of(version.study)]
    assert [name for name in names if name.startswith("judgement_better")] == [
        f"judgement_better{end}" for end in JUDGED
    ]
