"""The first words of an answer, by the kind of turn: rules, not the model.

A very small model that has been given its first words stays on the topic far more often. They are an option, because
they are part of what a participant hears; every answer's record says which words a rule gave it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from inference.engines.cascade.prompt import decides

SENTENCE_END: Final = re.compile(r"[.!?…]$")


@dataclass(frozen=True, slots=True)
class FirstWords:
    """`text` is empty where no rule speaks. `alone` means that it is the whole answer."""

    text: str = ""
    alone: bool = False

    @property
    def is_sentence(self) -> bool:
        """Whether the words are whole sentences, which can sound while the model writes what follows."""
        return bool(SENTENCE_END.search(self.text))


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of turn: the first `choices` that fit it, which take turns."""

    pattern: re.Pattern[str]
    choices: tuple[str, ...]
    alone: bool = False


def _kind(pattern: str, *choices: str, alone: bool = False) -> _Kind:
    return _Kind(re.compile(pattern), choices, alone)


# The first pattern found wins. Half a sentence must fit whichever way the model goes on with it; where it might not, as
# in bad news, the words are a whole sentence.
_KINDS: Final[tuple[_Kind, ...]] = (
    _kind(r"\bcan you hear me\b|\bare you (still )?there\b", "Yes, I can hear you. What's on your mind?", alone=True),
    _kind(
        r"\b(who|what) are you\b|\bwhat('s| is) your name\b"
        r"|\bare you (a )?(human|real|robot|machine|computer|person)\b",
        "I'm a computer program that you can talk to. What's on your mind?",
        alone=True,
    ),
    _kind(r"\bjoke\b", "Here's one: why did the"),
    _kind(r"\b(story|tale)\b", "Once there was a", "There was once a"),
    _kind(r"\b(died|passed away|funeral|death of)\b", "I'm so sorry to hear that."),
    _kind(r"\bhow (do|can|should|could) (i|we)\b", "You could", "You can start by"),
    _kind(
        r"\b(idea|ideas|recommend|suggest|suggestion|advice)\b|\bwhat (could|can|shall|should) (i|we)\b|\bshould i\b"
        r"|\bhelp me\b",
        "You could",
        "I'd suggest",
    ),
    _kind(
        r"\b(passed|love it|so happy|i won|great news|good news|excited|congrat\w*|finally got|got the job|engaged"
        r"|promoted|(getting|got) married|having a baby)\b",
        "Congratulations!",
        "That's wonderful!",
    ),
    _kind(
        r"\b(lonely|sad|nervous|worried|anxious|afraid|scared|tired|exhausted|annoy\w+|angry|upset|stressed|hurt\w*|ache"
        r"|headache|ill|sick|cancel\w+|missed|stuck|lost|broke\w*|crash\w+|couldn't|can't (sleep|find)|flat as"
        r"|nothing to|loud|fail\w+|not work\w*|doesn't work|ruined|spoil\w*|spilled|burn(ed|t)|forgot|stole|stolen"
        r"|shouted|late again|bad day|cry\w*|divorce\w*|fired|miss (him|her|them|you))\b",
        "I'm sorry to hear that.",
        "Oh no, I'm sorry.",
    ),
    _kind(r"\?\s*$|^(what|why|who|when|where|how|which|is|are|do|does|did|can|could|would|will)\b", ""),
    _kind(r"\b(i'm going to|i am going to|i'm thinking|thinking about|i want to|i'd like to|moved)\b", "That sounds"),
)
_REMARK: Final = _kind("", "", "I see.")
_STORY: Final = re.compile(r"\b(tell|hear|know|make up|read)\b.*\b(story|stories|tale)\b|\bstory\b.*\bplease\b")


def first_words(said: str, *, persona: str, turn: int) -> FirstWords:
    """Returns the first words for what was `said`; `turn` makes equal kinds of turn begin differently."""
    if decides(persona):  # and a study looks at what: no rule may decide it
        return FirstWords()
    plain = said.lower().replace("’", "'")
    kind = next((kind for kind in _KINDS if kind.pattern.search(plain)), _REMARK)
    return FirstWords(kind.choices[turn % len(kind.choices)], kind.alone)


def asks_for_story(said: str) -> bool:
    return bool(_STORY.search(said.lower()))
