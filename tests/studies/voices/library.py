"""Target voices for tests, as the library makes them, and a converter that speaks in one."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from inference.contract.catalog import CONVERTERS, Entry
from inference.contract.parameters import PARAMETERS
from studies.models import ProtocolVersion, Study, TargetVoice, TargetVoiceVersion
from studies.protocol.reading.document import parse_yaml
from studies.publish import publish
from studies.voices.decoding import Reference, encode
from studies.voices.library import Consent, Source, add_version
from tests.signals import vowel
from tests.studies import factories

GOOD = {"version": "1", "verdict": "ok", "findings": [], "signs": {}}
FACTS = {
    "container": "wav",
    "codec": "PCM_16",
    "rate_hz": 48_000,
    "channels": 1,
    "duration_sec": 1.0,
    "clipped_share": 0,
}
BECOME = "become"
"""A converter that needs a target voice."""

TARGETED = factories.PROTOCOL.replace("{preset: lower}", "{converter: become, target: anna}")


@cache
def reference(f0_hz: float = 200.0, verdict: str = "ok") -> Reference:
    """A second of a vowel."""
    finding = {"check": "noise", "label": "Signal to noise", "verdict": verdict, "value": 3.0, "unit": "dB"}
    quality = GOOD | {
        "verdict": verdict,
        "findings": [finding | {"expected": "10", "text": "There is too much noise."}],
    }
    return encode((vowel(f0_hz, 1.0) * 32_000).astype("<i2"), FACTS, quality)


def consent(**changes: Any) -> Consent:
    fields: dict[str, Any] = {
        "speaker": "Speaker 7",
        "scope": "Studies of how machines hear people.",
        "until": timezone.localdate() + timedelta(days=365),
        "licence": "agreement",
        "licence_text": "Conversion in this study.",
        "evidence": "Form 12/2026",
    }
    return Consent(**(fields | changes))


def make_voice(
    key: str = "anna",
    *,
    study: Study | None = None,
    name: str = "Anna",
    by: User | None = None,
    f0_hz: float = 200.0,
    **changes: Any,
) -> TargetVoiceVersion:
    """A voice with one version; shared without a study."""
    voice = TargetVoice.objects.create(key=key, name=name, study=study)
    return add_to(voice, by=by, f0_hz=f0_hz, **changes)


def add_to(voice: TargetVoice, *, by: User | None = None, f0_hz: float = 200.0, **changes: Any) -> TargetVoiceVersion:
    by = by or User.objects.get_or_create(username="vera")[0]
    return add_version(voice, reference(f0_hz), consent(**changes), by=by, source=Source.UPLOAD)


def expire(version: TargetVoiceVersion, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the day after its consent come."""
    day_after = version.consent_until + timedelta(days=1)
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *_: day_after)


@pytest.fixture
def become(monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts the converter into the catalogue."""
    entry = Entry("Another's voice", "nowhere:Become", "For tests.", needs_target=True)
    monkeypatch.setitem(CONVERTERS, BECOME, entry)
    monkeypatch.setitem(PARAMETERS, BECOME, {})


def make_targeted_study(slug: str = "voices") -> ProtocolVersion:
    """A published study whose second condition speaks in the voice `anna`."""
    return publish(Study.objects.get_or_create(slug=slug, defaults={"title": slug})[0], parse_yaml(TARGETED))
