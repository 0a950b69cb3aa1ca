"""One measure of every filed take, in order of recording.

python -m tests.e2e.inspect_metric '{"track": "heard", "name": "f0_median_hz"}'
"""

from __future__ import annotations

import json
import sys

import django

django.setup()

from studies.models import Metric  # noqa: E402

if __name__ == "__main__":
    found = Metric.objects.filter(**json.loads(sys.argv[1])).order_by("take__created_at")
    print(json.dumps(list(found.values("value", "unit", "reason"))))
