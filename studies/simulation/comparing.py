"""Compares the export with what bots did, cell by cell, in all three tables."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from inference.contract.audio import samples_to_ms
from studies.design.arms import arms_for, group_of
from studies.design.plan import PlannedTrial, plan_trials
from studies.design.questions import scenarios_of
from studies.exports.columns import as_cell
from studies.exports.tables import TABLES, write
from studies.models import ProtocolVersion, Session
from studies.protocol.questionnaires import EACH_TRIAL
from studies.protocol.schema import Protocol
from studies.publish import protocol_of
from studies.questions.answer import Answer
from studies.questions.registry import AnyItem
from studies.simulation.diary import Asked, Diary, attention_failed, reasons_to_leave

MEASURED: Final = ("noise_dbfs", "snr_db", "clipped_percent", "round_trip_ms")

Row = Mapping[str, str]


def differences(version: ProtocolVersion, diaries: Sequence[Diary]) -> tuple[list[str], int]:
    """Returns descriptions of the differences between the export of a study and what the bots did, and the number of
    cells compared."""
    tables = {name: _read(version, name) for name in TABLES}
    protocol = protocol_of(version)
    tokens = [diary.token for diary in diaries]
    sessions = {session.token: session for session in Session.objects.filter(token__in=tokens)}
    found = _Found()
    for diary in diaries:
        session = sessions.get(diary.token)
        if session is None:
            found.problems.append(f"bot {diary.bot}: its session is not in the database that this command uses")
            continue
        own = {name: [row for row in rows if row["session"] == str(session.pk)] for name, rows in tables.items()}
        comparison = _Comparison(diary, session, protocol, found)
        comparison.sessions(own["sessions"])
        comparison.trials(own["trials"])
        comparison.answers(own["answers"])
    return found.problems, found.cells


@dataclass(slots=True)
class _Found:
    problems: list[str] = field(default_factory=list)
    cells: int = 0


class _Comparison:
    """Compares the rows of one bot. If it was screened out before giving consent, no answers are expected."""

    def __init__(self, diary: Diary, session: Session, protocol: Protocol, found: _Found) -> None:
        self._diary = diary
        self._session = session
        self._protocol = protocol
        self._found = found
        self._given = diary.answers if diary.consents else {}
        self._scenarios = scenarios_of(protocol)

    def sessions(self, rows: Sequence[Row]) -> None:
        where = f"bot {self._diary.bot}, sessions.csv"
        if self._count(where, rows, 1):
            expected = {**self._visit(), **self._allocated(), **self._checked(), **self._answered_once()}
            self._same(where, rows[0], expected)

    def trials(self, rows: Sequence[Row]) -> None:
        where = f"bot {self._diary.bot}, trials.csv"
        plan = self._plan()
        if not self._count(where, rows, len(plan)):
            return
        for row in rows:
            position = int(row["position"]) - 1
            place = f"{where}, position {position + 1}"
            planned = plan.get(position)
            if planned is None:
                self._found.problems.append(f"{place}: there should be no conversation")
                continue
            self._same(
                place,
                row,
                {
                    **self._planned(planned),
                    **self._talked(position),
                    **self._answered_of_trial(position, planned.pair),
                    **self._judged(planned, plan),
                },
            )

    def answers(self, rows: Sequence[Row]) -> None:
        where = f"bot {self._diary.bot}, answers.csv"
        given = {asked: value for asked, value in self._given.items() if value is not None}
        counted = [row for row in rows if row["counts"] == "true" and row["value"]]
        if not self._count(where, counted, len(given)):
            exported = Counter((row["item"], row["position"], row["pair"]) for row in counted)
            wanted = Counter(map(_place, given))
            for word, places in (("missing", wanted - exported), ("too many", exported - wanted)):
                if places:
                    self._found.problems.append(f"{where}: {word} {', '.join(map(_spelt, sorted(places)))}")
        cells = {(row["item"], row["position"], row["pair"]): row for row in counted}
        for asked, value in given.items():
            row = cells.get(_place(asked))
            if row is not None:
                self._same(
                    f"{where}, {_spelt(_place(asked))}", row, {"value": _long_cell(value), "session_mode": "bot"}
                )

    def _visit(self) -> dict[str, str]:
        reasons = reasons_to_leave(self._protocol, self._diary)
        asked = {purpose.key: self._diary.consents.get(purpose.key) for purpose in self._protocol.consent.purposes}
        several = len(self._protocol.languages) > 1
        return {
            "participant": self._session.participant.code,
            "session_mode": "bot",
            "session_state": "screened" if reasons else "finished",
            "completed": as_cell(not reasons),
            "excluded": "false",
            **({"ended_because": "".join(reasons)} if len(reasons) < 2 else {}),  # Of several, only one is stored.
            **({"language": self._diary.language} if several else {}),
            **{f"consent_{purpose}": as_cell(agreed) for purpose, agreed in asked.items()},
        }

    def _allocated(self) -> dict[str, str]:
        """Returns the stratum and group that follow from the answers, and the session's arm, which must be one that
        they allow."""
        plan = [trial for trial in self._plan().values() if not trial.practice]
        talked = sum(trial.position in self._diary.talks for trial in plan)
        cells = {"trials_planned": as_cell(len(plan)), "trials_talked": as_cell(talked)}
        if self._protocol.kind == "explore" or self._session.planned_at is None:
            return cells
        stratum, arms = arms_for(self._protocol, self._diary.known())
        arm = self._session.arm
        if arm not in arms:
            self._found.problems.append(f"bot {self._diary.bot}: has arm {arm}, which its answers do not lead to")
        return {
            **cells,
            "stratum": stratum,
            "group": group_of(self._protocol, arm) if arm in arms else "",
            "session_arm": as_cell(arm),
        }

    def _checked(self) -> dict[str, str]:
        """Returns the cells of the device check, the headphone screening and the attention checks."""
        device = self._diary.device
        asked, found = self._protocol.device_check.headphones, self._diary.headphones
        passed = max(found) >= asked.pass_at if asked is not None and found else None
        failed = attention_failed(self._protocol, self._diary) if self._diary.consents else 0
        cells: dict[str, Any] = {
            **{f"check_{name}": device.get(name) for name in MEASURED},
            "check_attempts": 1 if device else None,
            "check_microphone": device["microphone"]["verdict"] if device else None,
            "headphones_method": asked.method if asked is not None and found else None,
            "headphones_passed": passed,
            "headphones_skipped": False if found else None,
            "headphones_attempts": len(found) if found else None,
            "headphones_correct": found[-1] if found else None,
            "attention_failed": failed,
        }
        return {column: as_cell(value) for column, value in cells.items()}

    def _answered_once(self) -> dict[str, str]:
        each = {*EACH_TRIAL, "after_pair"}
        return self._cells(lambda at: at not in each, None, None)

    def _answered_of_trial(self, position: int, pair: int | None) -> dict[str, str]:
        return {
            **self._cells(lambda at: at in EACH_TRIAL, position, None),
            **self._cells(lambda at: at == "after_pair", None, pair),
        }

    def _cells(self, is_at: Callable[[str], bool], position: int | None, pair: int | None) -> dict[str, str]:
        """Returns the cells of all items at some moments; empty if the bot was not asked or did not answer."""
        cells: dict[str, str] = {}
        for questionnaire in self._protocol.questionnaires:
            for item in questionnaire.all_items() if is_at(questionnaire.at) else ():
                if item.asks and not item.is_verdict:
                    value = self._given.get(Asked(item.key, position, pair))
                    cells.update(_cells(item.written_out(self._scenarios), value))
        return cells

    def _planned(self, trial: PlannedTrial) -> dict[str, str]:
        prompt, condition = self._protocol.prompt(trial.prompt), self._protocol.condition(trial.condition)
        return {
            "prompt": trial.prompt,
            "prompt_title": as_cell(prompt.title),
            "condition": trial.condition,
            "condition_label": as_cell(condition.label),
            "practice": as_cell(trial.practice),
            "block": str(trial.block + 1),
            "repetition": str(trial.repetition),
            "pair": "" if trial.pair is None else str(trial.pair + 1),
            "side": trial.side,
            "engine": condition.engine,
            "intended": condition.intended or "",
        }

    def _talked(self, position: int) -> dict[str, str]:
        """Returns the cells of a talk, which are empty if the session ended before it."""
        talked = self._diary.talks.get(position)
        if talked is None:
            columns = ("take", "take_state", "take_outcome", "take_end_reason", "duration_ms", "lost_ms")
            return {"takes": "0", **dict.fromkeys(columns, "")}
        return {
            "take": talked.take,
            "takes": "1",
            "take_state": "final",
            "take_outcome": "completed",
            "take_end_reason": talked.reason,
            "duration_ms": as_cell(samples_to_ms(talked.sent_samples)),
            "lost_ms": as_cell(0.0),
        }

    def _judged(self, trial: PlannedTrial, plan: Mapping[int, PlannedTrial]) -> dict[str, str]:
        sides = {other.side: other for other in plan.values() if other.pair == trial.pair and trial.pair is not None}
        pair = trial.pair if trial.pair is not None else -1
        cells = {"listened_sec": as_cell(self._diary.listened_sec.get((pair, trial.side)))}
        for key, item in self._protocol.items().items():
            if item.is_verdict:
                choice = self._diary.answers.get(Asked(key, None, trial.pair)) if trial.pair is not None else None
                chosen = sides.get(choice or "")
                cells[f"judgement_{key}"] = choice or ""
                cells[f"judgement_{key}_condition"] = chosen.condition if chosen is not None else ""
                cells[f"judgement_{key}_chosen"] = as_cell(chosen == trial) if choice else ""
                cells[f"judgement_{key}_shown"] = self._diary.shown.get(pair, "") if choice else ""
        return cells

    def _plan(self) -> dict[int, PlannedTrial]:
        """Returns the plan by position, computed again from arm and seed; in an explore study, the bot's choices."""
        if self._protocol.kind == "explore":
            return {
                position: PlannedTrial(position=position, prompt=prompt, condition=condition)
                for position, (prompt, condition) in self._diary.chosen.items()
            }
        if self._session.planned_at is None:
            return {}
        planned = plan_trials(self._protocol, self._session.arm, self._session.seed)
        return {trial.position: trial for trial in planned}

    def _same(self, where: str, row: Row, expected: Mapping[str, str]) -> None:
        for column, cell in expected.items():
            self._found.cells += 1
            if column not in row:
                self._found.problems.append(f"{where}: there is no column {column}")
            elif not _equal(row[column], cell):
                self._found.problems.append(f"{where}, {column}: is {row[column]!r}, expected {cell!r}")

    def _count(self, where: str, rows: Sequence[Row], expected: int) -> bool:
        if len(rows) != expected:
            self._found.problems.append(f"{where}: {len(rows)} rows, expected {expected}")
        return len(rows) == expected


