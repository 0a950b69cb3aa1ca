"""The conversation itself: the source's audio goes to the server; the server's goes to the sink and the screen."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final, TextIO

from inference.contract.audio import FRAME_SAMPLES
from inference.terminal.dialing import (
    Event,
    Heard,
    Link,
    Live,
    Noticed,
    Over,
    Paused,
    Sound,
    TalkProblem,
    Unused,
    Waiting,
    Words,
)
from inference.terminal.printing import printable, write
from inference.terminal.sound import Sink, Source

WINDOW_STEPS: Final = 6  # frames in flight when the source does not set the pace
GOODBYE_SEC: Final = 5.0


class Screen:
    """Prints the agent's words on one line until its turn is over, and notes on lines of their own."""

    def __init__(self, words: TextIO, notes: TextIO) -> None:
        self._words = words
        self._notes = notes
        self._in_line = False
        self._is_live = False

    def show(self, event: Event) -> None:
        match event:
            case Waiting(0):
                self.note("The server has not started yet; it may be talking with somebody else. Waiting ...")
            case Waiting(position, overloaded):
                why = "The server is too busy for another conversation" if overloaded else "All places are taken"
                self.note(f"{why}. You are number {position} in the queue ...")
            case Live(engine):
                if not self._is_live or engine:
                    self.note(f"You can talk{f' with {engine}' if engine else ''}. Ctrl-C ends the conversation.")
                self._is_live = True
            case Unused(names, certain):
                does = "does not use" if certain else "does not say whether it uses"
                self.note(f"The server {does} {', '.join(names)}.")
            case Words(text):
                text = printable(text)
                write(self._words, text if self._in_line else text.lstrip())
                self._in_line = self._in_line or bool(text.strip())
            case Paused():
                self.end_line()
            case Heard(text):
                self.note(f"(you: {text})")
            case Noticed(sounded):
                self.note(f"(it noticed: {sounded or 'nothing special in your voice'})")

    def note(self, text: str) -> None:
        """Prints a note on a line of its own."""
        self.end_line()
        write(self._notes, f"{printable(text)}\n")

    def end_line(self) -> None:
        if self._in_line:
            write(self._words, "\n")
        self._in_line = False


class Talk:
    """One conversation. `paced`: the source itself keeps real time; otherwise frames go out as answers come in."""

    def __init__(self, link: Link, source: Source, sink: Sink, screen: Screen, *, paced: bool) -> None:
        self._link = link
        self._source = source
        self._sink = sink
        self._screen = screen
        self._paced = paced
        self._live = asyncio.Event()
        self._answered = asyncio.Event()
        self._samples_in = 0
        self._frames_out = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Runs until the source or the server ends, or `stop` is set. Raises TalkProblem when the server ended it."""
        speaking = asyncio.create_task(self._speak())
        listening = asyncio.create_task(self._listen())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({speaking, listening, stopping}, return_when=asyncio.FIRST_COMPLETED)
            speaking.cancel()
            if not listening.done():
                await self._link.end()
                await asyncio.wait({listening}, timeout=GOODBYE_SEC)
            if listening.done():
                over = await listening
                if over.fault and not self._live.is_set():
                    raise TalkProblem(over.message, TalkProblem.REFUSED)
                if over.fault:
                    raise TalkProblem(f"The conversation broke off: {over.message}", TalkProblem.BROKE_OFF)
        finally:
            for task in (speaking, listening, stopping):
                task.cancel()
            await asyncio.gather(speaking, listening, stopping, return_exceptions=True)
            self._screen.end_line()
            with suppress(OSError):
                await self._link.close()

    async def _speak(self) -> None:
        await self._live.wait()
        async for frame in self._source.frames():
            while not self._paced and self._frames_out - self._samples_in // FRAME_SAMPLES >= WINDOW_STEPS:
                self._answered.clear()
                await self._answered.wait()
            await self._link.send(frame)
            self._frames_out += 1

    async def _listen(self) -> Over:
        while True:
            match event := await self._link.receive():
                case Sound(samples):
                    self._sink.play(samples)
                    self._samples_in += len(samples)
                    self._answered.set()
                case Over():
                    return event
                case Live():
                    self._screen.show(event)
                    self._live.set()
                case _:
                    self._screen.show(event)
