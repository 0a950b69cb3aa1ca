"""Who takes part: a pseudonymous participant, one consented visit, and the arm it was given."""

from __future__ import annotations

import secrets
from typing import ClassVar

from django.db import models
from django.db.models import Q

from studies.models.study import ProtocolVersion, Study


def new_token() -> str:
    """The secret part of a session's link: 128 bits."""
    return secrets.token_urlsafe(16)


class Participant(models.Model):
    """A pseudonymous person in one study; nothing here says who."""

    study = models.ForeignKey(Study, models.CASCADE, related_name="participants")
    code = models.CharField(max_length=20)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["study", "code"], name="one_code_per_study")]

    def __str__(self) -> str:
        return self.code


class Session(models.Model):
    """One visit, pinned to a protocol version; `token` is the link to come back to it."""

    class State(models.TextChoices):
        STARTED = "started", "Started"
        FINISHED = "finished", "Finished"
        DECLINED = "declined", "Consent declined"
        WITHDRAWN = "withdrawn", "Withdrawn"

    participant = models.ForeignKey(Participant, models.CASCADE, related_name="sessions")
    version = models.ForeignKey(ProtocolVersion, models.PROTECT, related_name="sessions")
    token = models.CharField(max_length=40, unique=True, default=new_token, editable=False)
    state = models.CharField(max_length=10, choices=State, default=State.STARTED)
    arm = models.PositiveIntegerField(default=0, help_text="Row of the counterbalancing square.")
    seed = models.PositiveBigIntegerField(default=0)
    epoch = models.PositiveIntegerField(default=0, help_text="Grows whenever another tab takes over.")
    completion_code = models.CharField(max_length=12, blank=True)
    device = models.JSONField(default=dict, blank=True, help_text="What the device check measured.")
    checked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.participant.code} in {self.version}"

    @property
    def study(self) -> Study:
        return self.version.study

    def consent(self, purpose: str) -> ConsentEvent | None:
        """The event that grants `purpose` now; None when it was never granted, or withdrawn since."""
        last = self.consents.filter(purpose=purpose).order_by("-id").first()
        return last if last is not None and last.granted else None


class ConsentEvent(models.Model):
    """Append-only: a purpose granted or withdrawn, with the hash of the text that was shown."""

    class Purpose(models.TextChoices):
        PARTICIPATE = "participate", "Take part"
        RECORD = "record", "Record my voice"
        CONVERT = "convert", "Convert my voice"
        VOICE_DONATION = "voice_donation", "Let others speak in my voice"
        THIRD_PARTY = "third_party", "Send my voice to a model run by somebody else"

    session = models.ForeignKey(Session, models.CASCADE, related_name="consents")
    purpose = models.CharField(max_length=20, choices=Purpose)
    granted = models.BooleanField()
    document_sha256 = models.CharField(max_length=64)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"{self.purpose} {'granted' if self.granted else 'withdrawn'}"


class AllocationSlot(models.Model):
    """One place in a balanced block of arms; taken by a session, freed when it is given up."""

    version = models.ForeignKey(ProtocolVersion, models.CASCADE, related_name="allocation")
    block = models.PositiveIntegerField()
    position = models.PositiveIntegerField()
    arm = models.PositiveIntegerField()
    session = models.OneToOneField(Session, models.SET_NULL, null=True, blank=True, related_name="allocation")

    class Meta:
        ordering: ClassVar = ["version", "block", "position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["version", "block", "position"], name="one_slot_per_place"),
            models.CheckConstraint(condition=Q(arm__gte=0), name="arm_is_not_negative"),
        ]

    def __str__(self) -> str:
        return f"block {self.block}.{self.position}: arm {self.arm}"
