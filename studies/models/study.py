"""A study, its frozen protocol versions, and the conditions and prompts made from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_noop

from inference.contract.parameters import PARAMETERS
from studies.errors import FrozenError

DEMONSTRATION: Final = gettext_noop("Demonstration: no research is done with these recordings.")
"""The ethics reference of the demo studies. It is translated; a researcher's own is in the language of the study."""


class Study(models.Model):
    """A research project. It can open only with an ethics reference and a retention date."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        OPEN = "open", "Open"
        PAUSED = "paused", "Paused"
        CLOSED = "closed", "Closed"

    slug = models.SlugField(unique=True, help_text="Part of the link participants open.")
    title = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    ethics_reference = models.CharField(max_length=200, blank=True, help_text="Needed before a study opens.")
    retention_until = models.DateField(null=True, blank=True, help_text="Recordings are erased after this day.")
    is_demo = models.BooleanField(default=False, help_text="Shown to visitors on the start page.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "studies"
        ordering: ClassVar = ["title"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~Q(state="open") | (~Q(ethics_reference="") & Q(retention_until__isnull=False)),
                name="open_study_has_ethics_and_retention",
                violation_error_message="Give an ethics reference and a retention date before opening the study.",
            )
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("welcome", args=[self.slug])

    @property
    def current_version(self) -> ProtocolVersion | None:
        """The newest published version, which new sessions are pinned to; None while nothing is published."""
        return self.versions.filter(published_at__isnull=False).order_by("-number").first()

    @property
    def voice_obstacles(self) -> list[str]:
        """Why takes of the current version are refused because of their target voices, one line per voice."""
        current, today = self.current_version, timezone.localdate()
        conditions = current.conditions.all() if current is not None else ()
        pinned = {pin.voice_version for condition in conditions for pin in condition.pinned_voices.all()}
        lines = [(str(version), version.obstacle_on(today)) for version in pinned]
        return sorted(f"{name} cannot be used: {obstacle}" for name, obstacle in lines if obstacle)


class ProtocolVersion(models.Model):
    """A protocol document as JSON, with its hash. It is frozen once published; the database refuses changes, too."""

    study = models.ForeignKey(Study, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    document = models.JSONField()
    sha256 = models.CharField(max_length=64, editable=False)
    published_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["study", "-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["study", "number"], name="one_version_number_per_study")
        ]

    def __str__(self) -> str:
        return f"{self.study} v{self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Raises FrozenError when a published version would change."""
        if self.pk is not None and ProtocolVersion.objects.filter(pk=self.pk, published_at__isnull=False).exists():
            raise FrozenError(str(self))
        super().save(*args, **kwargs)


class StudyDraft(models.Model):
    """The protocol that is being written, as YAML with its comments. It need not be valid yet.

    `revision` grows with every change, so that nobody overwrites what somebody else has written meanwhile."""

    study = models.OneToOneField(Study, models.CASCADE, related_name="draft")
    text = models.TextField()
    revision = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField(auto_now=True)
    updated_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True)

    def __str__(self) -> str:
        return f"Draft of {self.study}"


class Condition(models.Model):
    """One design cell: an engine with its options and prompts, which hears the participant through a voice schedule.

    `voices` is a list of segments {converter, preset, parameters, start_sec, end_sec}. A segment with a target voice
    also has target: {key, name, version, sha256}, exactly as the voice was when the protocol was published.
    `latency_samples` is the latency that is the same in all conditions; None means the latency of the slowest segment
    of this condition."""

    version = models.ForeignKey(ProtocolVersion, models.CASCADE, related_name="conditions")
    key = models.SlugField()
    label = models.CharField(max_length=120)
    engine = models.CharField(max_length=40)
    engine_options = models.JSONField(default=dict, blank=True)
    text_prompt = models.TextField(blank=True)
    voice_prompt = models.CharField(max_length=200, blank=True)
    seed = models.JSONField(default=dict, blank=True, help_text="Policy and, where it is fixed, value.")
    intended = models.SlugField(blank=True, help_text="How the participant is asked to speak, for the data.")
    voices = models.JSONField(default=list)
    latency_samples = models.PositiveIntegerField(null=True, blank=True, help_text="At 24 kHz, where delays match.")

    class Meta:
        ordering: ClassVar = ["version", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["version", "key"], name="one_condition_key_per_version")
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def voice_label(self) -> str:
        """A short description of the voice schedule, for tables."""
        return voice_label(self.voices)

    @property
    def targets(self) -> list[dict[str, Any]]:
        """The target voices {key, name, version, sha256}, in the order of the schedule."""
        return [segment["target"] for segment in self.voices if segment.get("target")]


def voice_label(segments: Sequence[Mapping[str, Any]]) -> str:
    """The converters of a voice schedule in order: "none", "transform (deeper)", "transform (f0_ratio 1.3)", or
    "remote_vc (Anna v2)"."""
    return " → ".join(map(_voice_name, segments)) or "none"


def _voice_name(segment: Mapping[str, Any]) -> str:
    target = segment.get("target")
    by = f"{target['name']} v{target['version']}" if target else segment.get("preset")
    if not by:
        given = segment.get("parameters") or {}  # PostgreSQL keeps no order in JSON
        order = [*PARAMETERS.get(segment["converter"], ()), *given]
        by = ", ".join(f"{name} {given[name]:g}" for name in dict.fromkeys(order) if name in given)
    return f"{segment['converter']} ({by})" if by else str(segment["converter"])


class Prompt(models.Model):
    """What the participant is asked to say or do, as a card."""

    version = models.ForeignKey(ProtocolVersion, models.CASCADE, related_name="prompts")
    key = models.SlugField()
    title = models.CharField(max_length=200)
    card = models.TextField(blank=True, help_text="Markdown; its sections one after another.")
    limit_sec = models.PositiveIntegerField(default=120)
    text_prompt = models.TextField(blank=True, help_text="Given to the model after the condition's own.")
    voice_prompt = models.CharField(max_length=200, blank=True, help_text="Where the condition has none.")

    class Meta:
        ordering: ClassVar = ["version", "id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["version", "key"], name="one_prompt_key_per_version")]

    def __str__(self) -> str:
        return self.title
