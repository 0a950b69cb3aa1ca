"""A pseudonymous participant, their consented session, and the arm that was assigned to it."""

from __future__ import annotations

import secrets
from typing import ClassVar, Final

from django.db import models
from django.db.models import Q

from studies.models.record import ErasureReceipt
from studies.models.study import ProtocolVersion, Study

CODE_ALPHABET: Final = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""Of codes for people to read and type: no letters or digits that look alike."""


def new_token() -> str:
    """Returns the secret part of a session's link, 128 random bits."""
    return secrets.token_urlsafe(16)


def participant_code() -> str:
    """Like "P-7KQ2MX": about 30 bits, enough to be unique within a study with one retry or none."""
    return f"P-{_draw(6)}"


def completion_code() -> str:
    """Like "K7Q2MXRA": what a participant hands in as proof."""
    return _draw(8)


def _draw(length: int) -> str:
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(length))


class Participant(models.Model):
    """A pseudonymous person in one study; nothing here identifies them."""

    study = models.ForeignKey(Study, models.CASCADE, related_name="participants")
    code = models.CharField(max_length=20)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["study", "code"], name="one_code_per_study")]

    def __str__(self) -> str:
        return self.code


class Session(models.Model):
    """One consented session, pinned to a protocol version. `token` is the secret part of the link back to it."""

    class State(models.TextChoices):
        STARTED = "started", "Started"
        FINISHED = "finished", "Finished"
        DECLINED = "declined", "Consent declined"
        SCREENED_OUT = "screened", "Screened out"
        QUOTA_FULL = "full", "Quota full"
        WITHDRAWN = "withdrawn", "Withdrawn"

    class Mode(models.TextChoices):
        LIVE = "live", "Live"
        PILOT = "pilot", "Pilot"
        PREVIEW = "preview", "Preview"
        BOT = "bot", "Bot"

    participant = models.ForeignKey(Participant, models.CASCADE, related_name="sessions")
    version = models.ForeignKey(ProtocolVersion, models.PROTECT, related_name="sessions")
    token = models.CharField(max_length=40, unique=True, default=new_token, editable=False)
    state = models.CharField(max_length=10, choices=State, default=State.STARTED)
    mode = models.CharField(max_length=10, choices=Mode, default=Mode.LIVE, help_text="Only live ones count.")
    language = models.CharField(max_length=20, blank=True, help_text="Of the study's languages; empty: its own.")
    stratum = models.CharField(max_length=200, blank=True, help_text="The answers that allocation balances within.")
    arm = models.PositiveIntegerField(default=0, help_text="A group and a row of the counterbalancing together.")
    group = models.CharField(max_length=50, blank=True, help_text="Level between participants, from the arm.")
    planned_at = models.DateTimeField(null=True, blank=True, help_text="When it got its arm and its trials.")
    ended_because = models.CharField(max_length=200, blank=True, help_text="Of a screen-out or a full quota: which.")
    excluded_at = models.DateTimeField(null=True, blank=True, help_text="Left out of balance and analysis.")
    excluded_because = models.CharField(max_length=200, blank=True)
    seed = models.PositiveBigIntegerField(default=0)
    epoch = models.PositiveIntegerField(default=0, help_text="Grows whenever another tab takes over.")
    completion_code = models.CharField(max_length=40, blank=True)
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

    @property
    def receipt(self) -> ErasureReceipt | None:
        """The receipt of a completed withdrawal; None before that."""
        return self.study.erasures.filter(code=self.participant.code).first()

    def live_tab(self, epoch: object) -> bool:
        """Whether the tab that was opened at `epoch` is the one that counts: no other has taken over since."""
        return str(epoch) == str(self.epoch)

    def consent(self, purpose: str) -> ConsentEvent | None:
        """The event that grants `purpose` now; None if it was never granted or has been withdrawn since."""
        last = self.consents.filter(purpose=purpose).order_by("-id").first()
        return last if last is not None and last.granted else None

    @property
    def agreed(self) -> frozenset[str]:
        """Every purpose that is granted now. This takes one query, or none where `consents` was prefetched."""
        newest = {event.purpose: event.granted for event in self.consents.all()}  # oldest first
        return frozenset(purpose for purpose, granted in newest.items() if granted)


