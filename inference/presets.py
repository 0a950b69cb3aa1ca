"""Named voices: a converter with its parameters, and where the numbers come from. Data only.

The ratios are relative to whoever talks, so that a preset needs no enrolment. All use the default floor and
therefore share one latency. None anonymises: a transformed voice can still be matched to its talker.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

VOICE_CUES = "Traunmüller & Eriksson 1995; Hillenbrand & Clark 2009: F0 and formants together change perceived sex."
VOICE_SIZE = "Smith & Patterson 2005; Gaudrain & Başkent 2018: F0 and vocal-tract length as cues to the talker."


@dataclass(frozen=True, slots=True)
class Preset:
    """`label` is shown to people, `source` names the literature behind the direction and size of the change."""

    label: str
    converter: str
    parameters: Mapping[str, float] = field(default_factory=dict)
    source: str = ""


PRESETS: Final[Mapping[str, Preset]] = {
    "natural": Preset("Own voice", "none", {}, "No processing."),
    "sham": Preset(
        "Own voice, resynthesised",
        "resynthesis",
        {},
        "Sham control: the same processing and latency as a transformed voice, with nothing changed.",
    ),
    "higher": Preset("Higher voice", "transform", {"f0_ratio": 1.7, "formant_ratio": 1.17}, VOICE_CUES),
    "lower": Preset("Lower voice", "transform", {"f0_ratio": 0.59, "formant_ratio": 0.855}, VOICE_CUES),
    "androgynous_raised": Preset(
        "Between, from a lower voice",
        "transform",
        {"f0_ratio": 1.3, "formant_ratio": 1.08},
        f"{VOICE_CUES} The geometric midpoint of the change.",
    ),
    "androgynous_lowered": Preset(
        "Between, from a higher voice",
        "transform",
        {"f0_ratio": 0.77, "formant_ratio": 0.93},
        f"{VOICE_CUES} The geometric midpoint of the change.",
    ),
    "pitch_raised": Preset("Higher pitch alone", "transform", {"f0_ratio": 1.25}, f"{VOICE_SIZE} About two JNDs."),
    "pitch_lowered": Preset("Lower pitch alone", "transform", {"f0_ratio": 0.8}, f"{VOICE_SIZE} About two JNDs."),
    "tract_shortened": Preset(
        "Shorter vocal tract alone", "transform", {"formant_ratio": 1.23}, f"{VOICE_SIZE} About two JNDs."
    ),
    "tract_lengthened": Preset(
        "Longer vocal tract alone", "transform", {"formant_ratio": 0.81}, f"{VOICE_SIZE} About two JNDs."
    ),
    "smaller": Preset("Smaller talker", "transform", {"formant_ratio": 1.105}, f"{VOICE_SIZE} About one JND."),
    "larger": Preset("Larger talker", "transform", {"formant_ratio": 0.905}, f"{VOICE_SIZE} About one JND."),
    "child_like": Preset(
        "Child-like voice",
        "transform",
        {"f0_target_hz": 260.0, "formant_ratio": 1.35},
        "Lee, Potamianos & Narayanan 1999: acoustics of children's speech, against an adult male voice.",
    ),
    "monotone": Preset("Flatter intonation", "transform", {"f0_range": 0.5}, "Half the excursion of log F0."),
    "lively": Preset("Livelier intonation", "transform", {"f0_range": 1.5}, "One and a half the excursion of log F0."),
    "breathy": Preset(
        "Breathy voice",
        "transform",
        {"breathiness": 0.6},
        "Xu et al. 2013: breathiness in vocal attractiveness (the direction; the size is our own).",
    ),
}
