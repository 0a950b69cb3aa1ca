"""Chooses among candidate answers: the likeliest by the model's own probabilities, unless a rule speaks against it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

SHORTEST_WORDS: Final = 3
SLIP_PENALTY: Final = 5.0  # in nats a token; likelihoods of answers differ by less than 2
BROKEN_PENALTY: Final = 1.0
ECHO_PENALTY: Final = 2.0
ECHO_SHARE: Final = 0.7  # of an answer's words that were in the question
EVASION_PENALTY: Final = 0.7
TOPIC_BONUS: Final = 0.4
STEM_LETTERS: Final = 4  # two words of one topic share at least their beginning: cook, cooking
# slips of very small models: phrases of letters, offices and assistants, placeholders, and pieces of their own prompt
_SLIP: Final = re.compile(
    r"you're welcome|my office|our (team|office|company|website|store)|text re-?writing|@|https?:|www\.|\bas an ai\b"
    r"|\bai assistant\b|\bi'm an? (ai|artificial|language)|how have you been|your loss\b|here to (help|assist)"
    r"|how (can|may) i (help|assist)|(happy|glad|love) to (help|assist)|always happy|no worries|any misunderstanding"
    r"|help me with|brings you here|welcome to|your message|the perfect (place|home)|\[|\]|\bname\b|im_start|im_end"
    r"|\b(user|assistant|system):|one or two|concrete idea|short sentences|\b(dear|sincerely|best regards)\b"
    r"|thank you for (reaching|contacting|calling|sharing)",
    re.IGNORECASE,
)
_ASKS: Final = re.compile(r"\?\s*$|^(what|why|who|when|where|how|which|can|could|would|do|does|is|are|tell)\b")
_DECIDED: Final = re.compile(
    r"\b(i('ll| will| can| am going to|'m going to)? ?(open|unlock|let you|not open|call|ask|check|allow|refuse)"
    r"|i (can't|cannot|won't|will not|don't|need|have to|must)|(you|we) (need|must|have to|can't|cannot|may|are not)"
    r"|please (show|wait|give|tell|state|enter|contact)|show me|who are you|what is your|prove|proof|badge|permission"
    r"|access (is )?(granted|denied)|come in|not allowed|no[,.]|yes[,.])",
    re.IGNORECASE,
)
# fmt: off
_COMMON: Final = frozenset((
    "about", "after", "again", "already", "always", "anything", "because", "before", "being", "could", "doing", "don't",
    "every", "going", "great", "have", "having", "it's", "just", "least", "little", "maybe", "might", "never", "other",
    "people", "really", "right", "should", "something", "still", "sure", "that's", "their", "them", "there", "these",
    "they", "thing", "things", "think", "this", "those", "through", "today", "very", "want", "well", "were", "what",
    "when", "where", "which", "while", "will", "with", "would", "you're", "your",
))
# fmt: on
# a guard that speaks as the one who asks
_WRONG_SIDE: Final = re.compile(
    r"\b(i('m| am) (the |a |your )?(technician|engineer|locked|here to fix|stuck|outside)|my badge|let me in"
    r"|open (it|the door) for me)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """`pieces` are what would be spoken. `likelihood` is the mean log-probability of a token; `whole` is False for an
    answer that was cut off; `seed` repeats it."""

    pieces: tuple[str, ...]
    text: str
    likelihood: float
    whole: bool
    seed: int

    @property
    def spoken(self) -> str:
        return " ".join(self.pieces)


def likeliest(candidates: Sequence[Candidate], *, said: str, deciding: bool) -> Candidate | None:
    """Returns the best candidate, or None if none has anything to say. `said` is what they answer; `deciding` is
    whether the persona has something to decide."""
    speaking = [candidate for candidate in candidates if candidate.pieces]
    return max(speaking, key=lambda candidate: score(candidate, said=said, deciding=deciding), default=None)


def score(candidate: Candidate, *, said: str, deciding: bool) -> float:
    """Returns the likelihood less the penalties of the rules that speak against a candidate."""
    words = _words(candidate.spoken)
    score = candidate.likelihood
    if _SLIP.search(candidate.spoken) or len(words) < SHORTEST_WORDS:
        score -= SLIP_PENALTY
    if not candidate.whole or candidate.spoken.count('"') % 2:
        score -= BROKEN_PENALTY
    if words and sum(word in set(_words(said)) for word in words) / len(words) >= ECHO_SHARE:
        score -= ECHO_PENALTY
    if {word[:STEM_LETTERS] for word in words if _tells(word)} & {
        word[:STEM_LETTERS] for word in _words(said) if _tells(word)
    }:
        score += TOPIC_BONUS
    if _ASKS.search(said.lower()) and candidate.spoken.rstrip().endswith("?") and not deciding:
        score -= EVASION_PENALTY
    if deciding:
        score -= SLIP_PENALTY if _WRONG_SIDE.search(candidate.spoken) else 0.0
        score -= 0.0 if _DECIDED.search(candidate.spoken) else ECHO_PENALTY
    return score


def _tells(word: str) -> bool:
    """Returns whether a word may tell a topic: the short ones and the commonest do not."""
    return len(word) > STEM_LETTERS and word not in _COMMON


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9']+", text.lower().replace("’", "'"))
