"""Shows sessions: where each participant is, and everything that one session left behind."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.forms import ActionForm

from studies.admin.readonly import ReadOnlyAdmin, ReadOnlyInline, as_json, badge
from studies.allocation.places import exclude, readmit
from studies.models import AllocationSlot, Answer, ConsentEvent, Judgement, Session, Take, Trial

STATE_LABELS = {
    "started": "info",
    "finished": "success",
    "declined": "warning",
    "screened": "warning",
    "full": "warning",
    "withdrawn": "danger",
}


class SessionActionForm(ActionForm):  # type: ignore[misc]  # unfold has no types
    """The form of an action, which also asks why sessions are excluded."""

    because = forms.CharField(
        label="",
        required=False,
        max_length=200,
        widget=forms.TextInput(
            {
                "class": "bg-white/20 font-medium px-3 py-1 rounded-default text-white lg:w-72",
                "placeholder": "Why, if excluded",
                "aria-label": "Why the sessions are excluded",
                "x-show": "action === 'exclude_sessions'",
            }
        ),
    )


class TrialInline(ReadOnlyInline):
    model = Trial
    fields = ("place", "prompt", "condition", "pair_and_side", "takes", "done_at")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Trial]:
        found: QuerySet[Trial] = super().get_queryset(request)
        return found.select_related("prompt", "condition").prefetch_related("takes")

    @admin.display(description="trial")
    def place(self, trial: Trial) -> int:
        return trial.position + 1

    @admin.display(description="pair")
    def pair_and_side(self, trial: Trial) -> str:
        return "" if trial.pair is None else f"{trial.pair + 1}{trial.side}"

    @admin.display(description="takes")
    def takes(self, trial: Trial) -> SafeString:
        return format_html_join(
            ", ",
            '<a class="link" href="{}">{} {}</a>',
            (
                (reverse("admin:studies_take_change", args=[take.pk]), take.number, take.outcome or take.state)
                for take in trial.takes.all()
            ),
        )


class ConsentInline(ReadOnlyInline):
    model = ConsentEvent
    verbose_name_plural = "Consents"
    fields = ("at", "purpose", "granted", "document")
    readonly_fields = fields

    @admin.display(description="document, SHA-256")
    def document(self, consent: ConsentEvent) -> str:
        return consent.document_sha256[:16]


class AnswerInline(ReadOnlyInline):
    model = Answer
    fields = ("trial", "item", "said", "revision", "at")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Answer]:
        found: QuerySet[Answer] = super().get_queryset(request)
        return found.select_related("trial__session__participant")

    @admin.display(description="answer")
    def said(self, answer: Answer) -> str:
        return str(answer.value)


class JudgementInline(ReadOnlyInline):
    model = Judgement
    fields = ("pair_number", "item", "revision", "choice", "chosen_condition", "order", "at")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Judgement]:
        found: QuerySet[Judgement] = super().get_queryset(request)
        return found.select_related("chosen__condition").prefetch_related("session__trials")

    @admin.display(description="pair")
    def pair_number(self, judgement: Judgement) -> int:
        return judgement.pair + 1

    @admin.display(description="chosen condition")
    def chosen_condition(self, judgement: Judgement) -> str:
        return judgement.chosen.condition.label if judgement.chosen else ""

    @admin.display(description="shown, left to right")
    def order(self, judgement: Judgement) -> str:
        sides = {trial.pk: trial.side for trial in judgement.session.trials.all()}
        return " ".join(sides.get(pk, "?") for pk in judgement.order_shown)


@admin.register(Session)
class SessionAdmin(ReadOnlyAdmin):
    list_display = (
        "code",
        "study",
        "mode",
        "shown_state",
        "progress",
        "shown_arm",
        "excluded",
        "created_at",
        "seen_at",
    )
    list_filter = ("state", "mode", "version__study", "arm", ("excluded_at", admin.EmptyFieldListFilter), "created_at")
    search_fields = ("participant__code",)
    date_hierarchy = "created_at"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    *("code", "version", "mode", "language", "state", "ended_because", "progress"),
                    *("created_at", "seen_at", "finished_at", "excluded_at", "excluded_because"),
                )
            },
        ),
        ("Allocation", {"fields": ("stratum", "group", "shown_arm", "place", "seed", "planned_at", "completion_code")}),
        ("Device check", {"fields": ("checked_at", "measured")}),
    )
    inlines = (TrialInline, ConsentInline, AnswerInline, JudgementInline)
    actions = ("exclude_sessions", "readmit_sessions")
    action_form = SessionActionForm

    def get_queryset(self, request: HttpRequest) -> QuerySet[Session]:
        done = Q(trials__takes__outcome=Take.Outcome.COMPLETED)
        found: QuerySet[Session] = super().get_queryset(request)
        return found.select_related("participant", "version__study").annotate(
            trial_count=Count("trials", distinct=True), done_count=Count("trials", filter=done, distinct=True)
        )

    def has_exclude_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("studies.change_study")

    @admin.action(description="Exclude from balance and analysis", permissions=["exclude"])
    def exclude_sessions(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        """Excludes sessions and frees their places. Nothing is erased."""
        because = request.POST.get("because", "").strip()
        if not because:
            messages.warning(
                request, "Nothing was excluded. Give a reason beside the action: it is stored with the data."
            )
            return
        counted = list(queryset.filter(excluded_at=None))
        for session in counted:
            exclude(session, because)
        messages.success(request, f"{len(counted)} excluded. Their places are free for others.")

    @admin.action(description="Count again after an exclusion", permissions=["exclude"])
    def readmit_sessions(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        excluded = list(queryset.filter(excluded_at__isnull=False))
        for session in excluded:
            readmit(session)
        messages.success(request, f"{len(excluded)} count again.")

    @admin.display(description="excluded", ordering="excluded_at")
    def excluded(self, session: Session) -> str:
        """Why a session is excluded, if it is."""
        return session.excluded_because if session.excluded_at is not None else ""

    @admin.display(description="arm", ordering="arm")
    def shown_arm(self, session: Session) -> str:
        """The arm as in the export; empty before the trials are planned."""
        return str(session.arm) if session.planned_at is not None else ""

    @admin.display(description="place")
    def place(self, session: Session) -> str:
        slot = AllocationSlot.objects.filter(session=session).first()
        if slot is None:
            return "none"
        until = f"held until {timezone.localtime(slot.leased_until):%d %b %H:%M}" if slot.leased_until else "taken"
        return f"{slot.block + 1}.{slot.position + 1}, {until}"

    @admin.display(description="participant", ordering="participant__code")
    def code(self, session: Session) -> str:
        return session.participant.code

    @admin.display(description="study", ordering="version__study__title")
    def study(self, session: Session) -> str:
        return str(session.version)

    @badge("state", STATE_LABELS, ordering="state")
    def shown_state(self, session: Session) -> tuple[str, str]:
        return session.state, session.get_state_display()

    @admin.display(description="trials talked")
    def progress(self, session: Any) -> SafeString:
        return format_html(
            '<span class="bar-with-number"><progress class="bar" max="{}" value="{}"></progress> {} of {}</span>',
            session.trial_count or 1,
            session.done_count,
            session.done_count,
            session.trial_count,
        )

    @admin.display(description="measured")
    def measured(self, session: Session) -> SafeString:
        return as_json(session.device)
