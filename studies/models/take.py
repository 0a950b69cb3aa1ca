"""A trial, its takes, and what was recorded and measured in them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from django.core.files.storage import storages
from django.core.files.storage.base import Storage
from django.db import models
from django.utils.translation import gettext

from inference.contract.parameters import PARAMETERS
from studies.errors import FrozenError
from studies.models.session import ConsentEvent, Session
from studies.models.study import Condition, Prompt, voice_label


def recordings() -> Storage:
    """The storage of the FLAC files, which have no public address."""
    return storages["recordings"]


class EngineSnapshot(models.Model):
    """An engine exactly as it ran: weights, revisions, parameters."""

    sha256 = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=40)
    info = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.name} {self.sha256[:8]}"


class VoiceSnapshot(models.Model):
    """A converter exactly as it ran: version and every parameter."""

    sha256 = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=40)
    info = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.name} {self.sha256[:8]}"


class Trial(models.Model):
    """One prompt under one condition in a session. Its plan does not change once it is made."""

    session = models.ForeignKey(Session, models.CASCADE, related_name="trials")
    position = models.PositiveIntegerField()
    prompt = models.ForeignKey(Prompt, models.PROTECT, related_name="trials")
    condition = models.ForeignKey(Condition, models.PROTECT, related_name="trials")
    practice = models.BooleanField(default=False, help_text="Not part of the data that are analysed.")
    block = models.PositiveIntegerField(default=0, help_text="Blocks of trials have a pause between them.")
    repetition = models.PositiveIntegerField(default=0, help_text="Of its cell: 0 is the first time.")
    pair = models.PositiveIntegerField(null=True, blank=True, help_text="Trials of one number are compared.")
    side = models.CharField(max_length=1, blank=True, help_text="Blind label in the comparison: A, B, ...")
    own_voices = models.JSONField(
        null=True, blank=True, help_text="A voice of the visitor's own making, in place of the condition's."
    )
    done_at = models.DateTimeField(null=True, blank=True, help_text="When its ratings were given.")

    PLAN: ClassVar = (
        *("session_id", "position", "prompt_id", "condition_id", "practice", "block", "repetition", "pair", "side"),
        "own_voices",
    )

    class Meta:
        ordering: ClassVar = ["session", "position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["session", "position"], name="one_trial_per_position"),
            models.UniqueConstraint(fields=["session", "pair", "side"], name="one_side_per_pair"),
        ]

    def __str__(self) -> str:
        return f"{self.session.participant.code} #{self.position + 1}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Raises FrozenError when the plan of a stored trial would change."""
        if self.pk is not None:
            before = Trial.objects.filter(pk=self.pk).values(*self.PLAN).first()
            if before is not None and before != {name: getattr(self, name) for name in self.PLAN}:
                raise FrozenError(str(self))
        super().save(*args, **kwargs)

    @property
    def voices(self) -> list[dict[str, Any]]:
        """The voice schedule in force: the one that the visitor made, or else the condition's."""
        own: list[dict[str, Any]] | None = self.own_voices
        return self.condition.voices if own is None else own

    @property
    def voice_label(self) -> str:
        return voice_label(self.voices)

    @property
    def label(self) -> str:
        """The condition's name as people see it, with the voice that a visitor made."""
        return self.called(self.condition.label)

    def called(self, label: str) -> str:
        """`label`, the condition's name in any language, followed by the voice that a visitor made."""
        made = [part for segment in self.own_voices or () for part in _named(segment["parameters"])]
        return f"{label}: {', '.join(made)}" if made else label

    @property
    def take(self) -> Take | None:
        """The take that counts, which is the newest completed one; None before there is one."""
        return self.takes.filter(outcome=Take.Outcome.COMPLETED).order_by("-number").first()


