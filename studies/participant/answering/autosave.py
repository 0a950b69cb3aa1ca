"""Where answers are sent one by one, as they are given. Speaks JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, JsonResponse, RawPostDataException
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from studies.design.visit import Page
from studies.errors import AnswerRefused
from studies.models import Session
from studies.participant.access import TAKEN_OVER, is_open, is_running, take_over
from studies.participant.answering.answers import LISTENED, save_listened
from studies.participant.answering.question_page import QuestionPage
from studies.publish import session_protocol

MAX_BYTES: Final = 512_000
"""Twice a text of 20,000 characters, each written as an escaped surrogate pair."""
STATUS_CODES: Final = {"too_long": 413, "unreadable": 400, "invalid": 422, "unknown": 422, "paused": 503}


@dataclass(frozen=True, slots=True)
class _Sending:
    """One answer as it was sent. `side`: of the answer that was listened to."""

    item: str
    value: Any
    client_id: UUID
    epoch: Any
    questionnaire: str
    position: int | None
    pair: int | None
    side: str
    take_over: bool


@require_POST
@never_cache
def save_answer(request: HttpRequest, token: str) -> JsonResponse:
    """Keeps one answer: {item, value, client_id, epoch, questionnaire, position or pair}. Sent again with the same
    `client_id`, it changes nothing. Answers {"epoch"}, or {"code", "message"} with a status of 4xx; 409 for a tab that
    is not the newest, which takes over by sending `take_over`: true."""
    session = get_object_or_404(Session.objects.select_related("version__study", "participant"), token=token)
    try:
        _save(session, _sending(request))
    except AnswerRefused as refusal:
        status = STATUS_CODES.get(refusal.code, 409)
        return JsonResponse({"code": refusal.code, "message": str(refusal.message)}, status=status)
    return JsonResponse({"epoch": session.epoch})


def _save(session: Session, sending: _Sending) -> None:
    if session.state != Session.State.STARTED:
        raise AnswerRefused("ended", _("This visit is over, so this answer was not saved."))
    if not is_running(session):
        raise AnswerRefused("paused", _("This study is paused just now. Your answer waits on this page."))
    if sending.take_over:
        take_over(session)
    elif not session.live_tab(sending.epoch):
        raise AnswerRefused("taken_over", TAKEN_OVER)
    page = _page(session, sending)
    if sending.item == LISTENED:
        _save_listened(page, sending)
        return
    item = next((item for item in page.items if item.key == sending.item and item.asks), None)
    if item is None:
        raise AnswerRefused("unknown", _("This question is not asked here. Please load the page again."))
    try:
        value = page.check(item, sending.value, complete=False)
    except ValidationError as error:
        raise AnswerRefused("invalid", str(error.message)) from error
    page.keep({item.key: value}, client_id=sending.client_id)


def _page(session: Session, sending: _Sending) -> QuestionPage:
    questionnaires = {each.key: each.at for each in session_protocol(session).questionnaires}
    if questionnaires.get(sending.questionnaire) == "after_pair":
        page = Page("compare", pair=sending.pair)
    else:
        page = Page("questions", sending.questionnaire, sending.position)
    if not is_open(session, page):
        raise AnswerRefused("not_due", _("These questions are not due now. Please load the page again."))
    try:
        return QuestionPage(session, page)
    except Http404:
        raise AnswerRefused("not_due", _("These questions are not due now. Please load the page again.")) from None


def _save_listened(page: QuestionPage, sending: _Sending) -> None:
    trial = next((trial for trial in page.pair if trial.side == sending.side), None)
    seconds = sending.value
    if trial is None or isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= 86_400:
        raise AnswerRefused("invalid", _("This is not one of the answers. Please choose again."))
    save_listened(trial, seconds)


def _sending(request: HttpRequest) -> _Sending:
    """Raises AnswerRefused."""
    try:
        length = int(request.headers.get("Content-Length") or 0)
        if length > MAX_BYTES or len(request.body) > MAX_BYTES:
            raise AnswerRefused("too_long", _("This answer is far too long to be saved. Please shorten it."))
        sent = json.loads(request.body)
        if not isinstance(sent, dict):
            raise TypeError
        return _Sending(
            item=str(sent["item"]),
            value=sent["value"],
            client_id=UUID(sent["client_id"]),
            epoch=sent.get("epoch"),
            questionnaire=str(sent.get("questionnaire", "")),
            position=_count(sent.get("position")),
            pair=_count(sent.get("pair")),
            side=str(sent.get("side", "")),
            take_over=sent.get("take_over") is True,
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, RawPostDataException):  # the last: a form
        raise AnswerRefused("unreadable", _("This answer arrived damaged. Please try again.")) from None


def _count(value: Any) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise TypeError
