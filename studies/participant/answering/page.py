"""Pages of questionnaires, one for each at its moment of the session. The template of its type draws each item. Answers
are sent to the view in `sending`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from studies.design.visit import Page
from studies.models import Session
from studies.participant.access import frame, session_page
from studies.participant.answering.question_page import QuestionPage
from studies.questions.question import Drawn
from studies.questions.recordings import Excerpt
from studies.questions.registry import AnyItem


@dataclass(frozen=True)
class Question:
    """One item with its stored answer. `answers` maps the sides of a pair to their labels."""

    item: AnyItem
    value: Any = None
    hidden: bool = False
    excerpt: Excerpt | None = None
    answers: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.item.key

    @property
    def id(self) -> str:
        """The id of the first control, to which the error summary links."""
        return f"q-{self.item.key}"

    @property
    def template(self) -> str:
        return f"components/questions/{self.item.type}.html"

    @property
    def described_by(self) -> str:
        """The ids of the note and the error, for aria-describedby."""
        note = [f"{self.id}-note"] if self.item.help_text else []
        return " ".join([*note, f"{self.id}-error"])

    @cached_property
    def parts(self) -> Mapping[str, Any]:
        """What the type of the item passes to its template."""
        return self.item.parts(Drawn(self.id, self.value, self.answers))


@require_safe
@session_page()
def questions(request: HttpRequest, session: Session, questionnaire: str, position: int | None = None) -> HttpResponse:
    """Shows one questionnaire."""
    page = QuestionPage(session, Page("questions", questionnaire, position))
    context = {
        "questionnaire": page.questionnaires[0],
        "prompt": page.protocol.prompt(page.trial.prompt.key) if page.trial is not None else None,
        **asked_context(page),
    }
    return render(request, "participant/answering/questions.html", frame(request, session, **context))


def asked_context(page: QuestionPage) -> dict[str, Any]:
    """Returns the context of templates/components/questions/: `questions`, the style sheets and scripts of their types,
    `questions_config` for js/pages/questions.js, and whether participants may say that there was no answer
    (`may_lack_answer`) or it is known that there was none (`lacks_answer`)."""
    shown = page.shown_keys()
    labels = page.labels
    return {
        "questions": [
            Question(
                item,
                value=page.known.get(item.key),
                hidden=item.key not in shown,
                excerpt=page.excerpts.get(item.key),
                answers=labels,
            )
            for item in page.items
        ],
        "may_lack_answer": bool(page.judges),
        "lacks_answer": bool(page.unanswered),
        "question_styles": _files_of(page.items, "studies/css/questions/{}.css"),
        "question_scripts": _files_of(page.items, "studies/js/questions/types/{}.js"),
        "questions_config": {
            "saveUrl": reverse("save_answers", args=[page.session.token]),
            "resumeUrl": reverse("resume", args=[page.session.token]),
            "position": page.page.position,
            "pair": page.page.pair,
            "questionnaires": page.questionnaire_of,
            "conditions": {item: when.model_dump(exclude_none=True) for item, when in page.conditions.items()},
            "known": page.needed,
        },
    }


def _files_of(items: Collection[AnyItem], pattern: str) -> list[str]:
    """Returns the static files, named by `pattern`, that the types of these items have."""
    named = dict.fromkeys(pattern.format(item.type) for item in items)
    return [path for path in named if _is_there(path)]


@cache
def _is_there(path: str) -> bool:
    return finders.find(path) is not None
