"""The history of a conversation for the language model: only what was actually heard and spoken."""

from __future__ import annotations

from typing import Final, Literal, TypedDict

# Together with the longest answer these stay inside the model's context, at a cautious 3 characters a token and with
# a persona of one byte a token.
CONTEXT_TOKENS: Final = 2_048
MAX_PERSONA_BYTES: Final = 1_000
HISTORY_CHARACTERS: Final = 1_200
LONGEST_TURN_CHARACTERS: Final = 900


class Message(TypedDict):
    role: Literal["system", "user", "assistant"]
    content: str


class History:
    """`opening` (system prompt and examples) always stays; when the rest outgrows HISTORY_CHARACTERS, the
    older half is forgotten at once, because every cut makes the model read what is left anew."""

    def __init__(self, opening: list[Message]) -> None:
        self._opening = opening
        self._turns: list[Message] = []

    def asking(self, words: str) -> list[Message]:
        """Returns the messages to answer after the participant has said `words`."""
        return [*self.so_far(), _message("user", words)]

    def so_far(self) -> list[Message]:
        """Returns the messages that the model can read before the participant's next words are known."""
        return [*self._opening, *self._turns]

    def add(self, heard: str, spoken: str) -> None:
        """Adds an exchange that is over. `spoken` is what sounded before an interruption, and may be empty."""
        self._turns.append(_message("user", heard))
        if spoken:
            self._turns.append(_message("assistant", spoken))
        if sum(len(turn["content"]) for turn in self._turns) > HISTORY_CHARACTERS:
            self._turns = self._turns[len(self._turns) // 2 :]
            while self._turns and self._turns[0]["role"] != "user":
                self._turns.pop(0)


def _message(role: Literal["user", "assistant"], content: str) -> Message:
    return {"role": role, "content": content[-LONGEST_TURN_CHARACTERS:]}
