"""What visitors can do with the talks they had: see one again, download them, and erase them."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from studies import erasure_log
from studies.errors import RecordingError
from studies.models import AccessLog, Session, Take
from studies.participant.access import frame, session_page
from studies.participant.talking.explore import chosen_in, finished_takes, options, own_talk
from studies.publish import session_protocol
from studies.talk.filing.erasure import erase_takes
from studies.talk.integrity import check_file

ALL: Final = "all"


@require_safe
@session_page()
def shown_talk(request: HttpRequest, session: Session, take_id: UUID) -> HttpResponse:
    """Shows one talk as it stands in the list, for the page to put it there."""
    take = next((take for take in finished_takes(session) if take.pk == take_id), None)
    if take is None:
        raise Http404
    offered = options(session, session_protocol(session))
    context = frame(request, session, talk=own_talk(session, take, offered), offered=offered)
    return render(request, "participant/talking/own_talk.html", context)


@require_POST
@session_page()
def erase(request: HttpRequest, session: Session) -> HttpResponse:
    """Erases the recordings, words and measurements of one talk, `take`, or of all. That they took place is kept."""
    chosen = request.POST.get("take", "")
    takes = Take.objects.filter(trial__session=session)
    if chosen != ALL:
        try:
            takes = takes.filter(pk=UUID(chosen))
        except ValueError:
            raise Http404 from None
    erased = [str(take.pk) for take in takes]
    erase_takes(takes, why=Take.ErasedBecause.ON_REQUEST)
    for take in erased:
        erasure_log.note("take", study=session.study.slug, code=session.participant.code, take=take)
    return redirect("explore", session.token)


@require_safe
@session_page()
def download(request: HttpRequest, session: Session) -> HttpResponse:
    """Sends the visitor's talks as a zip file: the three recordings of each, and its words. Every read is logged.

    With `take`, only those it names."""
    wanted = set(request.GET.getlist("take"))
    takes = [take for take in reversed(finished_takes(session)) if not wanted or str(take.pk) in wanted]
    if not takes:
        raise Http404
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as file:  # FLAC is compressed already
        for number, take in enumerate(takes, 1):
            for name, content in _files(take):
                file.writestr(f"{number:02} {chosen_in(take.trial)['voice']}/{name}", content)
    name = f"{session.study.slug}-{session.participant.code}.zip"
    return HttpResponse(
        archive.getvalue(),
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _files(take: Take) -> Iterator[tuple[str, bytes]]:
    """Yields (name, content) of a talk's recordings, and of its words. A recording that is no longer what was filed is
    left out, and a file says so."""
    for track in take.tracks.all():
        try:
            check_file(str(track.file.name), track.sha256)
        except (RecordingError, FileNotFoundError):
            yield f"{track.kind}.txt", gettext("This recording is damaged or gone, so it is not included.").encode()
            continue
        AccessLog.objects.create(reader="participant", action="download", target=f"{take.pk} {track.kind}")
        with track.file.open("rb") as file:
            yield f"{track.kind}.flac", file.read()
    yield "talk.json", json.dumps(_words(take), ensure_ascii=False, indent=2).encode()


def _words(take: Take) -> dict[str, Any]:
    said = take.utterances.filter(discarded=False).exclude(text="")
    return {
        "take": str(take.pk),
        "asked_from": str(take.asked_from_id) if take.asked_from_id else None,
        "began": take.started_at.isoformat() if take.started_at else None,
        "prompt": take.trial.prompt.title,
        **chosen_in(take.trial),
        "words": [{"role": words.role, "start_ms": words.start_ms, "text": words.text} for words in said],
    }
