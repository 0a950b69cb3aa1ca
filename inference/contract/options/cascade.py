"""The local engine's options, declared once for the check, the snapshot and the documentation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from inference.contract.errors import OptionError


def _number(default: float, least: float, most: float, about: str) -> Any:
    return field(default=default, metadata={"least": least, "most": most, "about": about})


def _choice(default: str, choices: tuple[str, ...], about: str) -> Any:
    return field(default=default, metadata={"choices": choices, "about": about})


def _switch(default: bool, about: str) -> Any:
    return field(default=default, metadata={"about": about})


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a conversation. Code outside this module creates them only with `read`."""

    model: str = _choice(
        "best",
        ("best", "small", "larger"),
        "The language model: the small one, a larger one, or the best of those that the worker has.",
    )
    temperature: float = _number(0.3, 0.0, 2.0, "Randomness of the language model; 0 always takes the likeliest word.")
    top_p: float = _number(0.9, 0.05, 1.0, "The language model draws from the likeliest words that make up this share.")
    max_tokens: int = _number(160, 8, 400, "Longest answer, in tokens (about three quarters of a word each).")
    max_sentences: int = _number(2, 1, 10, "Longest answer, in sentences; an opening is not counted.")
    story_sentences: int = _number(5, 1, 20, "Longest answer to somebody who asks for a story, in sentences.")
    openings: bool = _switch(
        False,
        "A rule gives the first words of an answer, by the kind of turn. They help a very small model, and they are "
        "part of the stimulus: each answer's record says with which words a rule began it.",
    )
    candidates: int = _number(
        1, 1, 8, "Answers that are drawn one after another; the likeliest is spoken. 1 speaks what is drawn first."
    )
    candidates_ms: int = _number(
        700, 0, 5_000, "No further candidate is begun, and none is waited for, after this time; one is always drawn."
    )
    scrub_laughter: bool = _switch(
        True, "Keep laughter and interjections that recognition spelt out from the language model."
    )
    barge_in: bool = _switch(True, "The participant can interrupt the agent by speaking.")
    hears: tuple[str, ...] = field(
        default=("words",), metadata={"about": "What the language model is told: the words alone."}
    )
    language: str = _choice("en", ("en",), "Language of recognition, model and synthesis; only en.")

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Self:
        """Reads the options. Raises OptionError for an option that is unknown, of another type or out of range."""
        known = {option.name: option for option in fields(cls)}
        values: dict[str, Any] = {}
        for name, value in given.items():
            if name not in known:
                raise OptionError(name, value, f"no such option; the engine knows {', '.join(known)}", known)
            values[name] = _read_one(name, value, known[name].default, known[name].metadata)
        return cls(**values)

    def as_json(self) -> dict[str, Any]:
        """Returns all options as JSON has them."""
        return asdict(self) | {"hears": list(self.hears)}


def _read_one(name: str, value: Any, default: Any, metadata: Mapping[str, Any]) -> Any:
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise OptionError(name, value, "true or false")
        return value
    if isinstance(default, tuple):
        if not isinstance(value, list | tuple) or tuple(value) != default:
            wanted = f"[{', '.join(default)}]; cascade hears words, cascade_voice words and voice"
            raise OptionError(name, value, wanted)
        return default
    if isinstance(default, str):
        choices: tuple[str, ...] = metadata["choices"]
        if value not in choices:
            only = f"{default!r}, the only language there are models for"
            raise OptionError(name, value, f"one of {', '.join(choices)}" if len(choices) > 1 else only)
        return value
    whole = isinstance(default, int)
    least, most = metadata["least"], metadata["most"]
    number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if not number or not least <= value <= most:
        raise OptionError(name, value, f"a {'whole number' if whole else 'number'} from {least} to {most}")
    return value if whole else float(value)
