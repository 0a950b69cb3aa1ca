"""The system's records of its own acts: who listened, what was exported, what was erased. They are append-only.

Whoever erases a study erases its receipts, too; its own receipt stays."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from studies.models.study import Study


class AccessLog(models.Model):
    """One access to a recording or an export. `reader` is a researcher's name or "participant"."""

    reader = models.CharField(max_length=150)
    action = models.CharField(max_length=20)
    target = models.CharField(max_length=120)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.reader} {self.action} {self.target}"


class Erasure(models.Model):
    """One act of erasing: who erased what, and when. It is made by `studies.models.guards.erasing` alone.

    While it is open, which nobody sees but the transaction that opened it, rows that are otherwise only appended may be
    deleted."""

    by = models.CharField(max_length=150)
    target = models.CharField(max_length=120)
    begun_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.by} erased {self.target}"


class Export(models.Model):
    """A table that was exported."""

    study = models.ForeignKey(Study, models.CASCADE, related_name="exports")
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    kind = models.CharField(max_length=20)
    rows = models.PositiveIntegerField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.kind} of {self.study}"


class ErasureReceipt(models.Model):
    """Proof that a withdrawal erased what it should, without naming the participant."""

    class What(models.TextChoices):
        """The kinds of data that a withdrawal erases. Participants read the labels, too."""

        RECORDINGS = "recordings", _("recordings")
        WORDS = "words", _("transcribed turns")
        MEASUREMENTS = "measurements", _("measurements of recordings")
        EVENT_LOGS = "event_logs", _("event logs of conversations")
        JOURNALS = "journals", _("recordings that were still being saved")
        ANSWERS = "answers", _("answers")
        JUDGEMENTS = "judgements", _("judgements")
        PAGE_TIMES = "page_times", _("records of when pages were viewed")
        DEVICE_REPORTS = "device_reports", _("reports on microphone and device")
        OWN_VOICES = "own_voices", _("voices of your own making")
        IDENTITIES = "identities", _("IDs at a recruitment service")

    study = models.ForeignKey(
        Study, models.CASCADE, null=True, blank=True, related_name="erasures", help_text="None for a shared voice."
    )
    code = models.CharField(
        max_length=60, help_text="The participant's code or the voice's key, kept so that the receipt can be matched."
    )
    takes = models.PositiveIntegerField()
    files = models.PositiveIntegerField()
    answers = models.PositiveIntegerField()
    kept = models.BooleanField(default=False, help_text="The study keeps data on withdrawal; only contact was cut.")
    removed = models.JSONField(default=list, blank=True, help_text="What went: {what, count} for each kind of thing.")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.code} erased"

    @property
    def lines(self) -> list[tuple[str, int]]:
        """The label and the count of every kind of data that was erased."""
        return [(str(self.What(entry["what"]).label), entry["count"]) for entry in self.removed]

    @property
    def sha256(self) -> str:
        """The hash of the receipt as canonical JSON. It is the same for the participant's copy and for this row."""
        content = {
            "number": self.pk,
            "study": self.study.slug if self.study is not None else "",
            "code": self.code,
            "at": self.at.astimezone(UTC).isoformat(),
            "kept": self.kept,
            "removed": self.removed,
        }
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()
