"""What a page's programs repeat of the server's constants says the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

from inference.contract import audio
from studies.talk.live import endings

JS = Path(settings.BASE_DIR) / "studies/static/studies/js"


def constants(file: str) -> dict[str, int]:
    """The whole numbers that a module names."""
    found = re.findall(r"^(?:export )?const ([A-Z0-9_]+) = ([\d_]+);", (JS / file).read_text(), re.MULTILINE)
    return {name: int(value) for name, value in found}


@pytest.mark.parametrize("name", ["CLOSE_TICKET", "CLOSE_TOO_SLOW", "CLOSE_UNAVAILABLE"])
def test_page_knows_how_the_server_closes(name: str) -> None:
    assert constants("talk/talk-socket.js")[name] == getattr(endings, name)


@pytest.mark.parametrize("name", ["SAMPLE_RATE_HZ", "FRAME_SAMPLES", "UPLINK_SAMPLES", "PCM16_SCALE"])
def test_page_has_the_same_audio_format(name: str) -> None:
    assert constants("contract/audio.js")[name] == getattr(audio, name)
