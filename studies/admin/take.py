"""Shows a take on one page: its recordings, its words, its measurements and its events."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import F, FloatField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Cast
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from inference.contract.audio import samples_to_ms
from studies.admin.readonly import ReadOnlyAdmin, as_json, badge
from studies.models import Metric, Take, Track, Utterance
from studies.talk.workers.needs import sends_away
from studies.voices.donation import donation_obstacle

STATE_LABELS = {"planned": "info", "live": "warning", "ended": "info", "final": "success", "failed": "danger"}
OUTCOME_LABELS = {"completed": "success", "interrupted": "warning", "abandoned": "danger"}
ROUTINE: Final = frozenset({"playback", "words"})
"""Events that come several times a second and say little one by one. Words are in the transcript, too."""


def microphone_ms() -> Subquery:
    """Returns the measured length of the participant's track."""
    track = Track.objects.filter(take=OuterRef("pk"), kind=Track.Kind.PARTICIPANT)
    length_ms = Cast(F("duration_samples"), FloatField()) * 1_000 / F("sample_rate_hz")
    return Subquery(track.annotate(length_ms=length_ms).values("length_ms")[:1], output_field=FloatField())


@admin.register(Take)
class TakeAdmin(ReadOnlyAdmin):
    list_display = ("title", "study", "condition", "duration", "shown_outcome", "shown_state", "started_at")
    list_filter = ("state", "outcome", "trial__session__version__study", "trial__condition__engine", "started_at")
    search_fields = ("trial__session__participant__code", "id")
    ordering = ("-created_at",)
    date_hierarchy = "created_at"
    actions = ("file_again",)
    fields = (
        ("title", "session"),
        ("prompt", "condition"),
        "voice_delay",
        ("state", "outcome"),
        ("started_at", "ended_at"),
        ("ended_by", "limit"),
        "asked_from",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Take]:
        found: QuerySet[Take] = super().get_queryset(request)
        return found.select_related(
            "trial__session__participant",
            "trial__session__version__study",
            "trial__condition",
            "trial__prompt",
            "engine_snapshot",
        ).annotate(length_ms=microphone_ms())

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        take = self.get_object(request, object_id)
        context = dict(extra_context or {})
        if take is not None and self.has_view_permission(request, take):
            context |= take_context(take, routine="routine" in request.GET)
        response: HttpResponse = super().change_view(request, object_id, form_url, context)
        return response

    def has_file_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("studies.change_study")

    @admin.action(description="File again (those that failed)", permissions=["file"])
    def file_again(self, request: HttpRequest, queryset: QuerySet[Take]) -> None:
        """Returns failed takes to the sweep, which files takes that have ended."""
        with transaction.atomic():
            failed = list(
                Take.objects.select_for_update().filter(pk__in=queryset.values("pk"), state=Take.State.FAILED)
            )
            for take in failed:
                take.state, take.filing_error = Take.State.ENDED, ""
                take.counts.pop("filing_attempts", None)
                take.save(update_fields=["state", "filing_error", "counts"])
        if failed:
            messages.success(request, f"{len(failed)} will be filed within half a minute.")
        else:
            messages.warning(request, "None of these takes failed, so there is nothing to file again.")

    @admin.display(description="take", ordering="trial__session__participant__code")
    def title(self, take: Take) -> str:
        return str(take)

    @admin.display(description="session")
    def session(self, take: Take) -> SafeString:
        session = take.trial.session
        url = reverse("admin:studies_session_change", args=[session.pk])
        return format_html('<a class="link" href="{}">{}</a>', url, session)

    @admin.display(description="study", ordering="trial__session__version__study__title")
    def study(self, take: Take) -> str:
        return str(take.trial.session.version)

    @admin.display(description="prompt")
    def prompt(self, take: Take) -> str:
        return take.trial.prompt.title

    @admin.display(description="condition", ordering="trial__condition__label")
    def condition(self, take: Take) -> str:
        condition = take.trial.condition
        return f"{take.trial.label} ({condition.engine}; voice {take.trial.voice_label})"

    @admin.display(description="voice later by")
    def voice_delay(self, take: Take) -> str:
        """The delay with which the engine heard the participant."""
        samples = take.counts.get("voice_delay_samples")
        if samples is None:
            return ""
        matched = ", the same under all conditions" if take.trial.condition.latency_samples is not None else ""
        return f"{samples_to_ms(samples):g} ms{matched}"

    @admin.display(description="duration", ordering="length_ms")
    def duration(self, take: Any) -> str:
        return "" if take.length_ms is None else f"{take.length_ms / 1_000:.1f} s"

    @admin.display(description="ended by")
    def ended_by(self, take: Take) -> str:
        return take.end_reason

    @admin.display(description="limit")
    def limit(self, take: Take) -> str:
        return f"{take.limit_ms / 1_000:g} s"

    @badge("state", STATE_LABELS, ordering="state")
    def shown_state(self, take: Take) -> tuple[str, str]:
        return take.state, take.get_state_display()

    @badge("outcome", OUTCOME_LABELS, ordering="outcome")
    def shown_outcome(self, take: Take) -> tuple[str, str]:
        return take.outcome, take.get_outcome_display()


