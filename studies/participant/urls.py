"""Addresses of the pages of participants and visitors. The addresses of a session contain its secret token."""

from __future__ import annotations

from django.urls import path

from studies.participant import tabs
from studies.participant.answering import page as answering
from studies.participant.answering import sending
from studies.participant.arriving import page as arriving
from studies.participant.checking import headphones
from studies.participant.checking import page as checking
from studies.participant.comparing import page as comparing
from studies.participant.consenting import page as consenting
from studies.participant.leaving import page as leaving
from studies.participant.talking import beginning, explore, free_voice, keeping
from studies.participant.talking import page as talking

urlpatterns = [
    path("", arriving.start, name="start"),
    path("s/<slug:slug>/", arriving.welcome, name="welcome"),
    path("p/<slug:token>/", arriving.resume, name="resume"),
    path("p/<slug:token>/next/", arriving.next_step, name="next_step"),
    path("p/<slug:token>/consent/", consenting.consent, name="consent"),
    path("p/<slug:token>/consent/copy/", consenting.copy, name="consent_copy"),
    path("p/<slug:token>/tab/", tabs.tab, name="tab"),
    path("p/<slug:token>/again/", tabs.send_again, name="send_again"),
    path("p/<slug:token>/language/", tabs.language, name="language"),
    path("p/<slug:token>/preview/<str:name>/", tabs.preview_page, name="preview_page"),
    path("p/<slug:token>/check/", checking.check, name="check"),
    path("p/<slug:token>/check/attempts/", checking.attempt, name="check_attempt"),
    path("p/<slug:token>/headphones/", headphones.headphones, name="headphones"),
    path("p/<slug:token>/explore/", explore.explore, name="explore"),
    path("p/<slug:token>/explore/voice/", free_voice.free_voice, name="free_voice"),
    path("p/<slug:token>/explore/compare/", explore.side_by_side, name="side_by_side"),
    path("p/<slug:token>/explore/talks/", beginning.begin_talk, name="begin_talk"),
    path("p/<slug:token>/explore/again/", beginning.ask_again, name="ask_again"),
    path("p/<slug:token>/explore/talks/<uuid:take_id>/", keeping.shown_talk, name="own_talk"),
    path("p/<slug:token>/explore/talks.zip", keeping.download, name="own_talks"),
    path("p/<slug:token>/explore/erase/", keeping.erase, name="erase_talk"),
    path("p/<slug:token>/intro/<slug:which>/", talking.intro, name="intro"),
    path("p/<slug:token>/break/<int:position>/", talking.pause, name="break"),
    path("p/<slug:token>/talk/<int:position>/", talking.talk, name="talk"),
    path("p/<slug:token>/questions/<slug:questionnaire>/", answering.questions, name="questions"),
    path("p/<slug:token>/questions/<slug:questionnaire>/<int:position>/", answering.questions, name="questions"),
    path("p/<slug:token>/compare/<int:pair>/", comparing.compare, name="compare"),
    path("p/<slug:token>/answers/", sending.save_answers, name="save_answers"),
    path("p/<slug:token>/debrief/", leaving.debrief, name="debrief"),
    path("p/<slug:token>/withdraw/", leaving.withdrawal, name="withdraw"),
    path("p/<slug:token>/withdraw/receipt.txt", leaving.receipt, name="withdrawal_receipt"),
]