def _named(parameters: Mapping[str, float]) -> Iterator[str]:
    """The parameters of a transformation that change the voice, such as "Pitch ×1.3"."""
    for name, parameter in PARAMETERS["transform"].items():
        value = parameters.get(name)
        if value is not None and value != parameter.default:
            yield f"{gettext(parameter.label)} {parameter.unit}{value:g}"


class Take(models.Model):
    """One attempt at the conversation of a trial. A restart opens a new take; none is overwritten."""

    class State(models.TextChoices):
        PLANNED = "planned", "Planned"
        LIVE = "live", "Live"
        ENDED = "ended", "Ended, being filed"
        FINAL = "final", "Filed"
        FAILED = "failed", "Could not be filed"

    class Outcome(models.TextChoices):
        NONE = "", "Not ended"
        COMPLETED = "completed", "Completed"
        INTERRUPTED = "interrupted", "Interrupted"
        ABANDONED = "abandoned", "Abandoned"

    class ErasedBecause(models.TextChoices):
        NOT_ERASED = "", "Not erased"
        WITHDRAWN = "withdrawn", "The participant withdrew, so the recordings were erased."
        RETENTION = "retention", "The study's retention date has passed, so the recordings were erased."
        NO_CONSENT = "no_consent", "The consent was withdrawn, so nothing was kept."
        ON_REQUEST = "on_request", "The participant erased this conversation."

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    trial = models.ForeignKey(Trial, models.CASCADE, related_name="takes")
    number = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=10, choices=State, default=State.PLANNED)
    outcome = models.CharField(max_length=12, choices=Outcome, blank=True, default=Outcome.NONE)
    end_reason = models.CharField(max_length=40, blank=True, help_text="participant, limit, engine_lost, ...")
    ticket = models.CharField(max_length=40, blank=True, help_text="Nonce of the one valid socket ticket.")
    limit_ms = models.PositiveIntegerField()
    request = models.JSONField(
        default=dict, blank=True, help_text="What the model was asked with: engine, options, prompts, seed."
    )
    engine_snapshot = models.ForeignKey(EngineSnapshot, models.PROTECT, null=True, blank=True)
    voice_snapshots = models.ManyToManyField(VoiceSnapshot, blank=True)
    device = models.JSONField(default=dict, blank=True, help_text="Settings the browser really applied.")
    counts = models.JSONField(default=dict, blank=True, help_text="Frames lost, late, skipped; reconnects; underruns.")
    events = models.FileField(storage=recordings, blank=True, help_text="All events, one JSON object a line.")
    filing_error = models.CharField(max_length=200, blank=True)
    erased_because = models.CharField(
        max_length=12, choices=ErasedBecause, blank=True, default=ErasedBecause.NOT_ERASED
    )
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    asked_from = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="asked_again",
        help_text="The take whose recorded question was asked again here; empty where the participant spoke.",
    )

    class Meta:
        ordering: ClassVar = ["trial", "number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["trial", "number"], name="one_take_number_per_trial")]

    def __str__(self) -> str:
        return f"{self.trial} take {self.number}"

    @property
    def filing_note(self) -> str:
        """Why a take is not filed as it was recorded, in words for a researcher; empty when it is."""
        return str(self.get_erased_because_display()) if self.erased_because else self.filing_error

    def why_no_words(self, role: str) -> str:
        """Why there is no transcript of what one side said; empty if there is one, or if it may still come."""
        said = [words for words in self.utterances.all() if words.role == role and not words.discarded and words.text]
        if said or self.state != Take.State.FINAL:
            return ""
        if not self.events:
            return self.filing_note or "The engine heard nothing of this take."
        if role == Utterance.Role.PARTICIPANT:
            return "The engine gave no transcript of what the participant said."
        return "The engine gave no words for what it said."


class Track(models.Model):
    """One channel of a take as FLAC. The database refuses one without a granted recording consent."""

    class Kind(models.TextChoices):
        PARTICIPANT = "participant", "Participant (microphone)"
        HEARD = "heard", "Heard (what the engine heard)"
        AGENT = "agent", "Agent"

    take = models.ForeignKey(Take, models.CASCADE, related_name="tracks")
    kind = models.CharField(max_length=12, choices=Kind)
    consent = models.ForeignKey(ConsentEvent, models.PROTECT, related_name="tracks")
    file = models.FileField(storage=recordings)
    sha256 = models.CharField(max_length=64)
    sample_rate_hz = models.PositiveIntegerField()
    duration_samples = models.PositiveBigIntegerField()
    lost_samples = models.PositiveBigIntegerField(default=0, help_text="Filled with marked silence.")
    gaps = models.JSONField(default=list, help_text="[first sample, samples] of every marked silence.")
    backfilled = models.JSONField(
        default=list, blank=True, help_text="[first sample, samples] kept by the browser while it was away, sent later."
    )
    audible = models.JSONField(
        null=True, blank=True, help_text="[first sample, samples] of all there is to hear; empty where not looked for."
    )
    delay_samples = models.IntegerField(default=0, help_text="Latency taken out to align the track.")
    conversion = models.JSONField(
        default=list, blank=True, help_text="How the voice was changed, a segment each; empty where it is as it was."
    )

    class Meta:
        ordering: ClassVar = ["take", "id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["take", "kind"], name="one_track_of_a_kind")]

    def __str__(self) -> str:
        return f"{self.take} {self.kind}"

    @property
    def duration_ms(self) -> float:
        return self.duration_samples * 1_000 / self.sample_rate_hz

    @property
    def audible_sec(self) -> list[tuple[float, float]] | None:
        """(start, duration) of each stretch with something to hear; None where nobody has looked for them."""
        if self.audible is None:
            return None
        return [(start / self.sample_rate_hz, samples / self.sample_rate_hz) for start, samples in self.audible]


class Utterance(models.Model):
    """The words of one turn. `raw_text` is what was recognised or generated; `text` is what was passed on."""

    class Role(models.TextChoices):
        PARTICIPANT = "participant", "Participant"
        AGENT = "agent", "Agent"

    take = models.ForeignKey(Take, models.CASCADE, related_name="utterances")
    role = models.CharField(max_length=12, choices=Role)
    turn = models.PositiveIntegerField()
    start_ms = models.FloatField(null=True, blank=True)
    end_ms = models.FloatField(null=True, blank=True)
    text = models.TextField(blank=True)
    raw_text = models.TextField(blank=True)
    discarded = models.BooleanField(default=False, help_text="A turn that was cut off before it sounded.")
    by_rule = models.TextField(blank=True, help_text="Words of it that a rule of the engine gave, and not its model.")
    noticed = models.JSONField(
        null=True, blank=True, help_text="How the participant sounded, as an engine that is told so was told."
    )

    class Meta:
        ordering: ClassVar = ["take", "turn", "id"]

    def __str__(self) -> str:
        return f"{self.role} turn {self.turn}"

    @property
    def was_altered(self) -> bool:
        """Whether the text that was passed on differs from what was recognised or generated, except in its spaces."""
        return self.raw_text.split() != self.text.split()


class Metric(models.Model):
    """A computed value, or no value and the reason for that; a value is never made up."""

    take = models.ForeignKey(Take, models.CASCADE, related_name="metrics")
    track = models.CharField(max_length=12, choices=Track.Kind)
    name = models.CharField(max_length=40)
    value = models.FloatField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True, help_text="Why there is no value.")
    unit = models.CharField(max_length=20, blank=True)
    method = models.CharField(max_length=120)
    version = models.CharField(max_length=20)

    class Meta:
        ordering: ClassVar = ["take", "track", "name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["take", "track", "name"], name="one_value_per_metric"),
            models.CheckConstraint(
                condition=models.Q(value__isnull=False, reason="")
                | (models.Q(value__isnull=True) & ~models.Q(reason="")),
                name="value_or_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.track}"