def take_context(take: Take, *, routine: bool) -> dict[str, Any]:
    """Returns everything that was kept of a take. With `routine`, the events include playback reports."""
    tracks = list(take.tracks.all())
    order = {kind: place for place, kind in enumerate(Track.Kind.values)}
    return {
        "take": take,
        "tracks": sorted(tracks, key=lambda track: order[track.kind]),
        "utterances": take.utterances.order_by("turn", "start_ms", "id"),
        "wordless": [reason for role in Utterance.Role.values if (reason := take.why_no_words(role))],
        "measures": measures_of(take),
        "event_list": read_events(take, routine=routine),
        "routine": routine,
        "counts": sorted(take.counts.items()),
        "device": sorted(take.device.items()),
        "donation_obstacle": donation_obstacle(take.trial.session),
        "third_party": take.engine_snapshot is not None
        and sends_away(
            take.engine_snapshot.name,
            take.engine_snapshot.info,
            [voice.info for voice in take.voice_snapshots.all() if "third_party" in voice.info],
        ),
        "engine_info": as_json(take.engine_snapshot.info) if take.engine_snapshot else "",
        "voices": [(voice, as_json(voice.info)) for voice in take.voice_snapshots.order_by("name")],
    }


@dataclass(frozen=True, slots=True)
class Measure:
    """One kind of measurement, with a value for each track in the order of Track.Kind; None if a track has none."""

    name: str
    unit: str
    method: str
    of_tracks: list[Metric | None]


def measures_of(take: Take) -> list[Measure]:
    """Returns one line for each kind of measurement, in the order in which they were stored."""
    found: dict[tuple[str, str, str], dict[str, Metric]] = {}
    for metric in take.metrics.order_by("id"):
        method = f"{metric.method} (version {metric.version})"
        found.setdefault((metric.name, metric.unit, method), {})[metric.track] = metric
    return [Measure(*key, [of.get(kind) for kind in Track.Kind.values]) for key, of in found.items()]


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `at_ms` counts from the first journalled record; None if the line does not say."""

    name: str
    at_ms: float | None
    details: str


@dataclass(frozen=True, slots=True)
class EventList:
    """The events to show, and how many routine ones were left out. `problem` says why no events can be read."""

    events: Sequence[Event]
    left_out: int
    problem: str = ""


def read_events(take: Take, *, routine: bool) -> EventList:
    """Reads the events file. A line that is not a JSON object is shown as it is and not dropped."""
    if not take.events:
        return EventList((), 0)
    try:
        with take.events.open("rb") as file:
            lines = file.read().decode(errors="replace").splitlines()
    except OSError as error:
        return EventList((), 0, f"The events file cannot be read: {error.strerror}.")
    events = [_event(line) for line in lines if line.strip()]
    shown = [event for event in events if routine or event.name not in ROUTINE]
    return EventList(shown, len(events) - len(shown))


def _event(line: str) -> Event:
    try:
        fields = json.loads(line)
    except ValueError:
        return Event("unreadable line", None, line)
    if not isinstance(fields, dict):
        return Event("unreadable line", None, line)
    at_ms = fields.pop("at_ms", None)
    name = str(fields.pop("type", "event"))
    return Event(name, float(at_ms) if isinstance(at_ms, int | float) else None, _details(fields))


def _details(fields: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in fields.items()
    )
