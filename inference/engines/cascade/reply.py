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
from typing import Final

from inference.contract.audio import Float32
from inference.contract.options.cascade import Options
from inference.engines.cascade.clauses import ClauseCutter, Scrubbed, degenerate, scrub
from inference.engines.cascade.hearing.recognition import Recogniser, Recognition, segments
from inference.engines.cascade.hearing.turn_end import TurnEnd
from inference.engines.cascade.hearing.voice.noticing import Noticed
from inference.engines.cascade.language import History, LanguageModel, Message
from inference.engines.cascade.playout import Clause, Synthesiser
from inference.engines.cascade.sharing import Withdrawn
from inference.engines.cascade.telling import reaction, tell

FALLBACK: Final = "Sorry, I did not quite get that. Could you say it in another way?"
TRIES: Final = 2


@dataclass(frozen=True, slots=True)
class Models:
    """The models that all slots share. `threads` runs attempts at answers; withdrawn ones end soon but not at once, so
    there are more threads than slots."""

    turn_end: TurnEnd
    recogniser: Recogniser
    language: LanguageModel
    synthesiser: Synthesiser
    threads: Executor

    def prepare(self, slot: int, messages: list[Message]) -> None:
        """Has the language model read the conversation so far in the background, while no answer is needed."""
        self.threads.submit(self.language.read, slot, messages)

    def close(self) -> None:
        """Waits for running work: a thread left inside llama.cpp would crash the process as it ends."""
        self.threads.shutdown(wait=True, cancel_futures=True)
        for model in (self.turn_end, self.recogniser, self.synthesiser):
            model.close()


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
        options: Options,
        seed: int,
        notice: Callable[[], Noticed] | None = None,
    ) -> None:
        self.completeness: float | None = None
        self.noticed: Noticed | None = None
        self.heard: Heard | None = None
        self.clauses: deque[Clause] = deque()
        self.text = ""  # everything generated, spoken or not
        self.fallback = False
        self.done = False
        self._spoke = False
        self.error: Exception | None = None
        self._withdrawn = Event()
        self._models = models
        self._slot = slot
        self._audio = audio
        self._settled = settled
        self._history = history
        self._options = options
        self._seed = seed + turn * TRIES
        self._notice = notice
        self._judged = Event()
        models.threads.submit(self._judge)
        models.threads.submit(self._run)

    def withdraw(self) -> None:
        """Stops the attempt as soon as the model in use returns."""
        self._withdrawn.set()

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
            if heard.words:
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
        messages = tell(self._history.asking(words), self.noticed)
        opening = reaction(self.noticed, self._options)
        if opening:
            self._say([opening])
            self._spoke = False  # what follows is still to come
            messages.append({"role": "assistant", "content": opening})
        for attempt in range(TRIES):
            self.text = opening
            cutter = ClauseCutter(self._options.max_sentences)
            ill = False

            def on_text(text: str, cutter: ClauseCutter = cutter) -> bool:
                nonlocal ill
                if self._withdrawn.is_set():
                    return True
                separated = self.text != opening or not opening or text[:1].isspace()
                self.text += text if separated else f" {text}"
                ill = not self._say(cutter.feed(text))
                return ill or cutter.full

            ending = self._models.language.stream(self._slot, messages, self._options, self._seed + attempt, on_text)
            if self._withdrawn.is_set():
                raise Withdrawn
            if not ill:
                self._say(cutter.finish(whole=ending.whole))
            if self._spoke:
                return
        self.fallback = True
        self.text = f"{opening} {FALLBACK}".strip()
        self._say([FALLBACK])

    def _say(self, pieces: Sequence[str]) -> bool:
        """Synthesises the pieces. Returns False at the first degenerate one, which is left out with all that follow."""
        for piece in pieces:
            if degenerate(piece):
                return False
            clause = self._models.synthesiser(piece, self._seed, self._withdrawn)
            if clause.words:
                self.clauses.append(clause)
                self._spoke = True
        return True


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
