"""Two open studies about voices, answered by the echo, which publishing would otherwise refuse.

python -m tests.e2e.seed_voices '{}'   ->  ["voices", "sliders"]
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, Final

import django

django.setup()

from django.utils import timezone  # noqa: E402

import studies.publish  # noqa: E402
from studies.models import Study  # noqa: E402
from studies.protocol.reading.document import parse  # noqa: E402

SHARED: Final[dict[str, Any]] = {
    "version": 1,
    "summary": "Heard as you are, and changed.",
    "welcome": "You will talk with an echo.",
    "consent": {
        "text": "Your voice is recorded and changed.",
        "purposes": [
            {"key": "participate", "label": "I take part."},
            {"key": "record", "label": "Record me."},
            {"key": "convert", "label": "Change my voice."},
        ],
    },
    "prompts": [{"key": "free", "title": "Say anything", "card": "Say **anything** you like.", "limit_sec": 60}],
    "hear_yourself": "live",
    "debrief": "Thank you.",
}
RAISED: Final = {"converter": "transform", "parameters": {"f0_ratio": 1.5}}
VOICES: Final = {
    **SHARED,
    "kind": "paired",
    "title": "Two voices",
    "conditions": [
        {"key": "natural", "label": "Natural", "engine": "echo", "voices": [{"preset": "natural"}]},
        {"key": "raised", "label": "Raised", "engine": "echo", "voices": [RAISED]},
    ],
    "pairs": [{"prompt": "free", "conditions": ["natural", "raised"]}],
}
SLIDERS: Final = {
    **SHARED,
    "kind": "explore",
    "title": "Sliders",
    "offer": {
        "engines": [{"engine": "echo"}],
        "voices": [{"key": "own", "label": "My own voice", "about": "As it is.", "voices": [{"preset": "natural"}]}],
        "free_voice": True,
    },
}


def open_with_echo(slug: str, document: dict[str, Any]) -> str:
    study = Study.objects.create(slug=slug, title=document["title"])
    studies.publish.publish(study, parse(document))
    today = timezone.localdate()
    studies.publish.open_study(study, ethics_reference="Tests", retention_until=today + timedelta(days=30))
    return slug


if __name__ == "__main__":
    studies.publish.check_publishable = lambda protocol: []  # type: ignore[attr-defined]
    print(json.dumps([open_with_echo("voices", VOICES), open_with_echo("sliders", SLIDERS)]))
