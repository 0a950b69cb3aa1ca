"""A participant's answers about themselves, a trial or a pair. A revision is appended; nothing is overwritten."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from studies.models.session import Session
from studies.models.take import Trial


class Answer(models.Model):
    """One revision of the answer to one item; the highest revision counts."""

    session = models.ForeignKey(Session, models.CASCADE, related_name="answers")
    trial = models.ForeignKey(Trial, models.CASCADE, null=True, blank=True, related_name="answers")
    pair = models.PositiveIntegerField(null=True, blank=True, help_text="Of an item that is asked once a pair.")
    questionnaire = models.SlugField(blank=True)
    item = models.SlugField()
    value = models.JSONField(null=True, help_text="Empty: the answer was taken back.")
    client_id = models.UUIDField(null=True, blank=True, help_text="The browser's; what is sent twice is kept once.")
    revision = models.PositiveIntegerField(default=1)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["session", "trial", "pair", "item", "revision"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["session", "trial", "pair", "item", "revision"],
                name="one_answer_per_revision",
                nulls_distinct=False,
            ),
            models.UniqueConstraint(fields=["session", "client_id"], name="one_answer_per_client_id"),
        ]

    def __str__(self) -> str:
        return f"{self.item} r{self.revision}"


class Judgement(models.Model):
    """One revision of a participant's verdict on a pair; the highest revision counts. The table is append-only.

    `order_shown` lists the trials in reading order."""

    session = models.ForeignKey(Session, models.CASCADE, related_name="judgements")
    pair = models.PositiveIntegerField()
    item = models.SlugField()
    choice = models.CharField(max_length=40, help_text="A side (A, B, ...) or none; empty: it was taken back.")
    chosen = models.ForeignKey(Trial, models.CASCADE, null=True, blank=True, related_name="chosen_in")
    order_shown = models.JSONField()
    client_id = models.UUIDField(null=True, blank=True, help_text="The browser's; what is sent twice is kept once.")
    revision = models.PositiveIntegerField(default=1)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["session", "pair", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["session", "pair", "item", "revision"], name="one_judgement_per_revision"),
            models.UniqueConstraint(fields=["session", "client_id"], name="one_judgement_per_client_id"),
        ]

    def __str__(self) -> str:
        return f"pair {self.pair + 1} {self.item}: {self.choice}"
