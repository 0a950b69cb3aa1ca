"""How the participant sounds: declared acoustic features, thresholds from the options, and plain words. No model.

    frames.py     a recording in steps of 10 ms: level, spectrum, periodicity and pitch
    laughs.py     laughs: bursts that follow each other evenly and sound alike
    sighs.py      sighs: long audible breaths
    features.py   what one turn measures, and how it differs from the same speaker's earlier turns
    noticing.py   features and sounds in plain words
    ear.py        one slot: what was heard before the turn, and the speaker's earlier turns

All of it but `ear.py` is pure. Audio is float32 [n] at 16 kHz.
"""
