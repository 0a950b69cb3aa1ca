"""Which of the answers of a pair is preferred."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping
from string import ascii_uppercase
from typing import Any, ClassVar, Final, Literal

from django.utils.translation import gettext as _

from studies.questions.answer import Answer
from studies.questions.conditions import Answers
from studies.questions.question import Drawn, Fault, Item, Occasion, Study
from studies.questions.reading import read_one_of

NO_DIFFERENCE: Final = "none"


class Preference(Item):
    """Which of the answers that are compared, or no difference; only at `after_pair`."""

    order: ClassVar = 140
    frame: ClassVar = "radiogroup"
    is_verdict: ClassVar = True

    type: Literal["preference"]
    """What kind of item it is."""
    no_difference: bool = True
    """Offers “no difference” as well."""

    def faults(self, study: Study, occasion: Occasion) -> Iterator[Fault]:
        if occasion.scope != "pair":
            where = f"is asked at {occasion.moment}"
            yield Fault(("type",), f"{where}; a preference compares a pair, so it belongs to at: after_pair")

    def possible(self, study: Study) -> Answers:
        most = max((len(conditions) for _prompt, conditions in study.pairs), default=2)
        return Answers(tuple(self._verdicts(ascii_uppercase[:most])))

    def read(self, value: object, sides: Collection[str]) -> Answer:
        """A side such as "A", or "none"."""
        return read_one_of({verdict: verdict for verdict in self._verdicts(sides)}, value)

    def simulate(self, draw: random.Random, sides: Collection[str] = ()) -> Answer:
        return draw.choice(self._verdicts(sides))

    def parts(self, drawn: Drawn) -> Mapping[str, Any]:
        listed = list(drawn.sides.items())
        if self.no_difference:
            listed.insert(1 if len(listed) == 2 else len(listed), (NO_DIFFERENCE, _("No difference")))
        return {"options": drawn.options(listed)}

    def _verdicts(self, sides: Collection[str]) -> list[str]:
        return [*sides, *([NO_DIFFERENCE] if self.no_difference else [])]
