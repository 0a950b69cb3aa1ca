"""Holds the export against what bots did, cell by cell, in all three tables."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from inference.audio import samples_to_ms
from studies.design.plan import PlannedTrial, plan_trials
from studies.exports.cells import as_cell
from studies.exports.tables import TABLES, write
from studies.models import ProtocolVersion, Session
from studies.protocol.items import EACH_TRIAL, Notice, Preference
from studies.protocol.schema import Protocol
from studies.publish import protocol_of
from studies.simulation.diary import Asked, Diary
from studies.simulation.expecting import cells_of, long_cell

Row = Mapping[str, str]


def differences(version: ProtocolVersion, diaries: Sequence[Diary]) -> tuple[list[str], int]:
    """What in the export of a study is not as the bots did it, in words, and how many cells were looked at."""
    tables = {name: _read(version, name) for name in TABLES}
    protocol = protocol_of(version)
    tokens = [diary.token for diary in diaries]
    sessions = {session.token: session for session in Session.objects.filter(token__in=tokens)}
    found = _Found()
    for diary in diaries:
        session = sessions[diary.token]
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
    """One bot's rows."""

    def __init__(self, diary: Diary, session: Session, protocol: Protocol, found: _Found) -> None:
        self._diary = diary
        self._session = session
        self._protocol = protocol
        self._found = found

    def sessions(self, rows: Sequence[Row]) -> None:
        where = f"bot {self._diary.bot}, sessions.csv"
        if self._count(where, rows, 1):
            self._same(where, rows[0], {**self._visit(), **self._answered_once()})

    def trials(self, rows: Sequence[Row]) -> None:
        where = f"bot {self._diary.bot}, trials.csv"
        plan = self._plan()
        if not self._count(where, rows, len(self._diary.talks)):
            return
        for row in rows:
            position = int(row["position"]) - 1
            place = f"{where}, position {position + 1}"
            if position not in self._diary.talks:
                self._found.problems.append(f"{place}: there was no talk")
                continue
            planned = plan.get(position)
            pair = planned.pair if planned is not None else None
            self._same(
                place,
                row,
                {
                    **(self._planned(planned) if planned is not None else {}),
                    **self._talked(position),
                    **self._answered_of_trial(position, pair),
                    **(self._judged(planned, plan) if planned is not None else {}),
                },
            )

    def answers(self, rows: Sequence[Row]) -> None:
        where = f"bot {self._diary.bot}, answers.csv"
        given = {asked: value for asked, value in self._diary.answers.items() if value is not None}
        counted = [row for row in rows if row["counts"] == "true" and row["value"]]
        if not self._count(where, counted, len(given)):
            exported = Counter((row["item"], row["position"], row["pair"]) for row in counted)
            missing = Counter(_place(asked) for asked in given) - exported
            self._found.problems.append(f"{where}: missing {sorted(missing)}")
        cells = {(row["item"], row["position"], row["pair"]): row for row in counted}
        for asked, value in given.items():
            row = cells.get(_place(asked))
            if row is not None:
                self._same(f"{where}, {asked.item}", row, {"value": long_cell(value), "session_mode": "bot"})

    def _visit(self) -> dict[str, str]:
        consents = {f"consent_{purpose}": as_cell(agreed) for purpose, agreed in self._diary.consents.items()}
        return {
            "participant": self._session.participant.code,
            "session_mode": "bot",
            "session_state": "finished",
            "completed": "true",
            "excluded": "false",
            "ended_because": "",
            **consents,
        }

    def _answered_once(self) -> dict[str, str]:
        each = {*EACH_TRIAL, "after_pair"}
        return self._cells(lambda at: at not in each, None, None)

    def _answered_of_trial(self, position: int, pair: int | None) -> dict[str, str]:
        return {
            **self._cells(lambda at: at in EACH_TRIAL, position, None),
            **self._cells(lambda at: at == "after_pair", None, pair),
        }

    def _cells(self, is_at: Callable[[str], bool], position: int | None, pair: int | None) -> dict[str, str]:
        """Of all items at some moments; empty where this bot was not asked, or did not answer."""
        cells: dict[str, str] = {}
        for questionnaire in self._protocol.questionnaires:
            for item in questionnaire.all_items() if is_at(questionnaire.at) else ():
                if not isinstance(item, Notice | Preference):
                    value = self._diary.answers.get(Asked(item.key, position, pair))
                    cells.update(cells_of(item, value, self._protocol))
        return cells

    def _planned(self, trial: PlannedTrial) -> dict[str, str]:
        return {
            "prompt": trial.prompt,
            "condition": trial.condition,
            "practice": as_cell(trial.practice),
            "block": str(trial.block + 1),
            "repetition": str(trial.repetition),
            "pair": "" if trial.pair is None else str(trial.pair + 1),
            "side": trial.side,
            "engine": self._protocol.condition(trial.condition).engine,
            "intended": self._protocol.condition(trial.condition).intended or "",
        }

    def _talked(self, position: int) -> dict[str, str]:
        talked = self._diary.talks[position]
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
        cells: dict[str, str] = {}
        for key, item in self._protocol.items().items():
            if isinstance(item, Preference):
                choice = self._diary.answers.get(Asked(key, None, trial.pair)) if trial.pair is not None else None
                chosen = sides.get(choice or "")
                cells[f"judgement_{key}"] = choice or ""
                cells[f"judgement_{key}_condition"] = chosen.condition if chosen is not None else ""
                cells[f"judgement_{key}_chosen"] = as_cell(chosen == trial) if choice else ""
        return cells

    def _plan(self) -> dict[int, PlannedTrial]:
        """Made again from arm and seed: the same as was carried out."""
        if self._protocol.kind == "explore":
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
    """A table as it is downloaded, read back."""
    pieces: list[str] = []
    write(version.study, TABLES[table], pieces.append)
    return list(csv.DictReader(io.StringIO("".join(pieces), newline="")))


def _place(asked: Asked) -> tuple[str, str, str]:
    """As a row of answers.csv names it: places and pairs from 1."""
    position, pair = ("" if number is None else str(number + 1) for number in (asked.position, asked.pair))
    return asked.item, position, pair


def _equal(cell: str, expected: str) -> bool:
    """The same text, or the same number however it is written."""
    if cell == expected:
        return True
    try:
        return bool(cell and expected) and float(cell) == float(expected)
    except ValueError:
        return False
