"""The addresses of takes, inference workers and health. The talk socket's address is in hearmeout_site.asgi."""

from __future__ import annotations

from django.urls import path, register_converter

from studies.models import Track
from studies.talk import views


class KindConverter:
    """Matches a kind of track."""

    regex = "|".join(Track.Kind.values)

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(KindConverter, "kind")

urlpatterns = [
    path("p/<slug:token>/trials/<int:position>/takes/", views.create_take, name="create_take"),
    path("p/<slug:token>/takes/<uuid:take_id>/ticket/", views.issue_ticket, name="issue_ticket"),
    path("p/<slug:token>/takes/<uuid:take_id>/", views.take_status, name="take_status"),
    path("p/<slug:token>/takes/<uuid:take_id>/<kind:kind>.flac", views.participant_track, name="participant_track"),
    path("workers/heartbeat/", views.heartbeat, name="heartbeat"),
    path("healthz", views.health, name="health"),
]
