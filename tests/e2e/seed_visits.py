"""Open studies for visits that go another way than straight through, answered by the echo.

python -m tests.e2e.seed_visits '{}'   ->  ["questions", ...], their slugs
python -m tests.e2e.seed_visits '{"slug": "...", "state": "paused"}'   opens, pauses or closes one
"""

from __future__ import annotations

import json
import sys
from typing import Any, Final

import django

django.setup()

import studies.publish  # noqa: E402
from studies.models import Study  # noqa: E402
from tests.e2e.seed_voices import open_with_echo  # noqa: E402

ECHO: Final[dict[str, Any]] = {
    "version": 2,
    "kind": "planned",
    "summary": "Two talks with an echo.",
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
    "conditions": [
        {"key": "natural", "label": "Natural", "engine": "echo", "voices": [{"preset": "natural"}]},
        {"key": "higher", "label": "Higher", "engine": "echo", "voices": [{"preset": "higher"}]},
    ],
    "pairs": [{"prompt": "free", "conditions": ["natural", "higher"]}],
    "debrief": "Thank you.",
}
SCALE: Final = {"low": "Not at all", "high": "Very"}
BACKGROUND: Final[dict[str, Any]] = {
    "key": "background",
    "at": "background",
    "title": "About you",
    "items": [
        {"type": "short_text", "key": "town", "text": "Where do you live?"},
        {"type": "likert", "key": "used", "text": "How used are you to machines that talk?", **SCALE},
        {"type": "visual_analogue", "key": "awake", "text": "How awake are you?", **SCALE},
        {
            "type": "single_choice",
            "key": "drink",
            "text": "What do you drink?",
            "options": [{"key": "tea", "label": "Tea"}, {"key": "coffee", "label": "Coffee"}],
        },
        {"type": "long_text", "key": "day", "text": "How was your day?", "required": False},
    ],
}
VERDICT: Final[dict[str, Any]] = {
    "key": "verdict",
    "at": "after_pair",
    "items": [{"type": "preference", "key": "prefer", "text": "Which one?"}],
}
AGE: Final[dict[str, Any]] = {
    "key": "eligibility",
    "at": "eligibility",
    "title": "Before we begin",
    "items": [{"type": "switch", "key": "adult", "text": "Are you 18 or older?"}],
}
ADULTS: Final = {"all": [{"item": "adult", "equals": True}]}
STUDIES: Final = {
    "questions": {"title": "Questions", "questionnaires": [BACKGROUND, VERDICT]},
    "no-adults": {
        "title": "Enough adults",
        "questionnaires": [AGE, VERDICT],
        "quotas": [{"key": "adults", "max": 0, "when": ADULTS}],
    },
    "nobody": {"title": "Enough people", "questionnaires": [VERDICT], "quotas": [{"key": "all", "max": 0}]},
    "ending": {"title": "An end", "questionnaires": [BACKGROUND, VERDICT]},
}


def main(slug: str = "", state: str = "") -> Any:
    if slug:
        return Study.objects.filter(slug=slug).update(state=state)
    studies.publish.check_publishable = lambda protocol: []  # type: ignore[attr-defined]
    return [open_with_echo(name, {**ECHO, **own}) for name, own in STUDIES.items()]


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
