"""The page that creates a study from a template, a file, another study, or a skeleton."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from studies import protocol as protocol_package
from studies.errors import DraftRefused
from studies.models import Study
from studies.protocol.reading.document import parse_yaml
from studies.protocol.reading.yaml_text import MAX_CHARACTERS
from studies.protocol.schema import Protocol
from studies.researcher.access import allow_alpine, researcher_with
from studies.researcher.design.writing import drafts
from studies.researcher.design.writing.checking import report_on

MAX_UPLOAD_BYTES: Final = 4 * MAX_CHARACTERS  # UTF-8 has at most 4 bytes a character.
COPY_OF: Final = "copy of "
FOLDER: Final = Path(protocol_package.__path__[0]) / "templates"


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@allow_alpine
@researcher_with("studies.add_study", "studies.change_study")
def new(request: HttpRequest) -> HttpResponseBase:
    """Shows the templates. POST {source} creates a study; `source` is template or copy (both with `name`), file or
    empty."""
    problem = ""
    if request.method == "POST":
        assert isinstance(request.user, User)  # ensured by researcher_with
        try:
            study = _start(request, request.user)
        except DraftRefused as error:
            problem = str(error)
        else:
            report = report_on(study.draft.text, study)
            if report.errors:
                count = len(report.errors)
                told = "one problem" if count == 1 else f"{count} problems"
                messages.warning(request, f"The draft is saved as it is. It has {told}, which are listed beside it.")
            return redirect("design", study.slug)
    context = {
        **admin.site.each_context(request),
        "title": "New study",
        "templates": templates(),
        "studies": Study.objects.order_by("title"),
        "problem": problem,
    }
    return render(request, "researcher/design/new.html", context, status=422 if problem else 200)


def _start(request: HttpRequest, author: User) -> Study:
    """Creates the study that a form asks for. Raises DraftRefused, and Http404 if the study to copy does not exist."""
    source, name = request.POST.get("source", ""), request.POST.get("name", "")
    if source == "template":
        found = next((template for template in templates() if template.name == name), None)
        if found is None:
            raise DraftRefused("This template no longer exists. Choose another one.")
        return drafts.create(found.text, author, name=found.name)
    if source == "copy":
        if "\x00" in name:
            raise DraftRefused("This study does not exist. Choose another one.")
        return drafts.create(drafts.draft_of(get_object_or_404(Study, slug=name)).text, author, name=f"{name}-copy")
    if source == "empty":
        return drafts.create(drafts.skeleton(), author, name=drafts.UNTITLED)
    if source == "file":
        return _from_file(request, author)
    raise DraftRefused("Choose what to start the study from.")


def _from_file(request: HttpRequest, author: User) -> Study:
    file = request.FILES.get("file")
    if file is None:
        raise DraftRefused("No file arrived. Choose a file and try again.")
    if file.size is None or file.size > MAX_UPLOAD_BYTES:
        raise DraftRefused(f"This file is larger than {MAX_UPLOAD_BYTES // 10**6} MB; a protocol is a short text.")
    text = drafts.decoded(file.read())
    if not text.strip():
        raise DraftRefused("This file is empty.")
    return drafts.create(text, author, name=(file.name or "").rsplit(".", 1)[0])


@dataclass(frozen=True, slots=True)
class Template:
    """A ready protocol to start from. `about` is the comment at the top of its file, and `facts` says its size."""

    name: str
    title: str
    about: str
    facts: str
    text: str


def templates() -> list[Template]:
    """Returns the templates that come with the product, sorted by title."""
    found = [_template(path) for path in FOLDER.glob("*.yaml")]
    return sorted(found, key=lambda template: template.title)


def _template(path: Path) -> Template:
    text = path.read_text(encoding="utf-8")
    protocol = parse_yaml(text)
    return Template(path.stem, protocol.title, _opening_comment(text) or protocol.summary, _facts(protocol), text)


def _facts(protocol: Protocol) -> str:
    """Describes the size of a protocol, such as "2 prompts, 3 conditions, 12 min"."""
    counts = [("prompt", len(protocol.prompts)), ("condition", len(protocol.cells()))]
    facts = [f"{count} {noun}{'' if count == 1 else 's'}" for noun, count in counts]
    return ", ".join([*facts, *([f"{protocol.duration_min} min"] if protocol.duration_min else [])])


def _opening_comment(text: str) -> str:
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("#").strip())
    return " ".join(lines).replace("`", "")