def _read(version: ProtocolVersion, table: str) -> list[Row]:
    """Exports a table and reads it back."""
    pieces: list[str] = []
    write(version.study, TABLES[table], pieces.append)
    return list(csv.DictReader(io.StringIO("".join(pieces), newline="")))


def _cells(item: AnyItem, value: Answer) -> dict[str, str]:
    """Maps all columns of an item to their cells, which are all empty without an answer."""
    return {f"answer_{item.key}{column.suffix}": as_cell(column.value(value)) for column in item.columns()}


def _long_cell(value: Answer) -> str:
    """Returns the cell of an answer in answers.csv."""
    has_parts = isinstance(value, Mapping | list)
    return as_cell(json.dumps(value, ensure_ascii=False, sort_keys=True) if has_parts else value)


def _place(asked: Asked) -> tuple[str, str, str]:
    """Returns item, position and pair as in a row of answers.csv, where positions and pairs count from 1."""
    position, pair = ("" if number is None else str(number + 1) for number in (asked.position, asked.pair))
    return asked.item, position, pair


def _spelt(place: tuple[str, str, str]) -> str:
    item, position, pair = place
    return item + (f" of conversation {position}" if position else "") + (f" of pair {pair}" if pair else "")


def _equal(cell: str, expected: str) -> bool:
    """Whether two cells have the same text or the same number."""
    if cell == expected:
        return True
    try:
        return bool(cell and expected) and float(cell) == float(expected)
    except ValueError:
        return False
