"""The Celery application, which files recordings, computes metrics and erases data."""

from __future__ import annotations

import os
import sys
import warnings
from typing import Final

from celery import Celery
from celery.signals import beat_init, worker_ready

READY: Final = "ready"

# the supervisor says it once, in plain words; in a container it is ordinary
warnings.filterwarnings("ignore", "You're running the worker with superuser privileges")

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hearmeout_site.settings")

app = Celery("hearmeout")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def say_ready(**_: object) -> None:
    """Tells whoever started this process; past Celery's log, which would make a warning of it."""
    print(READY, file=sys.__stdout__, flush=True)


for starting in (worker_ready, beat_init):
    starting.connect(say_ready)