class ConsentEvent(models.Model):
    """A purpose that was granted or withdrawn, with the hash of the text that was shown. The table is append-only."""

    class Purpose(models.TextChoices):
        PARTICIPATE = "participate", "Take part"
        RECORD = "record", "Record my voice"
        CONVERT = "convert", "Convert my voice"
        VOICE_DONATION = "voice_donation", "Let others speak in my voice"
        THIRD_PARTY = "third_party", "Send my voice to a model run by somebody else"
        SHARE = "share", "Share my recordings"
        QUOTE = "quote", "Quote short clips"
        RECONTACT = "recontact", "Contact me again"

    session = models.ForeignKey(Session, models.CASCADE, related_name="consents")
    purpose = models.CharField(max_length=20, choices=Purpose)
    granted = models.BooleanField()
    document_sha256 = models.CharField(max_length=64)
    language = models.CharField(max_length=20, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"{self.purpose} {'granted' if self.granted else 'withdrawn'}"


class ConsentDocument(models.Model):
    """The exact text that the participant agreed to, in the language in which it was shown; `sha256` is the hash of
    `body`."""

    sha256 = models.CharField(max_length=64, unique=True)
    version = models.ForeignKey(ProtocolVersion, models.CASCADE, related_name="consent_documents")
    language = models.CharField(max_length=20)
    body = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"Consent of {self.version} ({self.language})"


class PageLog(models.Model):
    """One page of a session: when it was first seen and when the participant went on from it.

    `page` names it within the session."""

    session = models.ForeignKey(Session, models.CASCADE, related_name="pages")
    page = models.CharField(max_length=120)
    seen_at = models.DateTimeField(auto_now_add=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["session", "id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["session", "page"], name="one_log_per_page")]

    def __str__(self) -> str:
        return self.page


class RecruiterIdentity(models.Model):
    """A participant's identity at the recruitment service, encrypted and stored apart from everything else, so that it
    can be deleted.

    `lookup` is a keyed hash by which the same person is recognised."""

    participant = models.OneToOneField(Participant, models.CASCADE, related_name="identity")
    study = models.ForeignKey(Study, models.CASCADE, related_name="identities")
    service = models.CharField(max_length=20)
    lookup = models.CharField(max_length=64)
    sealed = models.BinaryField(help_text="The service's parameters, encrypted.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "recruiter identities"
        constraints: ClassVar = [models.UniqueConstraint(fields=["study", "lookup"], name="one_identity_per_study")]

    def __str__(self) -> str:
        return f"{self.service} identity of {self.participant}"


class AllocationSlot(models.Model):
    """One place in a balanced block of arms. Each mode and stratum has blocks of its own.

    A session leases a place, which becomes free again when the session is abandoned, excluded or withdrawn."""

    version = models.ForeignKey(ProtocolVersion, models.CASCADE, related_name="allocation")
    mode = models.CharField(max_length=10, choices=Session.Mode, default=Session.Mode.LIVE)
    stratum = models.CharField(max_length=200, blank=True)
    block = models.PositiveIntegerField()
    position = models.PositiveIntegerField()
    arm = models.PositiveIntegerField()
    session = models.OneToOneField(Session, models.SET_NULL, null=True, blank=True, related_name="allocation")
    leased_until = models.DateTimeField(null=True, blank=True, help_text="Empty once its session has finished.")
    probabilities = models.JSONField(default=dict, blank=True, help_text="Of each arm, where it was drawn.")

    class Meta:
        ordering: ClassVar = ["version", "mode", "stratum", "block", "position"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["version", "mode", "stratum", "block", "position"], name="one_slot_per_place"
            ),
            models.CheckConstraint(condition=Q(arm__gte=0), name="arm_is_not_negative"),
        ]

    def __str__(self) -> str:
        return f"block {self.block}.{self.position}: arm {self.arm}"
