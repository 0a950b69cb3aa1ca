"""Previews: a researcher looks at the pages of a session in any order, and its data do not count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from studies.design.visit import Page
from studies.models import PageLog, Session
from studies.participant import flow
from studies.participant.arriving import enrol
from studies.publish import session_protocol

KINDS: Final = {
    "consent": "Consent",
    "check": "Device check",
    "headphones": "Headphones",
    "explore": "Explore",
    "talk": "Conversation",
    "compare": "Side by side",
    "break": "Break",
    "debrief": "Debrief",
}
LAST: Final = {
    "screened-out": Session.State.SCREENED_OUT,
    "quota-full": Session.State.QUOTA_FULL,
    "declined": Session.State.DECLINED,
    "withdrawn": Session.State.WITHDRAWN,
}
"""The ways in which a session ends early. A preview can show their pages without ending."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the menu."""

    label: str
    address: str


def bar(session: Session) -> list[Entry]:
    """Returns the menu of a preview; empty for any other session."""
    if session.mode != Session.Mode.PREVIEW:
        return []
    named = [*((step.page.name, _label(session, step.page)) for step in _all_steps(session)), *_endings()]
    return [Entry(label, reverse("preview_page", args=[session.token, name])) for name, label in named]


@transaction.atomic
def jump(session: Session, name: str) -> Page | None:
    """Makes the page of this name the one that is due, and returns it; None if the session has no such page.

    The pages before it count as done, whatever was answered, and the others as not done."""
    locked = Session.objects.select_for_update(of=("self",)).select_related("version").get(pk=session.pk)
    if locked.state != Session.State.STARTED:
        locked.state, locked.ended_because, locked.finished_at = Session.State.STARTED, "", None
        locked.save(update_fields=["state", "ended_because", "finished_at", "seen_at"])
    enrol.plan(locked, ready=True)
    places = [step.page for step in _all_steps(locked)]
    target = next((page for page in places if page.name == name), None)
    if target is None:
        return None
    before = {page.name for page in places[: places.index(target)]}
    for page in before:
        PageLog.objects.get_or_create(session=locked, page=page)
    logs = PageLog.objects.filter(session=locked)
    logs.filter(page__in=before, done_at=None).update(done_at=timezone.now())
    logs.exclude(page__in=before).update(done_at=None)
    session.refresh_from_db()
    return target


def _all_steps(session: Session) -> list[flow.Step]:
    """Returns all pages, including those that earlier answers would leave out."""
    return flow.steps(session, skipping=False)


def _endings() -> Iterator[tuple[str, str]]:
    for name in LAST:
        yield name, f"Ending: {name.replace('-', ' ')}"


def _label(session: Session, page: Page) -> str:
    if page.kind == "questions":
        known = {each.key: each for each in session_protocol(session).questionnaires}
        label = known[page.key].title or page.key
    elif page.kind == "intro":
        label = "Introduction to the practice" if page.key == "practice" else "Introduction"
    else:
        label = KINDS[page.kind]
    if page.position is not None:
        label += f" {page.position + 1}" if page.kind == "talk" else f" (conversation {page.position + 1})"
    return f"{label} (pair {page.pair + 1})" if page.pair is not None else label
