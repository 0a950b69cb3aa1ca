"""Drafts of protocols. A draft is stored even if it is invalid, and a save never overwrites changes that its author has
not seen."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.text import slugify

from studies.errors import DraftRefused, ProtocolError
from studies.models import ProtocolVersion, Study, StudyDraft
from studies.protocol.reading import yaml_text
from studies.protocol.reading.document import to_yaml
from studies.protocol.reading.yaml_text import MAX_CHARACTERS
from studies.publish import protocol_of

SKELETON: Final = Path(__file__).with_name("skeleton.yaml")
UNTITLED: Final = "Untitled study"
ENCODINGS: Final = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}
UNWRITABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that YAML allows only in escaped form, and that databases may not store."""
SLUG_CHARACTERS: Final = 40
ATTEMPTS: Final = 50


def draft_of(study: Study) -> StudyDraft:
    """Returns the draft of `study`. If there is none, it is created from the published version or the skeleton."""
    try:
        return study.draft
    except StudyDraft.DoesNotExist:
        text = text_of(study.current_version) if study.current_version else skeleton()
        return StudyDraft.objects.get_or_create(study=study, defaults={"text": text})[0]


def save(draft: StudyDraft, text: str, revision: int, author: User) -> bool:
    """Stores `text` as the next revision of `draft`, unless somebody has changed it since `revision`.

    Returns False if somebody has, and the texts differ; `draft` then has the other text. Until the first publication,
    the study takes its title from the draft. Raises DraftRefused."""
    check_text(text)
    now = timezone.now()
    kept = StudyDraft.objects.filter(pk=draft.pk, revision=revision).exclude(text=text)
    changed = kept.update(text=text, revision=revision + 1, updated_at=now, updated_by=author)
    draft.refresh_from_db()
    title = title_in(text) if changed else ""
    if title and draft.study.current_version is None:
        Study.objects.filter(pk=draft.study_id).update(title=title[: _title_characters()])
    return bool(changed) or draft.text == text


def as_json(draft: StudyDraft) -> dict[str, Any]:
    """Returns the draft as JSON data, with which the editing pages start and which they get back after saving."""
    return {
        "text": draft.text,
        "revision": draft.revision,
        "by": draft.updated_by.get_username() if draft.updated_by is not None else "",
        "at": timezone.localtime(draft.updated_at).isoformat(timespec="seconds"),
    }


def create(text: str, author: User, *, name: str = "") -> Study:
    """Creates a study whose draft is `text`, valid or not. `name` is used as the title if the text has none.

    Raises DraftRefused for a text that cannot be stored, or if too many studies have the same name."""
    check_text(text)
    title = title_in(text) or name.strip() or UNTITLED
    wanted = slugify(name)[:SLUG_CHARACTERS] or slugify(title)[:SLUG_CHARACTERS].strip("-") or "study"
    for number in range(1, ATTEMPTS):
        slug = wanted if number == 1 else f"{wanted}-{number}"
        try:
            with transaction.atomic():
                study = Study.objects.create(slug=slug, title=title[: _title_characters()])
                StudyDraft.objects.create(study=study, text=text, updated_by=author)
                return study
        except IntegrityError:
            continue
    raise DraftRefused(f"There are already too many studies called {wanted}. Choose another name.")


def decoded(content: bytes) -> str:
    """Returns the text of an uploaded file in UTF-8 or UTF-16. Raises DraftRefused if it is not text."""
    encoding = next((name for mark, name in ENCODINGS.items() if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError:
        raise DraftRefused("This file is not text in UTF-8. Save it as UTF-8 and choose it again.") from None
    check_text(text)
    return text


def check_text(text: str) -> None:
    """Raises DraftRefused if a text is too long or contains characters that cannot be stored. It may be invalid."""
    if len(text) > MAX_CHARACTERS:
        raise DraftRefused(f"This has {len(text):,} characters; a protocol has {MAX_CHARACTERS:,} at most.")
    if found := UNWRITABLE.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise DraftRefused(
            f"Line {line} contains a character that text cannot have (U+{ord(found[0]):04X}). "
            "Is this really a YAML file?"
        )


def title_in(text: str) -> str:
    """Returns the title in a document; empty if it has none or the title cannot be read."""
    match = re.search(r"^title:[ \t]*(.+)$", text, re.MULTILINE)
    try:
        title: Any = yaml_text.read(match[1]).data if match else None
    except ProtocolError:
        return ""
    return UNWRITABLE.sub("", title).strip() if isinstance(title, str) else ""  # written as \0 they pass as YAML


def text_of(version: ProtocolVersion) -> str:
    """Returns a version as YAML. If its schema is not supported, the document is returned as it is stored."""
    try:
        return to_yaml(protocol_of(version))
    except ProtocolError:
        return yaml_text.write(version.document)


def skeleton() -> str:
    return SKELETON.read_text(encoding="utf-8")


def _title_characters() -> int:
    return int(Study._meta.get_field("title").max_length or 0)
