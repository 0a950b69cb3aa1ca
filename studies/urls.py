"""All addresses of the app, by who uses them."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("", include("studies.participant.urls")),
    path("", include("studies.talk.urls")),
    path("", include("studies.voices.urls")),
    path("research/", include("studies.researcher.urls")),
]
