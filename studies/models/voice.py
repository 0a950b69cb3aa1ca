"""Target voices: the voices that a participant's voice may be turned into, with each speaker's consent to that use."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.formats import date_format

from studies.models.session import ConsentEvent
from studies.models.study import Condition, Study
from studies.models.take import recordings

KEY_PATTERN = r"^[a-z0-9][a-z0-9_-]*$"


class TargetVoice(models.Model):
    """One speaker's voice in the library. Its recordings are in its versions."""

    key = models.CharField(
        max_length=50,
        unique=True,
        validators=[RegexValidator(KEY_PATTERN, "Only small letters, digits, - and _; a letter or digit first.")],
        help_text="What protocols call it: target: anna. It does not change.",
    )
    name = models.CharField(max_length=120, help_text="For researchers and exports; not the speaker's own name.")
    description = models.TextField(blank=True, help_text="What kind of voice it is: accent, age, style.")
    study = models.ForeignKey(
        Study,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="target_voices",
        help_text="The one study that may use it; empty for all.",
    )
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def newest(self) -> TargetVoiceVersion | None:
        """The version that a protocol would get if it were published now; None before there is one."""
        return self.versions.order_by("-number").first()


class TargetVoiceVersion(models.Model):
    """One reference recording and the consent to its use.

    It never changes, and the database refuses changes, too; only the file is erased when the speaker withdraws."""

    class Licence(models.TextChoices):
        AGREEMENT = "agreement", "Agreement with the speaker (say what it allows)"
        CC0 = "cc0", "CC0 1.0 (public domain)"
        CC_BY = "cc_by", "CC BY 4.0"
        CC_BY_SA = "cc_by_sa", "CC BY-SA 4.0"
        CC_BY_NC = "cc_by_nc", "CC BY-NC 4.0"
        CC_BY_NC_SA = "cc_by_nc_sa", "CC BY-NC-SA 4.0"
        OTHER = "other", "Another licence (give its words)"

    class Source(models.TextChoices):
        UPLOAD = "upload", "Uploaded"
        RECORDED = "recorded", "Recorded in the browser"
        PARTICIPANT = "participant", "Given by a participant"
        RENEWED = "renewed", "The recording of an earlier version"

    voice = models.ForeignKey(TargetVoice, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    file = models.FileField(storage=recordings, blank=True)
    sha256 = models.CharField("SHA-256", max_length=64)
    sample_rate_hz = models.PositiveIntegerField()
    duration_samples = models.PositiveBigIntegerField()
    quality = models.JSONField(help_text="What was measured, with the limits in force then.")
    speaker = models.CharField("who speaks", max_length=200, help_text="The person, or the code your records have.")
    consent_scope = models.TextField("what for", help_text="What the speaker agreed that the voice is used for.")
    consent_until = models.DateField("until when", help_text="The last day on which it may be used.")
    licence = models.CharField(max_length=20, choices=Licence)
    licence_text = models.TextField(blank=True, help_text="What it allows, or where it can be read.")
    evidence = models.CharField(
        max_length=300, help_text="Where the consent can be seen: a form's number, or an address."
    )
    source = models.CharField(max_length=12, choices=Source)
    donation = models.ForeignKey(
        ConsentEvent,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="donated_voices",
        help_text="The participant's consent to give the voice.",
    )
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["voice", "-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["voice", "number"], name="one_number_per_voice_version"),
            models.CheckConstraint(
                condition=~Q(speaker="") & ~Q(consent_scope="") & ~Q(evidence="") & ~Q(licence=""),
                name="voice_has_consent_and_licence",
                violation_error_message="Say who speaks, what for, under which licence, and where it can be seen.",
            ),
            models.CheckConstraint(
                condition=~Q(licence__in=["agreement", "other"]) | ~Q(licence_text=""),
                name="licence_has_its_words",
                violation_error_message="Give the words of this licence or agreement.",
            ),
            models.CheckConstraint(
                condition=Q(source="participant", donation__isnull=False)
                | (~Q(source="participant") & (Q(source="renewed") | Q(donation__isnull=True))),
                name="donated_voice_has_its_consent",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.voice} v{self.number}"

    @property
    def duration_sec(self) -> float:
        return self.duration_samples / self.sample_rate_hz

    def obstacle_on(self, day: date) -> str:
        """Why this version may not be used on `day`, in words for researchers; empty if it may."""
        if self.voice.withdrawn_at is not None:
            withdrawn_on = date_format(self.voice.withdrawn_at, "j F Y")
            return f"the speaker withdrew on {withdrawn_on}, and the recording is erased"
        if not self.file:
            return "the recording is erased"
        if self.consent_until < day:
            return f"the speaker's consent ended on {date_format(self.consent_until, 'j F Y')}"
        return ""


class PinnedVoice(models.Model):
    """The use of exactly this version of a voice in a condition of a published version. The voice therefore stays."""

    condition = models.ForeignKey(Condition, models.CASCADE, related_name="pinned_voices")
    voice_version = models.ForeignKey(TargetVoiceVersion, models.PROTECT, related_name="uses")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["condition", "voice_version"], name="one_pin_per_voice_version")
        ]

    def __str__(self) -> str:
        return f"{self.condition} in {self.voice_version}"
