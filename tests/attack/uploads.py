"""Recordings as no recorder writes them, uploaded as a target voice: kept, or refused with a reason."""

from __future__ import annotations

import io
import random
from typing import Final

import numpy as np
import soundfile

from tests.attack.tally import Tally
from tests.attack.target import Target, posted
from tests.signals import vowel

TRIES: Final = 40
RATES_HZ: Final = (8_000, 24_000, 44_100)
FORMATS: Final = (
    ("WAV", "PCM_16"),
    ("WAV", "FLOAT"),
    ("FLAC", "PCM_16"),
    ("OGG", "VORBIS"),
    ("OGG", "OPUS"),
    ("RF64", "PCM_16"),
)
REFUSED: Final = {400, 413, 422}


async def attack(target: Target, tally: Tally) -> None:
    chance = target.chance
    with target.role("researcher") as http:
        for _ in range(TRIES):
            container, data = recording(chance)
            answer = posted(http, "/research/voices/drafts/", files={"audio": ("voice", damaged(chance, data))})
            told = answer.status_code == 201 or (answer.status_code in REFUSED and answer.json().get("message"))
            tally.holds(told, f"{container}: {answer.status_code}")


def recording(chance: random.Random) -> tuple[str, bytes]:
    container, subtype = chance.choice(FORMATS)
    rate_hz = 24_000 if subtype == "OPUS" else chance.choice(RATES_HZ)
    sound = vowel(150.0, 3.0)
    if chance.random() < 0.3:
        sound = np.stack([sound, -sound], axis=1)
    file = io.BytesIO()
    soundfile.write(file, sound, rate_hz, format=container, subtype=subtype)
    return f"{container} {subtype}", file.getvalue()


def damaged(chance: random.Random, data: bytes) -> bytes:
    match chance.randrange(6):
        case 0:
            return data[: chance.randrange(len(data))]
        case 1:
            at = chance.randrange(min(200, len(data)))
            return data[:at] + chance.randbytes(4) + data[at + 4 :]
        case 2:
            return data + chance.randbytes(3_000)
        case 3:
            return b"ID3\x04\x00\x00\x00\x00\x00\x0a" + bytes(10) + data
        case 4:
            return data + data
        case _:
            return data
