"""What the language model reads before anybody speaks: the persona, how to answer, and an example of the form."""

from __future__ import annotations

import re
from typing import Final, Literal, TypedDict

NOBODY: Final = "You are a friendly person having a spoken conversation."
HOW_TO_ANSWER: Final = "You answer in one or two short, simple sentences."
# A model this small follows an example better than an instruction, but the topics of an example come back in its
# answers. These exchanges are of no topic, and only show that turns are short. They are read once, when a conversation
# opens.
SMALL_TALK: Final[tuple[tuple[str, str], ...]] = (
    ("Hi there", "Hello! How are you doing today?"),
    ("I'm fine, thanks.", "That's good to hear. What's on your mind?"),
)
# A persona that decides gets an example of each way to decide instead, again of no topic.
DECISIONS: Final[tuple[tuple[str, str], ...]] = (
    ("Could I do that?", "Yes, that is allowed. Go ahead."),
    ("Could I do that?", "No, I'm sorry. That is not allowed."),
    ("Could I do that?", "I'm not sure yet. First prove who you are, please."),
)
_DECIDES: Final = re.compile(r"\b(decides?|refuses?|guards?|grants?|den(?:y|ies)|judges?)\b", re.IGNORECASE)


class Message(TypedDict):
    role: Literal["system", "user", "assistant"]
    content: str


def decides(persona: str) -> bool:
    """Returns whether the persona has something to decide."""
    return bool(_DECIDES.search(persona))


def opening(persona: str) -> list[Message]:
    """Returns the system prompt and the example; `persona` is the condition's text prompt."""
    messages: list[Message] = [{"role": "system", "content": f"{persona.strip() or NOBODY} {HOW_TO_ANSWER}"}]
    for said, answered in DECISIONS if decides(persona) else SMALL_TALK:
        messages += [{"role": "user", "content": said}, {"role": "assistant", "content": answered}]
    return messages
