"""The view to which answers are sent as JSON: single ones as they are given, and all answers of a page to leave it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, JsonResponse, RawPostDataException
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from studies.design.visit import Page
from studies.errors import AnswerRefused
from studies.models import Session, Trial
from studies.participant import flow
from studies.participant.access import TAKEN_OVER, go_on, is_open, is_running, take_over
from studies.participant.answering.answers import LISTENED, NO_ANSWER, save_listened, save_no_answer
from studies.participant.answering.page import Question
from studies.participant.answering.question_page import QuestionPage, Sent
from studies.participant.arriving import enrol
from studies.participant.comparing.page import not_heard
from studies.publish import session_protocol

MAX_BYTES: Final = 2_500_000
"""Slightly below Django's limit for the body of a request (DATA_UPLOAD_MAX_MEMORY_SIZE)."""
STATUS_CODES: Final = {"too_long": 413, "unreadable": 400, "invalid": 422, "unknown": 422, "paused": 503}


@dataclass(frozen=True, slots=True)
class _Said:
    """One answer as it was sent. For seconds of listening, and for there having been no answer, `side` is the side of
    the recorded answer, or empty where the page is about one talk."""

    item: str
    value: Any
    client_id: UUID | None
    side: str


@dataclass(frozen=True, slots=True)
class _Sending:
    """A message of a page. With `go_on`, it contains the answers to all items that the page shows."""

    answers: list[_Said]
    epoch: Any
    questionnaire: str
    position: int | None
    pair: int | None
    take_over: bool
    go_on: bool


@require_POST
@never_cache
def save_answers(request: HttpRequest, token: str) -> JsonResponse:
    """Stores answers: {answers: [{item, value, client_id}], epoch, questionnaire, position or pair}.

    An answer that is sent again with the same `client_id` changes nothing. The response is {epoch}, or {code, message}
    with an error status. The status is 409 for a tab that is not the newest; it takes over by sending `take_over`:
    true.

    With `go_on`: true the page sends the answers to all items that it shows. If nothing is missing, the response is
    {epoch, next}, where `next` is the address of the next page. Otherwise all valid answers are stored, the status is
    422, and the response is {code: "incomplete", epoch, errors, summary}: `errors` maps items to messages, and
    `summary` is HTML that lists all of them."""
    session = get_object_or_404(Session.objects.select_related("version__study", "participant"), token=token)
    try:
        sending = _sending(request)
        page = _page_of(session, sending)
        if sending.go_on:
            return _go_on(request, page, sending)
        for said in sending.answers:
            _save(page, said)
    except AnswerRefused as refusal:
        status = STATUS_CODES.get(refusal.code, 409)
        return JsonResponse({"code": refusal.code, "message": str(refusal.message)}, status=status)
    return JsonResponse({"epoch": session.epoch})


def _page_of(session: Session, sending: _Sending) -> QuestionPage:
    """Returns the page from which answers are sent. Raises AnswerRefused if it cannot be answered now."""
    if sending.go_on and session.mode != Session.Mode.PREVIEW:
        enrol.stay(session)
    if session.state != Session.State.STARTED:
        raise AnswerRefused("ended", _("This session has ended, so your answer was not saved."))
    if not is_running(session):
        raise AnswerRefused(
            "paused", _("This study is paused right now. Your answer stays on this page until it can be sent.")
        )
    if sending.take_over:
        take_over(session)
    elif not session.live_tab(sending.epoch):
        raise AnswerRefused("taken_over", TAKEN_OVER)
    questionnaires = {each.key: each.at for each in session_protocol(session).questionnaires}
    if questionnaires.get(sending.questionnaire) == "after_pair":
        page = Page("compare", pair=sending.pair)
    else:
        page = Page("questions", sending.questionnaire, sending.position)
    if not is_open(session, page):
        raise AnswerRefused("not_due", _("These questions cannot be answered at this point. Please reload the page."))
    try:
        return QuestionPage(session, page)
    except Http404:
        raise AnswerRefused(
            "not_due", _("These questions cannot be answered at this point. Please reload the page.")
        ) from None


def _save(page: QuestionPage, said: _Said) -> None:
    """Stores one answer, which may be incomplete. Raises AnswerRefused."""
    if said.item in OF_TALKS:
        OF_TALKS[said.item](page, said)
        return
    item = next((item for item in page.items if item.key == said.item and item.asks), None)
    if item is None:
        raise AnswerRefused("unknown", _("This question does not belong to this page. Please reload the page."))
    try:
        value = page.check(item, said.value, complete=False)
    except ValidationError as error:
        raise AnswerRefused("invalid", str(error.message)) from error
    page.keep({item.key: value}, client_id=said.client_id)


