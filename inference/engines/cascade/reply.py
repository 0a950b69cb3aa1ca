"""One attempt to answer the turn so far, on its own thread. The step thread polls it and never waits.

The attempt starts at the first short pause, before it is known whether the turn is over. If the participant goes on, it
is withdrawn and nothing of it is heard; otherwise its first clause is often ready by the time the turn is yielded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from threading import Event
from time import monotonic
from typing import Final

from inference.contract.audio import SAMPLE_RATE_HZ, Float32
from inference.contract.options.cascade import Options
from inference.engines.cascade.answering import MOST_DRAWS, Drawn, Question, by_rule, choose, stream, streams
from inference.engines.cascade.clauses import Scrubbed, scrub
from inference.engines.cascade.first_words import FirstWords, first_words
from inference.engines.cascade.hearing.recognition import Recogniser, Recognition, segments
from inference.engines.cascade.hearing.turn_end import TurnEnd
from inference.engines.cascade.hearing.voice.noticing import Noticed
from inference.engines.cascade.language import History, LanguageModel
from inference.engines.cascade.playout import Clause, Synthesiser
from inference.engines.cascade.prompt import Message, decides
from inference.engines.cascade.sharing import Withdrawn
from inference.engines.cascade.telling import reaction, tell, told

TOO_SLOW: Final = "I'm sorry, that is taking me too long. Could you say it again?"
FALLBACK: Final = "Sorry, I did not quite get that. Could you say it in another way?"


@dataclass(frozen=True, slots=True)
class Models:
    """The models of one conversation, which other slots use as well. `threads` runs attempts at answers; withdrawn ones
    end soon but not at once, so there are more threads than slots."""

    turn_end: TurnEnd
    recogniser: Recogniser
    language: LanguageModel
    synthesiser: Synthesiser
    threads: Executor

    def prepare(self, slot: int, messages: list[Message]) -> None:
        """Has the language model read the conversation so far in the background, while no answer is needed."""
        self.threads.submit(self.language.read, slot, messages)


@dataclass(frozen=True, slots=True)
class Heard:
    """The participant's recognised turn. `words` is what the language model sees; it is empty when there is nothing to
    answer, for the given `reason`."""

    raw: str
    words: str
    removed: tuple[str, ...]
    score: float
    no_speech_probability: float
    reason: str = ""


class Reply:
    """An attempt at an answer. Its thread writes `heard`, `clauses`, `text` and, last of all, also after an `error`,
    `done`; the step thread reads them. Another thread may write `completeness` and `noticed` at any time; `noticed` is
    known by the time that there is a clause or that the attempt is done.

    `notice` says how the turn sounded; without it the answer is to the words alone."""

    def __init__(
        self,
        models: Models,
        *,
        slot: int,
        turn: int,
        audio: Float32,
        settled: list[Recognition],
        history: History,
        persona: str,
        options: Options,
        seed: int,
        notice: Callable[[], Noticed] | None = None,
    ) -> None:
        self.completeness: float | None = None
        self.noticed: Noticed | None = None
        self.heard: Heard | None = None
        self.clauses: deque[Clause] = deque()
        self.text = ""  # everything that was generated or given by a rule, spoken or not
        self.by_rule = ""  # those words of it that a rule gave and not the model
        self.draws = 0  # how often the model was asked
        self.fallback = False
        self.done = False
        self._unanswered = False
        self.told = ""  # what the model was told of how the participant sounded
        self.reaction = ""  # the words that answered a laugh or a sigh
        self._at_once = ""
        self._spoke = False
        self.error: Exception | None = None
        self._withdrawn = Event()
        self._models = models
        self._slot = slot
        self._audio = audio
        self._settled = settled
        self._history = history
        self._persona = persona
        self._options = options
        self._turn = turn
        self._seed = seed + turn * MOST_DRAWS
        self._notice = notice
        self._judged = Event()
        models.threads.submit(self._judge)
        models.threads.submit(self._run)

    def withdraw(self) -> None:
        """Stops the attempt as soon as the model in use returns."""
        self._withdrawn.set()

    def give_up(self) -> None:
        """Goes without an answer; the turn is still recognised, because it was said."""
        self._unanswered = True
        if self.heard is not None:
            self.withdraw()

    def _judge(self) -> None:
        """Judges the end of the turn and how it sounded, in parallel with recognition."""
        try:
            self.completeness = self._models.turn_end(self._audio, self._withdrawn)
            if self._notice is not None:
                self.noticed = self._notice()
        except Withdrawn:
            pass
        except Exception as error:
            self.error = error
        finally:
            self._judged.set()

    def _run(self) -> None:
        try:
            heard = self._listen()
            if self._notice is not None:
                self._judged.wait()  # its task is never behind this one
            self.heard = heard
            if heard.words and not self._unanswered:
                self._answer(heard.words)
        except Withdrawn:
            pass
        except Exception as error:
            self.error = error
        finally:
            self.done = True

    def _listen(self) -> Heard:
        pieces = segments(self._audio)
        found = self._settled[: len(pieces) - 1]
        for piece in pieces[len(found) :]:
            found.append(self._models.recogniser(piece, self._withdrawn))
        self._settled[:] = found[:-1]  # the next attempt at this turn starts from here
        return understand(found, scrub_laughter=self._options.scrub_laughter)

    def _answer(self, words: str) -> None:
        drawn = by_rule(words)
        if drawn is not None:
            self.by_rule = drawn.text
        else:
            drawn = self._draw(words)
        for piece in drawn.pieces:
            self._say(piece)
        self._write(drawn.text)
        self.draws = drawn.draws
        if not self._spoke:
            self.fallback = True
            self._write(FALLBACK)
            self.by_rule = self.text
            self._say(FALLBACK)

    def _draw(self, words: str) -> Drawn:
        """Says the reaction or the opening, if there is one, and draws what follows. What it returns as pieces has not
        sounded yet."""
        self.told, self.reaction = told(self.noticed), reaction(self.noticed, self._options)
        first = FirstWords(self.reaction)
        if self._options.openings and not self.reaction:
            first = first_words(words, persona=self._persona, turn=self._turn)
        self.by_rule = first.text
        until = monotonic() + self._options.candidates_ms / 1_000
        if first.is_sentence:  # it sounds while the rest is being written
            self._at_once = first.text
            self._write("")
            self._say(first.text)
            until += sum(len(clause.pcm) for clause in self.clauses) / SAMPLE_RATE_HZ
        if self.reaction:
            self._spoke = False  # it is no answer yet
        if first.alone:
            return Drawn("", 0)
        question = Question(
            slot=self._slot,
            messages=tell(self._history.asking(words, first.text), self.noticed),
            said=words,
            begun="" if first.is_sentence else first.text,
            deciding=decides(self._persona),
            seed=self._seed,
        )
        model = self._models.language
        if streams(question, self._options):
            return stream(model, question, self._options, self._write, self._say, self._withdrawn)
        return choose(model, question, self._options, until, self._withdrawn)

    def _write(self, text: str) -> None:
        """Takes what has been generated so far, after what was said at once."""
        self.text = f"{self._at_once} {text}".strip()

    def _say(self, piece: str) -> bool:
        """Synthesises a piece. Returns whether it has words that sound."""
        clause = self._models.synthesiser(piece, self._seed, self._withdrawn)
        if clause.words:
            self.clauses.append(clause)
            self._spoke = True
        return bool(clause.words)


class Apology:
    """What the agent says instead of an answer that takes too long; it reads as a Reply that is done."""

    def __init__(self, clause: Clause, heard: Heard, noticed: Noticed | None) -> None:
        self.completeness: float | None = None
        self.heard: Heard | None = heard
        self.noticed = noticed
        self.told = self.reaction = ""
        self.clauses = deque([clause])
        self.text = self.by_rule = clause.text
        self.draws = 0
        self.fallback = self.done = True
        self.error: Exception | None = None

    def withdraw(self) -> None:
        return


def understand(found: Sequence[Recognition], *, scrub_laughter: bool) -> Heard:
    """Combines a turn's recognised pieces into what is to be answered. Pieces without speech are left out."""
    speech = [piece for piece in found if piece.is_speech]
    raw = " ".join(piece.text for piece in speech or found).strip()
    score = min(piece.score for piece in speech or found)
    no_speech = min(piece.no_speech_probability for piece in found)
    if not speech:
        return Heard(raw, "", (), score, no_speech, reason="no_speech")
    scrubbed = scrub(raw) if scrub_laughter else Scrubbed(raw, ())
    return Heard(
        raw, scrubbed.text, scrubbed.removed, score, no_speech, reason="" if scrubbed.text else "interjections_only"
    )
