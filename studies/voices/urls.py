"""The addresses from which inference workers fetch target voices."""

from __future__ import annotations

from django.urls import re_path

from studies.voices import views

urlpatterns = [re_path(r"^voices/(?P<sha256>[0-9a-f]{64})\.flac$", views.worker_voice, name="worker_voice")]
