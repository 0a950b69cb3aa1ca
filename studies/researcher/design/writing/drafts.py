"""The protocol that is being written: kept whatever state it is in, and never overwritten unseen."""

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
"""What YAML does not allow as it stands, and databases do not keep."""
SLUG_CHARACTERS: Final = 40
ATTEMPTS: Final = 50


def draft_of(study: Study) -> StudyDraft:
    """The draft of `study`; the first time a copy of what is published, or a skeleton."""
    try:
        return study.draft
    except StudyDraft.DoesNotExist:
        text = text_of(study.current_version) if study.current_version else skeleton()
        return StudyDraft.objects.get_or_create(study=study, defaults={"text": text})[0]


def save(draft: StudyDraft, text: str, revision: int, author: User) -> bool:
    """Keeps `text` as the next revision of `draft`, which then has it, if nobody has written since `revision`.

    False where somebody has, and with other words; `draft` then holds theirs. Until the first publication the study is
    called what its draft says. Raises DraftRefused."""
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
    """What the pages that write it begin with, and get back when it was kept."""
    return {
        "text": draft.text,
        "revision": draft.revision,
        "by": draft.updated_by.get_username() if draft.updated_by is not None else "",
        "at": timezone.localtime(draft.updated_at).isoformat(timespec="seconds"),
    }


def create(text: str, author: User, *, name: str = "") -> Study:
    """A new study whose draft is `text`, valid or not. `name` stands for the title where the text says none."""
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
    raise DraftRefused(f"There are too many studies called {wanted} already. Choose another name.")


def decoded(content: bytes) -> str:
    """The text of an uploaded file. Raises DraftRefused for one that holds none."""
    encoding = next((name for mark, name in ENCODINGS.items() if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError:
        raise DraftRefused("This file is not text in UTF-8. Save it as UTF-8 and choose it again.") from None
    check_text(text)
    return text


def check_text(text: str) -> None:
    """Raises DraftRefused for what cannot be kept, however broken a draft may be."""
    if len(text) > MAX_CHARACTERS:
        raise DraftRefused(f"This has {len(text):,} characters; a protocol has {MAX_CHARACTERS:,} at most.")
    if found := UNWRITABLE.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise DraftRefused(
            f"Line {line} holds a character that no text has (U+{ord(found[0]):04X}). Is this really a YAML file?"
        )


def title_in(text: str) -> str:
    """What the document calls itself; empty where it does not say, or cannot be read."""
    match = re.search(r"^title:[ \t]*(.+)$", text, re.MULTILINE)
    try:
        title: Any = yaml_text.read(match[1]).data if match else None
    except ProtocolError:
        return ""
    return title.strip() if isinstance(title, str) else ""


def text_of(version: ProtocolVersion) -> str:
    """A version as YAML; one of another schema as it is stored."""
    try:
        return to_yaml(protocol_of(version))
    except ProtocolError:
        return yaml_text.write(version.document)


def skeleton() -> str:
    return SKELETON.read_text(encoding="utf-8")


def _title_characters() -> int:
    return int(Study._meta.get_field("title").max_length or 0)