def _save_listened(page: QuestionPage, said: _Said) -> None:
    seconds = said.value
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= 86_400:
        raise _not_one_of_them()
    save_listened(_trial_of(page.pair, said), float(seconds))


def _save_no_answer(page: QuestionPage, said: _Said) -> None:
    if not isinstance(said.value, bool):
        raise _not_one_of_them()
    save_no_answer(_trial_of(page.judges, said), said.value)


def _trial_of(trials: Sequence[Trial], said: _Said) -> Trial:
    """Returns the trial that an answer is about. Raises AnswerRefused."""
    found = [trial for trial in trials if not said.side or trial.side == said.side]
    if len(found) != 1:
        raise _not_one_of_them()
    return found[0]


def _not_one_of_them() -> AnswerRefused:
    return AnswerRefused("invalid", _("This is not one of the possible answers. Please choose again."))


OF_TALKS: Final[Mapping[str, Callable[[QuestionPage, _Said], None]]] = {
    LISTENED: _save_listened,
    NO_ANSWER: _save_no_answer,
}
"""What a page sends about a talk although no question asks for it."""


def _go_on(request: HttpRequest, page: QuestionPage, sending: _Sending) -> JsonResponse:
    """Stores all valid answers, and returns the address of the next page if nothing is missing.

    Raises AnswerRefused."""
    for said in sending.answers:
        if said.item in OF_TALKS:
            OF_TALKS[said.item](page, said)
    sent = page.read({said.item: said.value for said in sending.answers})
    problem = not_heard(page) if page.pair else ""
    page.keep(sent.values)
    if sent.errors or problem:
        return _incomplete(request, page, sent, problem)
    _mark_done(page)
    return JsonResponse({"epoch": page.session.epoch, "next": go_on(page.session)["Location"]})


def _incomplete(request: HttpRequest, page: QuestionPage, sent: Sent, problem: str) -> JsonResponse:
    wrong = [(Question(item), sent.errors[item.key]) for item in page.items if item.key in sent.errors]
    summary = render_to_string("components/questions/summary.html", {"wrong": wrong, "problem": problem}, request)
    content = {"code": "incomplete", "epoch": page.session.epoch, "errors": dict(sent.errors), "summary": summary}
    return JsonResponse(content, status=422)


def _mark_done(page: QuestionPage) -> None:
    trial = page.trial
    done_before = page.session.pages.filter(page=page.page.name, done_at__isnull=False).exists()
    if trial is not None and page.questionnaires[0].at == "after_trial" and not done_before:
        trial.done_at = timezone.now()
        trial.save(update_fields=["done_at"])
    flow.mark_done(page.session, page.page)


def _sending(request: HttpRequest) -> _Sending:
    """Reads the body of a request. Raises AnswerRefused if it is too long or cannot be read."""
    try:
        length = int(request.headers.get("Content-Length") or 0)
        if length > MAX_BYTES or len(request.body) > MAX_BYTES:
            raise AnswerRefused("too_long", _("This answer is far too long to be saved. Please shorten it."))
        sent = json.loads(request.body)
        if not isinstance(sent, dict) or not isinstance(sent["answers"], list):
            raise TypeError
        return _Sending(
            answers=[_said(answer) for answer in sent["answers"]],
            epoch=sent.get("epoch"),
            questionnaire=str(sent.get("questionnaire", "")),
            position=_count(sent.get("position")),
            pair=_count(sent.get("pair")),
            take_over=sent.get("take_over") is True,
            go_on=sent.get("go_on") is True,
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, RawPostDataException):  # The last: a form.
        raise AnswerRefused(
            "unreadable", _("This answer was damaged on its way to the server. Please try again.")
        ) from None


def _said(answer: Any) -> _Said:
    """Reads one answer. Raises ValueError, TypeError, KeyError or AttributeError if it has the wrong form."""
    client_id = answer.get("client_id")
    return _Said(
        item=str(answer["item"]),
        value=answer["value"],
        client_id=UUID(client_id) if client_id is not None else None,
        side=str(answer.get("side", "")),
    )


def _count(value: Any) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise TypeError
