"""Addresses of researchers' pages under /research/. The admin has its own."""

from __future__ import annotations

from django.urls import include, path
from django.views.generic import RedirectView

from studies.exports.tables import TABLES
from studies.researcher import views, voices

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="research"),
    path("now/", views.now, name="now"),
    path("takes/<uuid:take_id>/<slug:kind>.flac", views.researcher_track, name="researcher_track"),
    path("voices/<int:version_id>.flac", voices.researcher_voice, name="researcher_voice"),
    path("voices/drafts/", voices.upload_draft, name="upload_voice"),
    path("voices/drafts/<uuid:draft>.flac", voices.draft_audio, name="voice_draft"),
    path("studies/", include("studies.researcher.design.urls")),
    *(
        path(f"studies/<slug:slug>/{table}.csv", views.table_csv, {"table": table}, name=f"{table}_csv")
        for table in TABLES
    ),
    path("studies/<slug:slug>/codebook.csv", views.codebook_csv, name="codebook_csv"),
    path("studies/<slug:slug>/codebook/", views.codebook, name="codebook"),
]
