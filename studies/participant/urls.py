"""Addresses of what participants and visitors see. A session's secret token stands in each of its own."""

from __future__ import annotations

from django.urls import path

from studies.participant.pages import ending, entry, explore, free_voice, trials

urlpatterns = [
    path("", entry.start, name="start"),
    path("s/<slug:slug>/", entry.welcome, name="welcome"),
    path("p/<str:token>/", entry.resume, name="resume"),
    path("p/<str:token>/next/", entry.next_step, name="next_step"),
    path("p/<str:token>/consent/", entry.consent, name="consent"),
    path("p/<str:token>/check/", entry.check, name="check"),
    path("p/<str:token>/explore/", explore.explore, name="explore"),
    path("p/<str:token>/explore/voice/", free_voice.free_voice, name="free_voice"),
    path("p/<str:token>/explore/compare/", explore.side_by_side, name="side_by_side"),
    path("p/<str:token>/talk/<int:position>/", trials.talk, name="talk"),
    path("p/<str:token>/rate/<int:position>/", trials.rate, name="rate"),
    path("p/<str:token>/compare/<int:pair>/", trials.compare, name="compare"),
    path("p/<str:token>/debrief/", ending.debrief, name="debrief"),
    path("p/<str:token>/withdraw/", ending.withdrawal, name="withdraw"),
]
