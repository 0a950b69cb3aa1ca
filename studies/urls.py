"""All addresses of the app, by who uses them."""

from __future__ import annotations

from django.urls import include, path, re_path

from studies.voices.views import worker_voice

urlpatterns = [
    path("", include("studies.participant.urls")),
    path("", include("studies.talk.urls")),
    re_path(r"^voices/(?P<sha256>[0-9a-f]{64})\.flac$", worker_voice, name="worker_voice"),
    path("research/", include("studies.researcher.urls")),
]
