"""A recording of the session to listen to."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Annotated, Any, ClassVar, Final, Literal

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from pydantic import Field

from studies.questions.answer import Answer, AnswerCell, AnswerColumn, plain
from studies.questions.fields import Key, Sec
from studies.questions.question import Drawn, Fault, Item, Occasion, Study
from studies.questions.reading import read_number, refuse
from studies.questions.recordings import Excerpt, Recording, was_heard

LONGEST_SEC: Final = 86_400
MOST_PLAYS: Final = 10_000
TO_THE_END_SEC: Final = 3_600.0


class Playback(Item):
    """A recording of this session to listen to: of the conversation or pair that is asked about, or of the `prompt` and
    `condition` named. The answer says how often and how long it was heard."""

    order: ClassVar = 130

    type: Literal["playback"]
    """What kind of item it is."""
    track: Literal["agent", "heard", "participant"] = "agent"
    """The machine's words (agent), the participant as the machine heard them (heard), or the microphone
    (participant)."""
    prompt: Key | None = None
    """Which conversation; needed at moments without a conversation or a pair."""
    condition: Key | None = None
    """Which talk, where the prompt is talked about under several conditions."""
    start_sec: Sec = 0
    """Where the excerpt begins, in the conversation."""
    max_duration_sec: Annotated[float, Field(gt=0, le=1_800)] | None = None
    """How long the excerpt is; to the end when left out."""
    max_plays: Annotated[int, Field(ge=1, le=100)] | None = None
    """How often it may be started."""
    must_listen: bool = True
    """It must be heard to its end before going on."""

    @property
    def recording(self) -> Recording:
        end_sec = None if self.max_duration_sec is None else self.start_sec + self.max_duration_sec
        return Recording(self.track, self.prompt, self.condition, self.start_sec, end_sec)

    def faults(self, study: Study, occasion: Occasion) -> Iterator[Fault]:
        if study.kind == "explore" or occasion.before_first_talk:
            why = "visitors of an explore study talk or not" if study.kind == "explore" else "nobody has talked yet"
            yield Fault(("type",), f"a recording cannot be played at {occasion.moment}: {why}")
            return
        if self.prompt is not None:
            yield from self._prompt_faults(study)
        elif occasion.scope == "visit":
            message = f"is missing: at {occasion.moment} it must be said which talk to play"
            yield Fault(("prompt",), message)
        if self.condition is not None and self.condition not in study.conditions:
            message = f"there is no condition called {self.condition!r}"
            yield Fault(("condition",), message, unknown=self.condition, known=study.conditions)
        is_ambiguous = self.prompt is not None and study.has_several_talks(self.prompt)
        if is_ambiguous and self.condition is None and occasion.scope == "visit":
            message = f"is missing: {self.prompt} is talked about under several conditions"
            yield Fault(("condition",), message)
        if self.prompt is None and self.condition is not None and occasion.scope == "pair":
            yield from self._pair_faults(study, occasion, self.condition)
        if self.prompt is None and self.condition is not None and occasion.scope == "talk":
            message = "belongs to a prompt; name both, or leave both out for this talk"
            yield Fault(("condition",), message)

    def read(self, value: object, sides: Collection[str]) -> Answer:
        """{"plays": how often it was started, "listened_sec": how much of it was heard}."""
        if not isinstance(value, Mapping) or not set(value) <= {"plays", "listened_sec"}:
            refuse()
        plays = read_number(value.get("plays", 0), whole=True)
        listened_sec = read_number(value.get("listened_sec", 0))
        if not (0 <= plays <= MOST_PLAYS and 0 <= listened_sec <= LONGEST_SEC):
            refuse()
        return {"plays": int(plays), "listened_sec": round(listened_sec, 1)} if plays or listened_sec else None

    def check_complete(self, value: Answer, excerpt: Excerpt | None = None) -> None:
        """Somebody may go on who heard it to its end, played it as often as it may be, or finds nothing to hear."""
        if excerpt is not None and self.required and not self._was_heard(value, excerpt):
            raise ValidationError(_("Please listen to this recording to the end."))

    def added_to(self, before: Answer, given: Answer) -> Answer:
        """What was heard before the page was opened again counts too."""
        if not isinstance(given, Mapping):
            return before
        if self.max_plays is not None and float(given["plays"]) > self.max_plays:
            raise ValidationError(_("This recording has already been played as often as allowed."))
        if not isinstance(before, Mapping):
            return given
        return {name: max(number, before[name], key=float) for name, number in given.items()}

    def columns(self) -> Iterator[AnswerColumn]:
        heard = f"of the recording under “{self.text}” ({self.track}), as the browser counted"
        yield AnswerColumn("_plays", "integer", f"Number of plays {heard}", _part("plays"))
        yield AnswerColumn("_listened_sec", "number", f"Part that was heard {heard}", _part("listened_sec"), "s")

    def simulate(self, draw: random.Random, sides: Collection[str] = ()) -> Answer:
        return {"plays": 1, "listened_sec": TO_THE_END_SEC}

    def parts(self, drawn: Drawn) -> Mapping[str, Any]:
        given = drawn.value if isinstance(drawn.value, Mapping) else {}
        return {"plays": int(given.get("plays", 0)), "listened_sec": float(given.get("listened_sec", 0))}

    def _was_heard(self, value: Answer, excerpt: Excerpt) -> bool:
        if not self.must_listen or excerpt.state == "missing":
            return True
        if not isinstance(value, Mapping):
            return False
        if self.max_plays is not None and float(value["plays"]) >= self.max_plays:
            return True
        return excerpt.duration_sec is not None and was_heard(float(value["listened_sec"]), excerpt.duration_sec)

    def _prompt_faults(self, study: Study) -> Iterator[Fault]:
        limit_sec = study.limits_sec.get(str(self.prompt))
        if limit_sec is None:
            message = f"there is no prompt called {self.prompt!r}"
            yield Fault(("prompt",), message, unknown=str(self.prompt), known=study.limits_sec)
        elif self.start_sec >= limit_sec:
            message = f"is {self.start_sec:g}, but talks about it last at most {limit_sec} s"
            yield Fault(("start_sec",), message)

    def _pair_faults(self, study: Study, occasion: Occasion, condition: str) -> Iterator[Fault]:
        """Pairs that are asked about, of which no conversation is held under the condition that is to be played."""
        for index, (prompt, conditions) in enumerate(study.pairs):
            if all(prompt in named for named in occasion.prompts) and condition not in conditions:
                message = f"{condition} is none of those of pairs[{index}]; name one that every pair asked about has"
                yield Fault(("condition",), message)
                return


def _part(name: str) -> Callable[[Answer], AnswerCell]:
    return lambda value: plain(value.get(name)) if isinstance(value, Mapping) else None
