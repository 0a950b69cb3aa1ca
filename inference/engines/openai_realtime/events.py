"""Interprets the server's events: who has the floor, what is said, and what the server must be told."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import count
from typing import Any, Final

from inference.contract.audio import samples_to_ms
from inference.contract.wire import Metadata
from inference.engines.openai_realtime.answer import Answer, Item, Participant, Word
from inference.engines.openai_realtime.dialects import FINAL_NAMES, Codec, Dialect, Unsupported
from inference.engines.openai_realtime.fields import Broken, is_harmless, object_of, plain_words, text_of
from inference.engines.remote.playout import Playout

MAX_BAD_DELTAS: Final = 10

Command = dict[str, Any]


class EventReader:
    """The events of one conversation. `handle` takes the server's events and returns those to send; it uses no network.

    `cancels` says that the server does not stop an answer by itself when the participant speaks, so it is told to."""

    def __init__(self, playout: Playout, dialect: Dialect, codec: Codec, *, barge_in: bool, cancels: bool) -> None:
        self.participant = Participant(playout)
        self._playout = playout
        self._dialect = dialect
        self._codec = codec
        self._barge_in = barge_in
        self._cancels = cancels
        self._turn = 0
        self._answered_turn = 0
        self._current: Answer | None = None
        self._answers: dict[str, Answer] = {}  # answers that are not over, by response
        self._gone: set[str] = set()  # responses and items whose further events are ignored
        self._muted = False  # the same for events that do not say what they belong to
        self._numbers = count(1)
        self._commands: set[str] = set()  # event ids of the commands sent
        self._bad_deltas = 0

    def handle(self, event: Mapping[str, Any]) -> list[Command]:
        """Handles one event and returns the commands to send. Raises Broken."""
        self._let_go_of_the_over()
        match _kind(event):
            case "error":
                self._complain(event)
            case "session.updated":
                self._agree(object_of(event, "session"))
            case "input_audio_buffer.speech_started":
                return self._starts(event)
            case "input_audio_buffer.speech_stopped":
                self.participant.stops(event, self._turn)
            case "conversation.item.input_audio_transcription.completed":
                self.participant.said(event, self._turn)
            case "conversation.item.input_audio_transcription.delta" if self._dialect.timed_text:
                self.participant.says(event)
            case "unmute.interrupted_by_vad":
                return self._interrupt()
            case "response.created":
                self._muted = False
                self._begin(text_of(object_of(event, "response"), "id"))
            case "response.output_audio.delta":
                self._speak(event)
            case "response.output_audio.done":
                self._sound_done(event)
            case "response.output_audio_transcript.delta":
                self._write(event)
            case "response.text.delta" if self._dialect.timed_text:
                self._write(event)
            case "response.output_audio_transcript.done":
                self._text_done(event)
            case "response.done":
                return self._done(object_of(event, "response"))
        return []

    def _starts(self, event: Mapping[str, Any]) -> list[Command]:
        commands = self._interrupt() if self._barge_in else []
        self._turn += 1
        self.participant.starts(event, self._turn)
        return commands

    def _agree(self, session: Mapping[str, Any]) -> None:
        """Follows a change of the session. Raises Broken if its sound would no longer be what was agreed."""
        try:
            self._cancels = not self._dialect.agreed(session).interrupts
        except Unsupported as error:
            raise Broken(f"it changed the session: {error}") from None

    def _let_go_of_the_over(self) -> None:
        for answer in [answer for answer in self._answers.values() if answer.over]:
            del self._answers[answer.id]
            self._gone |= {answer.id, *answer.items}

    def _begin(self, name: str) -> Answer:
        self.participant.answered(self._turn)
        if self._answered_turn == self._turn:
            self._turn += 1  # the server speaks again although the participant has not
        self._answered_turn = self._turn
        name = name or f"response {next(self._numbers)}"
        answer = self._current = self._answers[name] = Answer(name, self._turn)
        return answer

    def _find(self, event: Mapping[str, Any]) -> tuple[Answer, Item] | None:
        """Returns what the event belongs to, or None if that is no longer wanted."""
        response, name = text_of(event, "response_id"), text_of(event, "item_id")
        if {response, name} & self._gone or (self._muted and not response):
            return None
        answer = (self._answers.get(response) if response else self._current) or self._begin(response)
        name = name or f"item of {answer.id}"
        index = event.get("content_index")
        return answer, answer.items.setdefault(name, Item(name, index if isinstance(index, int) else 0))

    def _speak(self, event: Mapping[str, Any]) -> None:
        found = self._find(event)
        if found is None and not self._codec.one_stream:
            return
        try:
            pcm = self._codec.decode(text_of(event, "delta"))
        except ValueError:
            self._bad_deltas += 1
            if self._bad_deltas == MAX_BAD_DELTAS:
                raise Broken("it sends sound that cannot be decoded") from None
            return
        if found is None or not len(pcm):
            return
        answer, item = found
        if not answer.received:
            self._playout.mark(item.id, 0, partial(_sounds, answer))
        item.hear(pcm)
        self._playout.add(pcm, item.id)

    def _write(self, event: Mapping[str, Any]) -> None:
        timed = self._dialect.timed_text
        if found := self._find(event):
            answer, item = found
            item.write(text_of(event, "delta"), timed=timed)
            if timed:  # a word ends where the next one begins
                self._set_words(answer, item, item.words()[:-1])

    def _sound_done(self, event: Mapping[str, Any]) -> None:
        if not (found := self._find(event)):
            return
        answer, item = found
        self._codec.finish()
        self._playout.complete()
        item.sound_done = True
        self._set_words_of_all(answer, item)
        if not self._dialect.response_done:
            self._end(answer)

    def _text_done(self, event: Mapping[str, Any]) -> None:
        if not (found := self._find(event)):
            return
        answer, item = found
        if text := text_of(event, "transcript"):
            item.text = ""
            item.write(text, timed=False)
        item.text_done = True
        self._set_words_of_all(answer, item)

    def _done(self, response: Mapping[str, Any]) -> list[Command]:
        name = text_of(response, "id") or (self._current.id if self._current else "")
        details = object_of(response, "status_details")
        if name in self._gone:
            return []
        match response.get("status"):
            case "failed":
                raise Broken(plain_words(object_of(details, "error")))
            case "cancelled":  # by the server, before it reports who spoke
                return self._interrupt()
            case status:
                if answer := self._answers.get(name):
                    answer.incomplete = (text_of(details, "reason") or "unknown")[:40] if status == "incomplete" else ""
                    self._end(answer)
        return []

    def _end(self, answer: Answer) -> None:
        """Completes an answer that has been received; it is over when it has been said."""
        answer.done = True
        self._current = None
        for item in answer.items.values():
            item.sound_done = item.text_done = True
            self._set_words_of_all(answer, item)
        sounding = [item for item in answer.items.values() if item.received]
        if not sounding:
            answer.over = True
            self._tell("turn", state="discarded", turn=answer.turn, reason=answer.incomplete or "no_answer")
            self._tell("turn", state="listening", turn=answer.turn)
            return
        last, text = sounding[-1], answer.text
        if text:
            end = partial(_transcript, answer, text, interrupted=False)
            self._playout.mark(last.id, last.received - 1, end)
        self._playout.mark(last.id, last.received - 1, partial(_falls_silent, answer))
        self._playout.complete()

    def _interrupt(self) -> list[Command]:
        """Gives the floor to the participant: stops the playout and tells the server how much was played."""
        self._playout.stop()
        interrupted = [answer for answer in self._answers.values() if not answer.over]
        commands = []
        for answer in interrupted:
            if not answer.done and self._cancels:
                commands.append(self._command("response.cancel", response_id=answer.id))
            for item in answer.items.values():
                taken = self._playout.taken(item.id)
                if item.received and (taken < item.received or not item.sound_done):
                    place = {"item_id": item.id, "content_index": item.content_index}
                    commands.append(
                        self._command("conversation.item.truncate", **place, audio_end_ms=int(samples_to_ms(taken)))
                    )
            self._tell_interrupted(answer)
            self._gone |= {answer.id, *answer.items}
            self._muted = True
        if interrupted and not self._codec.one_stream:
            self._codec.finish()
        self._answers.clear()
        self._current = None
        return commands if self._dialect.response_done else []

    def _tell_interrupted(self, answer: Answer) -> None:
        if answer.said is None:
            self._tell("turn", state="discarded", turn=answer.turn, reason="participant_went_on")
            return
        texts: list[str] = []
        end = answer.said
        for item in answer.items.values():
            taken = self._playout.taken(item.id)
            if taken and (place := self._playout.place(item.id, taken - 1)) is not None:
                end = place
            said = [word for word in item.words() if (word.start + word.end) // 2 < taken]
            self._set_words(answer, item, said)
            texts += [word.text for word in said]
        if texts:
            self._playout.tell(_transcript(answer, " ".join(texts), end, interrupted=True))
        self._tell("turn", state="interrupted", turn=answer.turn, at_ms=samples_to_ms(end + 1))

    def _set_words_of_all(self, answer: Answer, item: Item) -> None:
        if item.sound_done and (item.text_done or self._dialect.timed_text):
            self._set_words(answer, item, item.words())

    def _set_words(self, answer: Answer, item: Item, words: list[Word]) -> None:
        """Sets the events of words that have none yet, at samples that have been received."""
        timing = "received" if self._dialect.timed_text else "estimated"
        for word in words[item.told :]:
            start = max(0, min(word.start, item.received - 1))
            self._playout.mark(item.id, start, partial(_word, answer.turn, word, timing))
        item.told = max(item.told, len(words))

    def _complain(self, event: Mapping[str, Any]) -> None:
        error = object_of(event, "error")
        if not is_harmless(error) and error.get("event_id") not in self._commands:
            raise Broken(plain_words(error))

    def _command(self, kind: str, **fields: Any) -> Command:
        name = f"command_{next(self._numbers)}"
        self._commands.add(name)
        return {"type": kind, "event_id": name, **fields}

    def _tell(self, event: str, **data: Any) -> None:
        self._playout.tell(Metadata(event, data))


def _kind(event: Mapping[str, Any]) -> str:
    """Returns the event's type by its final name. Raises Broken."""
    kind = text_of(event, "type")
    if not kind:
        raise Broken("it sends events without a type")
    return FINAL_NAMES.get(kind, kind)


