"""How a talk of an explore study begins: live, or by asking the recorded question of an earlier one again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from studies.errors import TakeRefused
from studies.models import Session, Take, Trial
from studies.participant.access import find_session
from studies.participant.talking.explore import (
    Options,
    choose,
    chosen_in,
    finished_takes,
    free_schedule,
    last_parameters,
    options,
)
from studies.protocol.cells import FREE_VOICE
from studies.publish import session_protocol
from studies.talk.views import open_take, refusals_as_json

NOT_OFFERED: Final = _("This is not offered here. Please reload the page and choose again.")


@require_POST
@never_cache
@refusals_as_json
def begin_talk(request: HttpRequest, token: str) -> HttpResponse:
    """Starts a take with the prompt, voice and engine that the address names, and answers as `create_take` does."""
    session, offered = _at_explore(request, token)
    return open_take(_chosen(session, offered, request.GET.dict()))


@require_POST
@never_cache
@refusals_as_json
def ask_again(request: HttpRequest, token: str) -> HttpResponse:
    """Starts a take in which the recorded question of `take` is asked again, of the same engine, in the given voice.

    It answers as `create_take` does. What must be agreed to is the same as for a live talk."""
    session, offered = _at_explore(request, token)
    asked, source = _asked(session, request.GET.get("take", ""))
    before = chosen_in(asked.trial)
    choice = {"prompt": asked.trial.prompt.key, **before, "voice": request.GET.get("voice", "")}
    if choice["voice"] == before["voice"] and asked.trial.own_voices is not None:
        trial = choose(session, choice, asked.trial.own_voices)
    else:
        trial = _chosen(session, offered, choice)
    return open_take(trial, source)


def _at_explore(request: HttpRequest, token: str) -> tuple[Session, Options]:
    session = find_session(token)
    if not session.live_tab(request.GET.get("epoch")):
        raise TakeRefused(
            "another_tab", _("Nothing was started here. Your session continues where you opened it last.")
        )
    return session, options(session, session_protocol(session))


def _chosen(session: Session, offered: Options, asked: Mapping[str, str]) -> Trial:
    """Raises TakeRefused for what is not offered, or needs more than there is."""
    groups = {"prompt": offered.prompts, "voice": offered.voices, "engine": offered.engines}
    choice = {name: asked.get(name, "") for name in groups}
    chosen = [card for name, cards in groups.items() for card in cards if card.key == choice[name]]
    if len(chosen) < len(groups):
        raise TakeRefused("not_offered", NOT_OFFERED)
    for card in chosen:
        if card.unavailable:
            raise TakeRefused("not_available", card.unavailable)
    own = free_schedule(last_parameters(session)) if choice["voice"] == FREE_VOICE.key else None
    return choose(session, choice, own)


def _asked(session: Session, take: str) -> tuple[Take, Take]:
    """Returns the take of this name, and the one in which the participant spoke its question, which differs if it was
    asked again itself. Raises TakeRefused unless the recording is saved."""
    kept = {str(each.pk): each for each in finished_takes(session)}
    found = kept.get(take)
    if found is None:
        raise TakeRefused("unknown_take", _("This conversation does not exist."))
    source = kept.get(str(found.asked_from_id), found)
    if source.state != Take.State.FINAL:
        raise TakeRefused("not_filed", _("The recording is still being prepared. Please try again in a moment."))
    return found, source
