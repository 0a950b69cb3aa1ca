"""Draws the words of an answer: one as it comes, or several one after another, of which the likeliest is taken.

Several are drawn one after another and not in a batch: one thread is limited by arithmetic, so a batch is no faster,
and a prompt that has been read once stays in the slot's cache.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event
from time import monotonic
from typing import Final

from inference.contract.options.cascade import Options
from inference.engines.cascade.choosing import Candidate, likeliest
from inference.engines.cascade.clauses import ClauseCutter, degenerate
from inference.engines.cascade.first_words import asks_for_story
from inference.engines.cascade.health import NO_ADVICE, is_about_illness
from inference.engines.cascade.language import LanguageModel
from inference.engines.cascade.prompt import Message
from inference.engines.cascade.sharing import Withdrawn

TRIES: Final = 2  # draws before the engine says that it has no answer
MOST_DRAWS: Final = 8  # seeds of one turn; the next turn has the following ones


@dataclass(frozen=True, slots=True)
class Question:
    """A turn to be answered. `messages` end with what was `said`, or with the first words of the answer; `begun` are
    those of them that are still to be spoken. `deciding` is whether the persona has something to decide."""

    slot: int
    messages: Sequence[Message]
    said: str
    begun: str
    deciding: bool
    seed: int

    @property
    def wants_story(self) -> bool:
        return asks_for_story(self.said)


@dataclass(frozen=True, slots=True)
class Drawn:
    """An answer. `text` is everything that was generated of it, and `draws` is how often the model was asked. `pieces`
    have not been spoken yet."""

    text: str
    draws: int
    pieces: Sequence[str] = ()


def by_rule(said: str) -> Drawn | None:
    """Returns the answer to a turn that no model may answer; None where one may."""
    return Drawn(" ".join(NO_ADVICE), 0, NO_ADVICE) if is_about_illness(said) else None


def streams(question: Question, options: Options) -> bool:
    """Returns whether an answer is spoken as it comes. A story is: nobody would wait for several of them."""
    return options.candidates == 1 or question.wants_story


def stream(
    model: LanguageModel,
    question: Question,
    options: Options,
    wrote: Callable[[str], None],
    say: Callable[[str], bool],
    withdrawn: Event,
) -> Drawn:
    """Draws an answer and says it piece by piece. `wrote` gets everything that has been generated so far, and `say`
    returns whether a piece sounded. Raises Withdrawn."""
    text, draws, spoke = "", 0, False
    while not spoke and draws < TRIES:

        def speak(piece: str) -> None:
            nonlocal spoke
            spoke = say(piece) or spoke

        text = _draw(model, question, options, question.seed + draws, withdrawn, wrote=wrote, on_piece=speak).text
        draws += 1
    return Drawn(text, draws)


def choose(model: LanguageModel, question: Question, options: Options, until: float, withdrawn: Event) -> Drawn:
    """Draws candidates until there are enough, or the monotonic clock passes `until`, and takes the likeliest.

    Its pieces are empty when no candidate had anything to say. Raises Withdrawn."""
    candidates: list[Candidate] = []
    draws = 0
    while draws < (options.candidates if candidates else max(options.candidates, TRIES)):
        if candidates and monotonic() >= until:
            break
        deadline = until if candidates else None
        found = _draw(model, question, options, question.seed + draws, withdrawn, until=deadline, judged=True)
        draws += 1
        if found.pieces:
            candidates.append(found)
    best = likeliest(candidates, said=question.said, deciding=question.deciding)
    return Drawn(best.text if best else "", draws, best.pieces if best else ())


def _draw(
    model: LanguageModel,
    question: Question,
    options: Options,
    seed: int,
    withdrawn: Event,
    *,
    wrote: Callable[[str], None] = lambda text: None,
    on_piece: Callable[[str], None] = lambda piece: None,
    until: float | None = None,
    judged: bool = False,
) -> Candidate:
    """Draws one answer; it ends before a piece that has degenerated. One that is not there by `until` has no pieces."""
    cutter = ClauseCutter(options.story_sentences if question.wants_story else options.max_sentences)
    text = question.begun
    pieces: list[str] = []
    ill = late = False

    def take(new: Sequence[str]) -> None:
        nonlocal ill
        for piece in new:
            ill = ill or degenerate(piece)
            if ill:
                return
            pieces.append(piece)
            on_piece(piece)

    def on_text(more: str) -> bool:
        nonlocal text, late
        if withdrawn.is_set():
            return True
        text += more
        wrote(text)
        take(cutter.feed(more))
        late = until is not None and monotonic() >= until
        return ill or late or cutter.full

    take(cutter.feed(question.begun))
    ending = model.stream(question.slot, question.messages, options, seed, on_text, judged=judged)
    if withdrawn.is_set():
        raise Withdrawn
    if not ill:
        take(cutter.finish(whole=ending.whole))
    if late and not cutter.full:
        pieces.clear()
    likelihood = ending.likelihood if ending.likelihood is not None else float("-inf")
    return Candidate(tuple(pieces), text.strip(), likelihood, cutter.full or ending.whole, seed)
