"""The options of the local engine where it is told how the participant sounds: the thresholds of every rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from inference.contract.errors import OptionError
from inference.contract.options.cascade import Options, _number, _switch

HEARS_VOICE = ("words", "voice")


@dataclass(frozen=True, slots=True)
class VoiceOptions(Options):
    """The options of a conversation. Code outside this module creates them only with `read`.

    What is loud, soft, high, low, fast, slow, tense or calm is so relative to the same speaker's earlier turns."""

    hears: tuple[str, ...] = field(
        default=HEARS_VOICE, metadata={"about": "What the language model is told: the words, and how they sounded."}
    )
    laugh_bursts: int = _number(4, 3, 20, "A laugh has at least this many bursts in a row.")
    laugh_dip_db: float = _number(8.0, 4.0, 40.0, "Between the bursts of a laugh the level falls by this, in dB.")
    laugh_unevenness: float = _number(1.5, 1.0, 4.0, "The longer of two intervals between bursts over the shorter.")
    laugh_difference_db: float = _number(7.0, 1.0, 30.0, "How far the spectra of two bursts may differ, in dB.")
    short_laugh_dip_db: float = _number(20.0, 4.0, 60.0, "The same as laugh_dip_db, for a laugh of three bursts.")
    short_laugh_unevenness: float = _number(1.3, 1.0, 4.0, "The same as laugh_unevenness, for a laugh of three bursts.")
    sigh_ms: int = _number(450, 200, 3_000, "A sigh is a breath heard for at least this long, in ms.")
    sigh_above_background_db: float = _number(15.0, 3.0, 60.0, "How far a sigh is above the background, in dB.")
    sigh_periodicity: float = _number(0.55, 0.1, 0.9, "A sigh is less periodic than this; a clear vowel has about 0.9.")
    sigh_centroid_hz: float = _number(
        3_500.0, 500.0, 8_000.0, "A sigh's spectrum is centred below this; an s is above."
    )
    flat_semitones: float = _number(
        4.0, 0.0, 24.0, "Pitch that varies by less than this is flat (10th to 90th percentile)."
    )
    lively_semitones: float = _number(14.0, 1.0, 48.0, "Pitch that varies by more than this is lively.")
    tell_register: bool = _switch(False, "Also tell whether the voice is deep or high in itself, in every turn.")
    deep_voice_hz: float = _number(145.0, 60.0, 600.0, "A voice whose median pitch is below this is deep.")
    high_voice_hz: float = _number(185.0, 60.0, 600.0, "A voice whose median pitch is above this is high.")
    loudness_db: float = _number(6.0, 1.0, 40.0, "Louder or softer than before by this is loud or soft.")
    pitch_semitones: float = _number(3.0, 0.5, 24.0, "Higher or lower than before by this is high or low.")
    rate_ratio: float = _number(1.3, 1.05, 4.0, "This many times as fast as before is fast; as slow, slow.")
    brightness_db: float = _number(4.0, 0.5, 40.0, "More energy above 1 kHz than before by this points to tension.")
    tension_signs: int = _number(
        2, 1, 4, "So many of louder, higher, faster and brighter are tense; of their opposites, calm."
    )
    reference_turns: int = _number(1, 1, 20, "Earlier turns of the same speaker that a comparison needs.")
    reactions: bool = _switch(
        True, "Begin the answer to a laugh or a sigh with a fixed reaction (Ha ha! Oh dear.), which no model chose."
    )
    before_sec: float = _number(4.0, 0.0, 10.0, "How long before the words a laugh or a sigh may be, in seconds.")

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Self:
        """Reads the options. Raises OptionError, also where two of them contradict each other."""
        options = super(VoiceOptions, cls).read(given)
        for lower, upper in (("flat_semitones", "lively_semitones"), ("deep_voice_hz", "high_voice_hz")):
            if getattr(options, lower) > getattr(options, upper):
                expected = f"a number from 0 to {upper}, which is {getattr(options, upper):g}"
                raise OptionError(lower, getattr(options, lower), expected)
        return options


def read_options(given: Mapping[str, Any]) -> Options:
    """Reads the options of either kind, told apart by `hears`. Raises OptionError."""
    hears = given.get("hears")
    told_of_voice = isinstance(hears, list | tuple) and tuple(hears) == HEARS_VOICE
    return (VoiceOptions if told_of_voice else Options).read(given)
