"""Questionnaires: one page each, at its moment of the visit."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from studies.design.visit import Page
from studies.errors import AnswerRefused
from studies.models import Session
from studies.participant import flow
from studies.participant.access import frame, go_on, session_page
from studies.participant.answering.question_page import QuestionPage, Sent
from studies.participant.answering.shown import Question


@require_http_methods(["GET", "HEAD", "POST"])
@session_page()
def questions(request: HttpRequest, session: Session, questionnaire: str, position: int | None = None) -> HttpResponse:
    """One questionnaire. Going on keeps all that can be kept, and asks again for what is missing or not right."""
    page = QuestionPage(session, Page("questions", questionnaire, position))
    sent, status = Sent(), 200
    if request.method == "POST":
        sent = page.read(request.POST)
        if keep(page, sent):
            return go_on(session)
        status = 422
    context = {
        "questionnaire": page.questionnaires[0],
        "prompt": page.protocol.prompt(page.trial.prompt.key) if page.trial is not None else None,
        **asked_context(page, sent),
    }
    return render(request, "participant/answering/questions.html", frame(request, session, **context), status=status)


def keep(page: QuestionPage, sent: Sent, problem: str = "") -> bool:
    """Saves what a form said, and whether that was all of it (with no `problem` besides), or the visit is over: then
    the way leads on."""
    try:
        page.keep(sent.values)
    except AnswerRefused:
        return True
    if sent.errors or problem:
        return False
    trial = page.trial
    done_before = page.session.pages.filter(page=page.page.name, done_at__isnull=False).exists()
    if trial is not None and page.questionnaires[0].at == "after_trial" and not done_before:
        trial.done_at = timezone.now()
        trial.save(update_fields=["done_at"])
    flow.mark_done(page.session, page.page)
    return True


def asked_context(page: QuestionPage, sent: Sent, problem: str = "") -> dict[str, Any]:
    """What templates/components/questions/ needs: `questions`, those that are `wrong`, a `problem` with the whole form,
    and `questions_config` for js/pages/questions.js."""
    shown = page.shown_keys(sent.values)
    labels = page.labels
    asked = [
        Question(
            item,
            value=sent.typed[item.key] if item.key in sent.errors else {**page.known, **sent.values}.get(item.key),
            error=sent.errors.get(item.key, ""),
            hidden=item.key not in shown,
            excerpt=page.excerpts.get(item.key),
            answers=labels,
        )
        for item in page.items
    ]
    return {
        "questions": asked,
        "wrong": [question for question in asked if question.error],
        "problem": problem,
        "questions_config": {
            "saveUrl": reverse("save_answer", args=[page.session.token]),
            "position": page.page.position,
            "pair": page.page.pair,
            "questionnaires": page.questionnaire_of,
            "conditions": {item: when.model_dump(exclude_none=True) for item, when in page.conditions.items()},
            "known": page.needed,
        },
    }
