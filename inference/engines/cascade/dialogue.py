"""The conversation in one slot: 80 ms of heard audio in, 80 ms of speech and events out, without waiting for a
model."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from threading import Event
from typing import Any, Final

import numpy as np
import soxr

from inference.contract.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ, Float32, samples_to_ms
from inference.contract.options.cascade import Options
from inference.contract.options.cascade_voice import VoiceOptions
from inference.contract.wire import Metadata
from inference.engines.base import SlotConfig, StepOutput
from inference.engines.cascade.hearing.recognition import Recognition
from inference.engines.cascade.hearing.turn import Act, Phase, TurnTaking
from inference.engines.cascade.hearing.vad import RATE_HZ, VAD_FRAME_MS, VAD_FRAME_SAMPLES, Session, VoiceActivity
from inference.engines.cascade.hearing.voice.ear import Ear
from inference.engines.cascade.language import History
from inference.engines.cascade.playout import Playout, Word
from inference.engines.cascade.prompt import opening
from inference.engines.cascade.reply import TOO_SLOW, Apology, Heard, Models, Reply

PRE_ROLL_FRAMES: Final = 10  # VAD frames kept from before the onset, so that soft first sounds are not lost
SLOW_MS: Final = 8_000  # of thinking, after which the participant is told that it takes longer than usual ...
GIVE_UP_MS: Final = 20_000  # ... and after which the agent asks to hear the turn again
LONGEST_TURN_FRAMES: Final = 120_000 // VAD_FRAME_MS  # the beginning of a longer turn is forgotten


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A turn that was given up while its words were not known."""

    reply: Reply
    turn: int
    onset_ms: float
    last_speech_ms: float


