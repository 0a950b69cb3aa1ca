"""Named voices: converters with their parameters and the sources of the numbers. This module holds only data.

No preset needs enrolment: ratios are relative to the talker, and an F0 target is approached while the talker's own
median is being learnt. All transformed voices use the default floor and therefore have the same latency. No preset
anonymises: a transformed voice can still be matched to its talker.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

SEX = (
    "Traunmüller & Eriksson 1995 (mean F0 of women and men); Hillenbrand & Clark 2009: F0 and formants together change "
    "perceived sex, either alone seldom does."
)
SIZE = "Smith & Patterson 2005; Gaudrain & Başkent 2018: F0 and vocal-tract length as cues to the talker."
LIVELINESS = "Traunmüller & Eriksson 1995: wider F0 excursions are heard as livelier."
OUR_SIZE = "The direction is theirs, the size our own."


@dataclass(frozen=True, slots=True)
class Preset:
    """`label` is shown to people, `source` names the literature behind the direction and size of the change."""

    label: str
    converter: str
    parameters: Mapping[str, float] = field(default_factory=dict)
    source: str = ""


PRESETS: Final[Mapping[str, Preset]] = {
    "natural": Preset("Own voice", "none", {}, "No processing."),
    "natural_delayed": Preset(
        "Own voice, delayed", "none", {"delay_ms": 60.0}, "No processing, as late as the transformed voices."
    ),
    "sham": Preset(
        "Own voice, resynthesised",
        "resynthesis",
        {},
        "Sham control: the same processing and latency as a transformed voice, with nothing changed.",
    ),
    "male_to_female": Preset(
        "From a man's voice to a woman's",
        "transform",
        {"f0_target_hz": 210.0, "formant_ratio": 1.17},
        f"{SEX} The formant ratio is our own, about that of women's to men's vowels.",
    ),
    "female_to_male": Preset(
        "From a woman's voice to a man's",
        "transform",
        {"f0_target_hz": 120.0, "formant_ratio": 0.855},
        f"{SEX} The formant ratio is our own, about that of men's to women's vowels.",
    ),
    "male_to_androgynous": Preset(
        "From a man's voice to between",
        "transform",
        {"f0_target_hz": 160.0, "formant_ratio": 1.08},
        f"{SEX} {OUR_SIZE} The geometric midpoint of the change.",
    ),
    "female_to_androgynous": Preset(
        "From a woman's voice to between",
        "transform",
        {"f0_target_hz": 160.0, "formant_ratio": 0.93},
        f"{SEX} {OUR_SIZE} The geometric midpoint of the change.",
    ),
    "higher": Preset("Higher voice", "transform", {"f0_ratio": 1.7, "formant_ratio": 1.17}, f"{SEX} {OUR_SIZE}"),
    "lower": Preset("Lower voice", "transform", {"f0_ratio": 0.59, "formant_ratio": 0.855}, f"{SEX} {OUR_SIZE}"),
    "androgynous_raised": Preset(
        "In between, from a lower voice",
        "transform",
        {"f0_ratio": 1.3, "formant_ratio": 1.08},
        f"{SEX} {OUR_SIZE} The geometric midpoint of the change.",
    ),
    "androgynous_lowered": Preset(
        "In between, from a higher voice",
        "transform",
        {"f0_ratio": 0.77, "formant_ratio": 0.93},
        f"{SEX} {OUR_SIZE} The geometric midpoint of the change.",
    ),
    "pitch_raised": Preset(
        "Higher pitch only", "transform", {"f0_ratio": 1.25}, f"{SIZE} {OUR_SIZE} About two just noticeable steps."
    ),
    "pitch_lowered": Preset(
        "Lower pitch only", "transform", {"f0_ratio": 0.8}, f"{SIZE} {OUR_SIZE} About two just noticeable steps."
    ),
    "tract_shortened": Preset(
        "Smaller, at the same pitch",
        "transform",
        {"formant_ratio": 1.23},
        f"{SIZE} {OUR_SIZE} About two just noticeable steps.",
    ),
    "tract_lengthened": Preset(
        "Larger, at the same pitch",
        "transform",
        {"formant_ratio": 0.81},
        f"{SIZE} {OUR_SIZE} About two just noticeable steps.",
    ),
    "smaller": Preset(
        "A little smaller, at the same pitch",
        "transform",
        {"formant_ratio": 1.105},
        f"{SIZE} {OUR_SIZE} About one just noticeable step.",
    ),
    "larger": Preset(
        "A little larger, at the same pitch",
        "transform",
        {"formant_ratio": 0.905},
        f"{SIZE} {OUR_SIZE} About one just noticeable step.",
    ),
    "child_like": Preset(
        "Child-like voice",
        "transform",
        {"f0_target_hz": 260.0, "formant_ratio": 1.35},
        f"Lee, Potamianos & Narayanan 1999: children's F0 and formants, against an adult man's. {OUR_SIZE}",
    ),
    "monotone": Preset(
        "Flatter intonation", "transform", {"f0_range": 0.5}, f"{LIVELINESS} {OUR_SIZE} Half the excursion of log F0."
    ),
    "lively": Preset(
        "Livelier intonation",
        "transform",
        {"f0_range": 1.5},
        f"{LIVELINESS} {OUR_SIZE} One and a half the excursion of log F0.",
    ),
    "breathy": Preset(
        "Breathy voice",
        "transform",
        {"breathiness": 0.6},
        f"Xu, Lee, Wu, Liu & Birkholz 2013: breathiness in vocal attractiveness. {OUR_SIZE}",
    ),
}
