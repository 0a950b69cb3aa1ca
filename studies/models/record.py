"""What the system itself did: who listened, what was exported, what was erased. Append-only."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from studies.models.study import Study


class AccessLog(models.Model):
    """One read of a recording or an export. `reader` is a researcher's name or "participant"."""

    reader = models.CharField(max_length=150)
    action = models.CharField(max_length=20)
    target = models.CharField(max_length=120)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.reader} {self.action} {self.target}"


class Export(models.Model):
    """A table that left the system."""

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
    """Proof that a withdrawal erased what it should, without saying whose it was."""

    study = models.ForeignKey(
        Study, models.CASCADE, null=True, blank=True, related_name="erasures", help_text="None for a shared voice."
    )
    code = models.CharField(
        max_length=60, help_text="The participant's code or the voice's key, kept so that the receipt can be matched."
    )
    takes = models.PositiveIntegerField()
    files = models.PositiveIntegerField()
    answers = models.PositiveIntegerField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.code} erased"
