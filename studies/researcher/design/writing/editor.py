"""The editor page with its form and its YAML, and the requests that it makes during editing."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from studies.errors import DraftRefused
from studies.models import Study
from studies.researcher.access import allow_alpine, researcher_with
from studies.researcher.design.asked import body_of, frame, refusal, text_in
from studies.researcher.design.writing import drafts, edits
from studies.researcher.design.writing.checking import report_on
from studies.researcher.design.writing.form_schema import NAME_LISTS, SECTIONS, form_schema


@require_safe
@never_cache
@allow_alpine
@researcher_with("studies.change_study")
def write(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Shows the editor. `?version=3` replaces the draft's text by that version, as a change that can be undone."""
    study = get_object_or_404(Study, slug=slug)
    draft = drafts.draft_of(study)
    restored = _asked_version(request, study)
    start = {
        **drafts.as_json(draft),
        "report": report_on(draft.text, study).as_json(),
        "sections": SECTIONS,
        "restored": restored,
    }
    context = frame(request, study, "design", draft=draft, start=start, name_lists=NAME_LISTS)
    return render(request, "researcher/design/write.html", context)


@require_POST
@never_cache
@researcher_with("studies.change_study")
def validate(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Takes {text} and returns the report on it. Nothing is stored."""
    study = get_object_or_404(Study, slug=slug)
    try:
        text = text_in(body_of(request))
        drafts.check_text(text)
    except DraftRefused as error:
        return refusal(error)
    return JsonResponse(report_on(text, study).as_json())


@require_POST
@never_cache
@researcher_with("studies.change_study")
def save(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Takes {text, revision}, stores the text, and returns the draft with the report on it.

    The status is 409 if somebody else has changed the draft since `revision`. The response then has their text, and the
    text that was sent is not stored."""
    study = get_object_or_404(Study, slug=slug)
    assert isinstance(request.user, User)  # ensured by researcher_with
    draft = drafts.draft_of(study)
    try:
        sent = body_of(request)
        text, revision = text_in(sent), sent.get("revision")
        if not isinstance(revision, int) or isinstance(revision, bool) or abs(revision) > 2**31 - 1:
            raise DraftRefused("The data that arrived do not say what they change. Reload the page.")
        kept = drafts.save(draft, text, revision, request.user)
    except DraftRefused as error:
        return refusal(error)
    report = report_on(text, study).as_json()
    return JsonResponse({**drafts.as_json(draft), "report": report}, status=200 if kept else 409)


@require_POST
@never_cache
@researcher_with("studies.change_study")
def rewrite(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Takes {text, edits} and returns {text} with the edits made in the form. Nothing is stored."""
    get_object_or_404(Study, slug=slug)
    try:
        sent = body_of(request)
        text = text_in(sent)
        drafts.check_text(text)
        return JsonResponse({"text": edits.apply(text, edits.parse_edits(sent.get("edits")))})
    except DraftRefused as error:
        return refusal(error)


@require_safe
@researcher_with("studies.change_study")
def schema(request: HttpRequest) -> HttpResponseBase:
    """Returns the JSON Schema of a protocol in the form's dialect."""
    return JsonResponse(form_schema())


@require_safe
@never_cache
@researcher_with("studies.change_study")
def download(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Returns the draft as it is stored, with its comments."""
    study = get_object_or_404(Study, slug=slug)
    response = HttpResponse(drafts.draft_of(study).text, content_type="application/yaml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{study.slug}-draft.yaml"'
    return response


def _asked_version(request: HttpRequest, study: Study) -> dict[str, Any] | None:
    number = request.GET.get("version", "")
    if not (number.isascii() and number.isdigit() and len(number) < 9):
        return None
    version = study.versions.filter(published_at__isnull=False, number=int(number)).first()
    return {"number": version.number, "text": drafts.text_of(version)} if version is not None else None
