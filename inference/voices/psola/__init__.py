"""Streaming time-domain pitch-synchronous overlap-add (TD-PSOLA) with resampled grains.

    signal ──> pitch ──> marks ──> grains ──> overlap ──> level ──> limiter
                           │
                       intonation

`stream` connects these parts. All decisions are made once per 480 samples, so the output does not depend on how the
input is divided. The method is that of Moulines & Charpentier 1990; grains are read faster or slower to move the
formants, as in Praat's "Change gender" (Boersma & Weenink).
"""

from inference.voices.psola.stream import PsolaStream

__all__ = ["PsolaStream"]
