"""Addresses of what participants and visitors see. A session's secret token stands in each of its own."""

from __future__ import annotations

from django.urls import path

from studies.participant.pages import (
    answering,
    check,
    compare,
    consent,
    ending,
    entry,
    explore,
    free_voice,
    headphones,
    intro,
    preview,
    questions,
    tabs,
    trials,
    withdrawal,
)

urlpatterns = [
    path("", entry.start, name="start"),
    path("s/<slug:slug>/", entry.welcome, name="welcome"),
    path("p/<slug:token>/", entry.resume, name="resume"),
    path("p/<slug:token>/next/", entry.next_step, name="next_step"),
    path("p/<slug:token>/consent/", consent.consent, name="consent"),
    path("p/<slug:token>/consent/copy/", consent.copy, name="consent_copy"),
    path("p/<slug:token>/tab/", tabs.tab, name="tab"),
    path("p/<slug:token>/language/", tabs.language, name="language"),
    path("p/<slug:token>/preview/<str:name>/", preview.preview_page, name="preview_page"),
    path("p/<slug:token>/check/", check.check, name="check"),
    path("p/<slug:token>/check/attempts/", check.attempt, name="check_attempt"),
    path("p/<slug:token>/headphones/", headphones.headphones, name="headphones"),
    path("p/<slug:token>/explore/", explore.explore, name="explore"),
    path("p/<slug:token>/explore/voice/", free_voice.free_voice, name="free_voice"),
    path("p/<slug:token>/explore/compare/", explore.side_by_side, name="side_by_side"),
    path("p/<slug:token>/intro/<slug:which>/", intro.intro, name="intro"),
    path("p/<slug:token>/break/<int:position>/", intro.pause, name="break"),
    path("p/<slug:token>/talk/<int:position>/", trials.talk, name="talk"),
    path("p/<slug:token>/questions/<slug:questionnaire>/", questions.questions, name="questions"),
    path("p/<slug:token>/questions/<slug:questionnaire>/<int:position>/", questions.questions, name="questions"),
    path("p/<slug:token>/compare/<int:pair>/", compare.compare, name="compare"),
    path("p/<slug:token>/answers/", answering.save_answer, name="save_answer"),
    path("p/<slug:token>/debrief/", ending.debrief, name="debrief"),
    path("p/<slug:token>/withdraw/", withdrawal.withdrawal, name="withdraw"),
    path("p/<slug:token>/withdraw/receipt.txt", withdrawal.receipt, name="withdrawal_receipt"),
]
