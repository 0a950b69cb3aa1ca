"""The voices that the agent can speak in: those of the synthesis, and one of them changed by signal processing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class AgentVoice:
    """`synthetic` is the synthesis's own voice, and `transform` the parameters that it is changed with, if any.
    `component` is the weights that it needs beside the package, or ""."""

    name: str
    synthetic: str
    component: str = ""
    transform: Mapping[str, float] = field(default_factory=dict)


HEART: Final = AgentVoice("heart", "heart")
AGENT_VOICES: Final[Mapping[str, AgentVoice]] = {
    voice.name: voice
    for voice in (
        HEART,
        # a second voice where the hub does not answer: lower by about as much as men's voices are than women's
        AgentVoice("heart_lower", "heart", transform={"f0_ratio": 0.62, "formant_ratio": 0.87}),
        AgentVoice("fenrir", "fenrir", "voice_fenrir"),
        AgentVoice("emma", "emma", "voice_emma"),
        AgentVoice("fable", "fable", "voice_fable"),
    )
}
