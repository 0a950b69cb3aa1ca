"""What the terminal shows: the agent's words on standard output, everything else beside them on standard error."""

from __future__ import annotations

from typing import TextIO

from inference.terminal.link import Event, Heard, Live, Paused, Waiting, Words


class Screen:
    """Prints words on one line until the agent's turn is over."""

    def __init__(self, words: TextIO, notes: TextIO) -> None:
        self._words = words
        self._notes = notes
        self._in_line = False
        self._is_live = False

    def show(self, event: Event) -> None:
        match event:
            case Waiting(0):
                self.note("The server is talking with somebody else. Waiting ...")
            case Waiting(position, overloaded):
                why = "The server is too busy for another talk" if overloaded else "All places are taken"
                self.note(f"{why}. You are number {position} in the queue ...")
            case Live(engine):
                if not self._is_live or engine:
                    self.note(f"You can talk{f' with {engine}' if engine else ''}. Ctrl-C ends the talk.")
                self._is_live = True
            case Words(text):
                self._words.write(text if self._in_line else text.lstrip())
                self._words.flush()
                self._in_line = self._in_line or bool(text.strip())
            case Paused():
                self.end_line()
            case Heard(text):
                self.note(f"(you: {text})")

    def note(self, text: str) -> None:
        """Prints a note on a line of its own."""
        self.end_line()
        print(text, file=self._notes, flush=True)

    def end_line(self) -> None:
        if self._in_line:
            self._words.write("\n")
            self._words.flush()
        self._in_line = False