class Dialogue:
    """The conversation in one slot. Times in events count from the slot's first frame."""

    def __init__(self, slot: int, config: SlotConfig, options: Options, models: Models, vad: Session) -> None:
        self._slot = slot
        self._seed = config.seed
        self._persona = config.text_prompt
        self._options = options
        self._models = models
        self._history = History(opening(config.text_prompt))
        self._models.prepare(slot, self._history.so_far())
        self._resampler = soxr.ResampleStream(SAMPLE_RATE_HZ, RATE_HZ, 1, dtype="float32", quality="MQ")
        self._voice_activity = VoiceActivity(vad)
        self._ear = Ear(options) if isinstance(options, VoiceOptions) else None
        self._floor = TurnTaking(interruptible=options.barge_in)
        self._playout = Playout()
        self._unheard: Float32 = np.zeros(0, np.float32)  # resampled audio, less than a VAD frame
        self._audio: deque[Float32] = deque(maxlen=LONGEST_TURN_FRAMES)  # the turn so far, in VAD frames
        self._settled: list[Recognition] = []  # recognised first pieces of a long turn
        self._reply: Reply | Apology | None = None
        self._too_slow = models.threads.submit(models.synthesiser, TOO_SLOW, config.seed, Event())
        self._unanswered: list[Unanswered] = []
        self._told_words = self._told_slow = False  # of the turn that is being thought about
        self._committed_ms = 0.0
        self._events: list[Metadata] = []
        self._turn = 0
        self._vad_frames = 0
        self._samples = 0  # start of the current step, at 24 kHz
        self._onset_ms = 0.0
        self._last_speech_ms = 0.0
        self._guesses = 0

    def step(self, frame: Float32) -> StepOutput:
        """Takes and returns float32 [FRAME_SAMPLES], with the step's events. Raises whatever a model raised."""
        self._events = []
        pcm = np.zeros(FRAME_SAMPLES, np.float32)
        faded = self._hear(frame)
        self._look_at_reply()
        self._look_at_unanswered()
        sound, words = self._playout.take(FRAME_SAMPLES, self._samples)
        pcm += sound
        pcm[: len(faded)] += faded
        self._events += [self._words(word) for word in words]
        if self._floor.phase is Phase.SPEAKING and self._playout.empty and self._exhausted:
            self._finish("listening")
        self._samples += FRAME_SAMPLES
        return StepOutput(pcm, tuple(self._events))

    def close(self) -> None:
        """Withdraws the attempt at an answer that is in progress."""
        if self._reply is not None:
            self._reply.withdraw()
            self._reply = None

    def _hear(self, frame: Float32) -> Float32:
        """Takes in the frame and returns the fade-out of an answer that it interrupted, which is usually empty."""
        faded = np.zeros(0, np.float32)
        heard = np.concatenate([self._unheard, self._resampler.resample_chunk(frame)])
        while len(heard) >= VAD_FRAME_SAMPLES:
            vad_frame, heard = heard[:VAD_FRAME_SAMPLES], heard[VAD_FRAME_SAMPLES:]
            self._vad_frames += 1
            self._audio.append(vad_frame)
            act = self._floor.hear(
                self._voice_activity(vad_frame), self._reply.completeness if self._reply is not None else None
            )
            if self._floor.speech_frames:
                self._last_speech_ms = self._now_ms
            if act is Act.INTERRUPT:
                faded = self._interrupt()
            elif act is not None:
                self._follow(act)
            if self._floor.phase in (Phase.IDLE, Phase.SPEAKING):
                while len(self._audio) > PRE_ROLL_FRAMES + self._floor.speech_frames:
                    self._pass_by(self._audio.popleft())
        self._unheard = heard
        return faded

    def _pass_by(self, vad_frame: Float32) -> None:
        """Keeps a frame that belongs to no turn for the ear, unless it may hold the agent's own voice."""
        if self._ear is None:
            return
        if self._floor.phase is Phase.SPEAKING:
            self._ear.forget_before()
        else:
            self._ear.pass_by(vad_frame)

    def _follow(self, act: Act) -> None:
        match act:
            case Act.START:
                self._start_turn()
            case Act.GUESS:
                self._guesses += 1
                self._reply = self._attempt()
            case Act.WITHDRAW:
                self._drop_reply()
            case Act.COMMIT:
                self._told_words = self._told_slow = False
                self._committed_ms = self._now_ms
                self._say_turn(
                    "thinking",
                    pause_ms=self._floor.pause_ms,
                    completeness=self._reply.completeness if self._reply else None,
                    attempts=self._guesses,
                )
            case Act.RETRACT:
                self._drop_reply()
                self._say_turn("discarded", reason="participant_went_on")

    def _start_turn(self) -> None:
        self._turn += 1
        self._guesses = 0
        self._settled = []
        self._onset_ms = self._now_ms - self._floor.speech_frames * VAD_FRAME_MS

    def _attempt(self) -> Reply:
        audio = np.concatenate(self._audio)
        return Reply(
            self._models,
            slot=self._slot,
            turn=self._turn,
            audio=audio,
            settled=self._settled if len(self._audio) < LONGEST_TURN_FRAMES else [],
            history=self._history,
            persona=self._persona,
            options=self._options,
            seed=self._seed,
            notice=self._ear.listen_to(audio) if self._ear is not None else None,
        )

    def _drop_reply(self) -> None:
        if self._reply is not None:
            self._reply.withdraw()
            self._reply = None

    def _interrupt(self) -> Float32:
        faded = self._playout.stop(self._samples)
        self._finish("interrupted", at_ms=self._now_ms)
        self._start_turn()
        return faded

    def _look_at_reply(self) -> None:
        reply = self._reply
        if reply is None or self._floor.phase not in (Phase.THINKING, Phase.SPEAKING):
            return
        if reply.error is not None:
            raise reply.error
        if self._floor.phase is Phase.THINKING:
            if self._exhausted:
                self._discard(reply)
                return
            if not reply.clauses:
                self._wait(reply)
                return
            self._begin(reply)
        while reply.clauses:
            self._playout.add(reply.clauses.popleft())

    def _wait(self, reply: Reply | Apology) -> None:
        """Tells what has been understood, and how long it takes; gives up in the end."""
        if reply.heard is not None and reply.heard.words and not self._told_words:
            self._told_words = True
            self._say_heard(reply.heard)
        waited_ms = self._now_ms - self._committed_ms
        if waited_ms >= SLOW_MS and not self._told_slow:
            self._told_slow = True
            self._say_turn("thinking", slow=True)
        if waited_ms >= GIVE_UP_MS and isinstance(reply, Reply) and self._too_slow.done():
            reply.give_up()
            heard, noticed = reply.heard, reply.noticed
            if heard is None:
                self._unanswered.append(Unanswered(reply, self._turn, self._onset_ms, self._last_speech_ms))
                self._told_words = True
                heard, noticed = Heard("", "", (), 0.0, 0.0), None  # told when it is all known
            self._reply = Apology(self._too_slow.result(), heard, noticed)

    def _look_at_unanswered(self) -> None:
        """Tells what was said in turns that were given up before their words were known."""
        for turn in [each for each in self._unanswered if each.reply.done]:
            self._unanswered.remove(turn)
            if turn.reply.heard is not None and turn.reply.heard.reason != "no_speech":
                self._say_heard(turn.reply.heard, turn)
                self._say_noticed(turn.reply, turn)

    def _discard(self, reply: Reply | Apology) -> None:
        """Discards a turn with nothing to answer: noise, or laughter that was scrubbed."""
        heard = reply.heard
        assert heard is not None
        data: dict[str, Any] = {}
        if heard.reason == "no_speech":
            # what the recogniser made up was not said, so it goes into the event and not into the transcript
            data = {"raw_text": heard.raw, "no_speech_probability": round(heard.no_speech_probability, 3)}
        else:
            self._say_heard(heard)
        if reply.noticed is not None and (reply.noticed.laughs or reply.noticed.sighs):
            self._say_noticed(reply)
        self._say_turn("discarded", reason=heard.reason or "no_answer", **data)
        self._floor.listen()
        self._reply = None
        self._say_turn("listening")

    def _begin(self, reply: Reply | Apology) -> None:
        if reply.heard is not None and not self._told_words:
            self._say_heard(reply.heard)
        self._say_noticed(reply)
        if self._ear is not None and reply.noticed is not None:
            self._ear.remember(reply.noticed)
        self._playout.start_answer()
        self._floor.speak()
        self._say_turn("speaking", waited_ms=round(samples_to_ms(self._samples) - self._last_speech_ms))

    def _finish(self, state: str, **data: Any) -> None:
        """Adds the spoken part of an answer to the history when the answer is over or was interrupted."""
        reply = self._reply
        assert reply is not None
        assert reply.heard is not None
        reply.withdraw()
        spoken = self._playout.spoken
        text = " ".join(word.text for word in spoken)
        self._history.add(reply.heard.words, text)
        self._models.prepare(self._slot, self._history.so_far())
        if spoken:
            self._emit(
                "transcript",
                role="agent",
                text=text,
                raw_text=reply.text.strip(),
                turn=self._turn,
                start_ms=samples_to_ms(spoken[0].start),
                end_ms=samples_to_ms(spoken[-1].end),
                fallback=reply.fallback,
                by_rule=reply.by_rule,
                draws=reply.draws,
                interrupted=state == "interrupted",
            )
        self._reply = None
        self._playout.start_answer()
        self._say_turn(state, **data)
        if state != "interrupted":
            self._floor.listen()

    def _say_heard(self, heard: Heard, turn: Unanswered | None = None) -> None:
        """Tells the words of the current turn, or of an earlier one that was not answered."""
        self._emit(
            "transcript",
            role="participant",
            text=heard.words,
            raw_text=heard.raw,
            turn=turn.turn if turn else self._turn,
            start_ms=turn.onset_ms if turn else self._onset_ms,
            end_ms=turn.last_speech_ms if turn else self._last_speech_ms,
            removed=list(heard.removed),
            score=round(heard.score, 3),
            no_speech_probability=round(heard.no_speech_probability, 3),
        )

    def _say_noticed(self, reply: Reply | Apology, turn: Unanswered | None = None) -> None:
        if reply.noticed is not None:
            self._emit(
                "noticed",
                turn=turn.turn if turn else self._turn,
                **reply.noticed.record(),
                told=reply.told,
                reaction=reply.reaction,
            )

    def _say_turn(self, state: str, **data: Any) -> None:
        self._emit("turn", state=state, turn=self._turn, **data)

    def _words(self, word: Word) -> Metadata:
        return Metadata(
            "words",
            {
                "text": word.text,
                "start_ms": samples_to_ms(word.start),
                "end_ms": samples_to_ms(word.end),
                "turn": self._turn,
            },
        )

    def _emit(self, event: str, **data: Any) -> None:
        self._events.append(Metadata(event, data))

    @property
    def _exhausted(self) -> bool:
        """Whether the attempt is over and all its clauses have been taken."""
        return self._reply is not None and self._reply.done and not self._reply.clauses

    @property
    def _now_ms(self) -> float:
        """When the last VAD frame ended."""
        return float(self._vad_frames * VAD_FRAME_MS)
