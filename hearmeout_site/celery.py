"""The Celery application, which files recordings, computes metrics and erases data."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hearmeout_site.settings")

app = Celery("hearmeout")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