# these make the events of marks, on the step thread, when their sample is played


def _sounds(answer: Answer, at: int) -> Metadata:
    answer.said = at
    return Metadata("turn", {"state": "speaking", "turn": answer.turn, "at_ms": samples_to_ms(at)})


def _falls_silent(answer: Answer, at: int) -> Metadata:
    answer.over = True
    return Metadata("turn", {"state": "listening", "turn": answer.turn, "at_ms": samples_to_ms(at + 1)})


def _transcript(answer: Answer, text: str, at: int, *, interrupted: bool) -> Metadata:
    """Makes the agent's transcript; `at` is the place of its last sample on the slot's clock."""
    data: dict[str, Any] = {"role": "agent", "text": text, "raw_text": answer.text, "turn": answer.turn}
    data |= {"start_ms": samples_to_ms(answer.said or 0), "end_ms": samples_to_ms(at + 1), "interrupted": interrupted}
    return Metadata("transcript", data | ({"incomplete": answer.incomplete} if answer.incomplete else {}))


def _word(turn: int, word: Word, timing: str, at: int) -> Metadata:
    times = {"start_ms": samples_to_ms(at), "end_ms": samples_to_ms(at + word.end - word.start)}
    return Metadata("words", {"text": word.text, "turn": turn, **times, "timing": timing})
