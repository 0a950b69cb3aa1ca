"""What the language model is told of how the participant sounded. The state chooses the system prompt, because a small
model follows its system prompt better than a remark beside the words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from inference.contract.options.cascade import Options
from inference.contract.options.cascade_voice import VoiceOptions
from inference.engines.cascade.hearing.voice.features import FEATURES
from inference.engines.cascade.hearing.voice.noticing import Noticed
from inference.engines.cascade.prompt import Message

TOLD: Final[Mapping[str, str]] = {
    "laughing": "The other person is laughing. You are amused too, and you answer merrily.",
    "sighing": "The other person sighs and sounds weary. You are gentle, and you comfort them.",
    "deep voice": "The other person has a deep voice.",
    "high voice": "The other person has a high voice.",
    "tense": "The other person sounds tense. You stay calm, and you calm them.",
    "calm": "The other person sounds calm. You answer calmly, too.",
    "loud": "The other person speaks loudly.",
    "soft": "The other person speaks softly.",
    "high": "The other person's voice is higher than before.",
    "low": "The other person's voice is lower than before.",
    "fast": "The other person speaks fast.",
    "slow": "The other person speaks slowly.",
    "lively": "The other person sounds lively.",
    "flat": "The other person sounds flat and tired.",
}
REACTIONS: Final[Mapping[str, str]] = {"laughing": "Ha ha!", "sighing": "Oh dear."}
MOST_TOLD: Final = 2  # a small model loses sight of more


def tell(messages: Sequence[Message], noticed: Noticed | None) -> list[Message]:
    """Returns the messages with the system prompt for this state; without anything noticed, as they are."""
    said = told(noticed)
    if not said or not messages or messages[0]["role"] != "system":
        return list(messages)
    return [{"role": "system", "content": f"{messages[0]['content']} {said}"}, *messages[1:]]


def told(noticed: Noticed | None) -> str:
    """Returns the sentences for the most telling of what was noticed."""
    return " ".join(TOLD[word] for word in noticed.words[:MOST_TOLD]) if noticed is not None else ""


def reaction(noticed: Noticed | None, options: Options) -> str:
    """Returns the fixed words that open the answer, if the options want them and there was a laugh or a sigh."""
    if noticed is None or not isinstance(options, VoiceOptions) or not options.reactions:
        return ""
    return next((REACTIONS[word] for word in noticed.words if word in REACTIONS), "")


def describe_told(snapshot: Mapping[str, Any], options: Options) -> dict[str, Any]:
    """Returns the snapshot of the engine when it is told how the participant sounds: with the features, the thresholds
    in force unless a study says otherwise, and everything that the model can be told."""
    described = {
        **snapshot,
        "hears": list(options.hears),
        "voice": {
            "features": {name: asdict(method) for name, method in FEATURES.items()},
            "told": dict(TOLD),
            "most_told": MOST_TOLD,
            "reactions": dict(REACTIONS),
        },
    }
    described["parameters"] = {**snapshot["parameters"], "option_defaults": options.as_json()}
    return described
