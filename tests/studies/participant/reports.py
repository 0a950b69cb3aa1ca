"""What the device check's page sends: a report of a good device, and changes of it."""

from __future__ import annotations

import json
from typing import Any

GOOD: dict[str, Any] = {
    "noise_dbfs": -62.5,
    "snr_db": 38.0,
    "clipped_percent": 0.0,
    "round_trip_ms": 23.5,
    "unmeasured": {},
    "microphone": {"speech_db": -24.5, "clipped_samples": 0, "verdict": "ok"},
    "sound": {"heard": True, "leak_db": 2, "leaking": False, "output": "headphones"},
    "input": {"echoCancellation": False, "noiseSuppression": False, "sampleRate": 48_000, "kind": "headset"},
    "settings": {"requested": {"echoCancellation": False}, "narrow": False, "user_agent": "Browser/1.0"},
    "check_context_hz": 48_000,
    "delay": {"conversion_ms": 60, "round_trip_ms": 41.0, "probes": 12, "heard_self": 1},
}


def report(**changes: Any) -> str:
    """As the form sends it."""
    return json.dumps({**GOOD, **changes})
