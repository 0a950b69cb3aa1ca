"""Everything that was asked, in each of the tables, cell by cell."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from studies.exports import rows
from studies.exports.session_columns import columns_of
from studies.exports.tables import HEADER, TABLES, codebook_rows, stream, write_codebook
from studies.models import AccessLog, Export, RecruiterIdentity, Session
from studies.participant.leaving.page import withdraw
from studies.protocol.reading.document import parse
from studies.publish import publish
from tests.studies import factories
from tests.studies.exports.reading import collected, read_table
from tests.studies.participant.questionnaires import EVERY_ANSWER, EVERY_ITEM, asking
from tests.studies.participant.visitor import Visitor, open_new_study

pytestmark = pytest.mark.django_db

CELLS = {
    "answer_drink": "other",
    "answer_drink_other": "Water",
    "answer_drinks_tea": "false",
    "answer_drinks_coffee": "true",
    "answer_drinks_milk": "false",
    "answer_drinks_other": "Juice",
    "answer_warm": "5",
    "answer_warm_score": "5",
    "answer_near": "72.5",
    "answer_near_score": "72.5",
    "answer_tone_kind": "4",
    "answer_tone_slow": "1",
    "answer_tone_slow_score": "5",
    "answer_mood": "7",
    "answer_calm": "2",
    "answer_power": "3",
    "answer_age": "34",
    "answer_town": "Uppsala",
    "answer_story": "One line\nand another.",
    "answer_smokes": "true",
    "answer_cigarettes": "2.5",
    "answer_day": "2026-03-01",
}
"""What EVERY_ANSWER is in a table."""


@pytest.fixture
def rosa() -> User:
    return factories.make_researcher("rosa")


def answered(row: dict[str, str]) -> dict[str, str]:
    return {name: cell for name, cell in row.items() if name.startswith("answer_")}


def test_answers_asked_once_stand_in_the_sessions(rosa: User) -> None:
    study = open_new_study(asking(*EVERY_ITEM))
    anna = Visitor().begin().answer("questions/asked/", **EVERY_ANSWER)
    Visitor().begin()
    first, second = read_table(study, rosa, "sessions")
    assert answered(first) == CELLS
    assert answered(second) == dict.fromkeys(CELLS, "")
    assert (first["participant"], first["session_mode"], first["session_state"], first["completed"]) == (
        anna.session.participant.code,
        "live",
        "started",
        "false",
    )


def test_answers_about_a_talk_stand_in_its_trial(rosa: User) -> None:
    study = open_new_study(asking(*EVERY_ITEM, at="after_trial"))
    anna = Visitor().to_talk()
    anna.talk()
    anna.answer(anna.place, **{**EVERY_ANSWER, "warm": "skip", "drink": "tea", "smokes": False})
    first, second = read_table(study, rosa, "trials")
    changed = {"answer_warm": "skip", "answer_warm_score": "", "answer_drink": "tea", "answer_drink_other": ""}
    assert answered(first) == {**CELLS, **changed, "answer_smokes": "false", "answer_cigarettes": ""}
    assert answered(second) == dict.fromkeys(CELLS, "")
    assert (first["rated_at"] != "", second["rated_at"]) == (True, "")


def test_answers_about_a_pair_stand_in_all_of_its_trials(rosa: User) -> None:
    prefer = {"type": "preference", "key": "prefer", "text": "Which?"}
    study = open_new_study(asking(prefer, EVERY_ITEM[9], at="after_pair"))
    anna = Visitor().to_talk()
    for _ in range(2):
        anna.talk()
        anna.rate()
    anna.judge(prefer="B", age="40")
    anna.get("debrief/")
    rows = read_table(study, rosa, "trials")
    assert [(row["answer_age"], row["judgement_prefer"], row["judgement_prefer_chosen"]) for row in rows] == [
        ("40", "B", "true" if row["side"] == "B" else "false") for row in rows
    ]
    assert [row["listened_sec"] for row in sorted(rows, key=lambda row: row["side"])] == ["2.5", "3.0"]
    (session,) = read_table(study, rosa, "sessions")
    counted = ("trials_planned", "trials_talked", "completed", "consent_participate", "consent_convert")
    assert [session[name] for name in counted] == ["2", "2", "true", "true", "true"]
    assert float(session["duration_sec"]) >= 0


def test_every_revision_is_a_row_of_the_answers(rosa: User) -> None:
    switch, amount = EVERY_ITEM[12:14]
    prefer = {"type": "preference", "key": "prefer", "text": "Which?"}
    document = asking(switch, amount)
    verdict = next(each for each in document["questionnaires"] if each["at"] == "after_pair")
    verdict["items"] = [prefer]
    study = open_new_study(document)
    anna = Visitor().begin().answer("questions/asked/", smokes="true", cigarettes="4")
    anna.answer("questions/asked/", smokes="false").agree().check()
    for _ in range(2):
        anna.talk()
        anna.rate()
    anna.answer("compare/0/", prefer="A").judge(prefer="none")
    rows = read_table(study, rosa, "answers")
    told = ("page", "item", "scope", "position", "pair", "value", "revision", "counts")
    assert [tuple(row[name] for name in told) for row in rows] == [
        ("questions:asked", "smokes", "session", "", "", "true", "1", "false"),
        ("questions:asked", "cigarettes", "session", "", "", "4", "1", "false"),
        ("questions:asked", "smokes", "session", "", "", "false", "2", "true"),
        ("questions:asked", "cigarettes", "session", "", "", "", "2", "true"),
        ("questions:rating:0", "helpful", "trial", "1", "", "5", "1", "true"),
        ("questions:rating:1", "helpful", "trial", "2", "", "5", "1", "true"),
        ("compare:::0", "prefer", "pair", "", "1", "A", "1", "false"),
        ("compare:::0", "prefer", "pair", "", "1", "none", "2", "true"),
    ]
    assert {row["text"] for row in rows if row["item"] == "smokes"} == {"Do you smoke?"}
    assert Export.objects.get(kind="answers").rows == len(rows)


def test_parts_of_an_answer_are_json(rosa: User) -> None:
    study = open_new_study(asking(EVERY_ITEM[5], EVERY_ITEM[2]))
    Visitor().begin().answer("questions/asked/", **EVERY_ANSWER)
    rows = {row["item"]: row for row in read_table(study, rosa, "answers")}
    assert json.loads(rows["tone"]["value"]) == {"kind": 4, "slow": 1}
    assert json.loads(rows["tone"]["score"]) == {"kind": 4, "slow": 5}
    assert json.loads(rows["drinks"]["value"]) == ["coffee", {"other": "Juice"}]


def test_attention_checks_are_counted(rosa: User) -> None:
    study = open_new_study(asking({**EVERY_ITEM[3], "expect": 2}, {**EVERY_ITEM[12], "expect": False}))
    Visitor().begin().answer("questions/asked/", warm="5", smokes="false")
    (row,) = read_table(study, rosa, "sessions")
    assert (row["attention_failed"], row["attention_failed_items"]) == ("1", "warm")


@pytest.mark.parametrize(("policy", "kept"), [("erase", False), ("keep", True)])
def test_withdrawn_session_is_told_as_the_study_promised(rosa: User, policy: str, kept: bool) -> None:
    study = open_new_study({**asking(*EVERY_ITEM), "retention": {"on_withdrawal": policy}})
    anna = Visitor().begin().answer("questions/asked/", **EVERY_ANSWER).agree()
    withdraw(anna.session)
    (row,) = read_table(study, rosa, "sessions")
    assert (row["session_state"], row["consent_participate"]) == ("withdrawn", "false")
    assert answered(row) == (CELLS if kept else dict.fromkeys(CELLS, ""))
    assert bool(read_table(study, rosa, "answers")) is kept


def test_no_table_tells_who_somebody_is_to_a_recruiter(rosa: User) -> None:
    study = open_new_study({**asking(*EVERY_ITEM), "recruiter": {"service": "generic", "parameter": "who"}})
    anna = Visitor().begin("?who=SECRET-PERSON").answer("questions/asked/", **EVERY_ANSWER)
    assert RecruiterIdentity.objects.count() == 1
    Session.objects.update(completion_code="SECRET-CODE")
    for table in TABLES.values():
        text = "".join(piece.decode() for piece in collected(stream(study, table, rosa)))
        assert re.search("SECRET", text) is None, table.name
        assert anna.token not in text


def test_number_of_queries_does_not_grow_with_the_sessions(rosa: User) -> None:
    version = factories.make_study()

    def queries(table: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            read_table(version.study, rosa, table)
        return len(captured)

    def add(number: int) -> None:
        session = factories.make_session(version, f"P-{number:03}")
        factories.make_answer(session.trials.all()[0], "warm", 3)
        factories.make_judgement(session, "better", "A")

    add(0)
    queries("sessions")  # a protocol is read once
    few = [queries(table) for table in ("sessions", "answers")]
    for number in range(1, 6):
        add(number)
    assert [queries(table) for table in ("sessions", "answers")] == few


def test_sessions_keep_their_order_over_blocks() -> None:
    version = factories.make_study()
    pks = [factories.make_session(version, f"P-{number}").pk for number in range(4)]
    blocks = rows.session_blocks(rows.sessions_of(version.study), size=3)
    assert [[row.session.pk for row in block] for block in blocks] == [pks[:3], pks[3:]]


def test_codebook_covers_every_column_of_every_table(rosa: User) -> None:
    study = open_new_study(asking(*EVERY_ITEM))
    Visitor().begin().answer("questions/asked/", **EVERY_ANSWER)
    book = codebook_rows(study)
    for name in ("sessions", "answers"):
        assert [column for table, column, *_ in book if table == name] == list(read_table(study, rosa, name)[0])
    assert [row for row in book if not row[-1]] == []
    names = [(table, name) for table, name, *_ in book]
    assert len(set(names)) == len(names)
    written = io.StringIO(newline="")
    write_codebook(written, study)
    written.seek(0)
    assert [tuple(row) for row in csv.reader(written)] == [HEADER, *book]


def test_codebook_speaks_the_studys_own_language() -> None:
    document = asking({**EVERY_ITEM[3], "text": "Hur varmt?", "low": "Kallt", "high": "Varmt"})
    study = open_new_study({**document, "languages": ["sv"]})
    meanings = {column.name: column.meaning for column in columns_of(study)}
    assert meanings["answer_warm"].startswith("Answer to “Hur varmt?” (1 = Kallt, 7 = Varmt")


def test_table_from_the_command_line(tmp_path: Path, rosa: User) -> None:
    study = open_new_study(asking(*EVERY_ITEM))
    Visitor().begin().answer("questions/asked/", **EVERY_ANSWER)
    file = tmp_path / "sessions.csv"
    call_command("export", study.slug, str(file), table="sessions")
    with file.open(encoding="utf-8", newline="") as source:
        assert list(csv.DictReader(source)) == read_table(study, rosa, "sessions")
    out = io.StringIO()
    call_command("export", study.slug, table="answers", stdout=out)
    assert out.getvalue().startswith("study,version,participant")
    assert AccessLog.objects.filter(reader="command line").count() == 2
    with pytest.raises(CommandError, match="there is no study called 'nothing'; there are: voices"):
        call_command("export", "nothing")
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("export", study.slug, str(tmp_path / "no" / "such.csv"))


NASTY = {
    "formula": '=HYPERLINK("http://x","y")',
    "apostrophe": "'=1+1",
    "lines": 'one\ntwo, "three"\n\n;four\tfive',
    "emoji": "👩🏽‍🚀 ok",
    "right-to-left": "שלום\u202eabc",
    "separator": "a\u2028b\u0085c",
    "longest": "ö" * 20_000,
}


@pytest.mark.parametrize("words", NASTY.values(), ids=NASTY)
def test_words_come_out_as_they_were_said(rosa: User, words: str) -> None:
    story = {"type": "long_text", "key": "story", "text": "Tell us, all: =1", "max_length": 20_000}
    study = open_new_study(asking(story))
    anna = Visitor().begin().answer("questions/asked/", story=words)
    kept = anna.session.answers.get(item="story").value
    assert kept == words
    cells = [read_table(study, rosa, "sessions")[0]["answer_story"], read_table(study, rosa, "answers")[0]["value"]]
    guarded = f"'{words}" if words.startswith(("=", "'=")) else words
    assert cells == [guarded, guarded]


def test_options_with_commas_stand_in_columns_of_their_own(rosa: User) -> None:
    options = [{"key": "a", "label": 'Yes, no, "maybe"'}, {"key": "b", "label": "=None"}]
    item = {"type": "multiple_choice", "key": "many", "text": "Which?", "options": options, "other": "More"}
    study = open_new_study(asking(item))
    Visitor().begin().answer("questions/asked/", many=["a", {"other": "x, y"}])
    (row,) = read_table(study, rosa, "sessions")
    assert (row["answer_many_a"], row["answer_many_b"], row["answer_many_other"]) == ("true", "false", "x, y")


def test_answer_that_is_not_there_has_its_reason(rosa: User) -> None:
    town, story, switch, amount = EVERY_ITEM[10:14]
    study = open_new_study(asking(town, story, switch, amount))
    Visitor().begin().answer("questions/asked/", town="Uppsala", smokes="false")
    Visitor().begin().answer("questions/asked/", story="One.", smokes="true", cigarettes="4")
    Visitor().begin()
    newer = {**town, "key": "country"}
    publish(study, parse(asking(town, story, switch, amount, newer)))
    told = [row["answers_missing"] for row in read_table(study, rosa, "sessions")]
    assert told == [
        "story=unanswered cigarettes=hidden country=other_version",
        "town=unanswered country=other_version",
        "town=unanswered story=unanswered smokes=unanswered cigarettes=hidden country=other_version",
    ]


def test_answer_about_a_talk_that_is_not_there_has_its_reason(rosa: User) -> None:
    switch, amount = EVERY_ITEM[12:14]
    document = asking(switch, {**amount, "prompts": ["work"], "show_if": None}, at="after_trial")
    work = {"key": "work", "title": "Work", "card": "Talk about it.", "limit_sec": 30}
    document["prompts"] = [*document["prompts"], work]
    document["pairs"] = [*document["pairs"], {"prompt": "work", "conditions": ["own", "higher"]}]
    study = open_new_study(document)
    anna = Visitor().to_talk()
    anna.talk()
    anna.answer(anna.place, smokes="false", cigarettes="2")
    rows = read_table(study, rosa, "trials")
    reason = {"weekend": "cigarettes=other_talk", "work": "cigarettes=unanswered"}
    assert [row["answers_missing"] for row in rows] == [
        reason["weekend"] if rows[0]["prompt"] == "weekend" else "",
        *(f"smokes=unanswered {reason[row['prompt']]}" for row in rows[1:]),
    ]
