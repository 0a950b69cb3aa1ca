"""One measure of every filed take of a session, in order of recording.

python -m tests.e2e.inspect_metric '{"session": "<token>", "track": "heard", "name": "f0_median_hz"}'
"""

from __future__ import annotations

import json
import sys

import django

django.setup()

from studies.models import Metric  # noqa: E402

if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    metrics = Metric.objects.filter(take__trial__session__token=asked["session"])
    found = metrics.filter(track=asked["track"], name=asked["name"]).order_by("take__created_at")
    print(json.dumps(list(found.values("value", "unit", "reason"))))
