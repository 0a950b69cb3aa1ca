"""Studies: opened, paused and closed here. Protocol versions: shown, since they are frozen."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextareaWidget

from inference.audio import samples_to_ms
from studies.admin.readonly import ReadOnlyAdmin, ReadOnlyInline, as_document, as_json, badge, digest
from studies.errors import ProtocolError
from studies.models import Condition, Prompt, ProtocolVersion, Session, Study
from studies.protocol.document import parse_yaml, to_yaml
from studies.protocol.schema import Protocol
from studies.publish import SCRATCH, protocol_of, publication_problems, publish
from studies.talk.availability import unserved

STATE_LABELS = {"draft": "info", "open": "success", "paused": "warning", "closed": "danger"}


class StudyForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    """A study with its protocol as YAML: needed for a new one, and a new version of it where it is given later.

    Checks the constraints with the state the study is in too, which the form itself does not hold."""

    protocol = forms.CharField(
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 14, "spellcheck": "false"}),
        help_text="YAML. Publishes a new version; sessions under way stay with the one they began with.",
    )

    def clean_protocol(self) -> Protocol | None:
        """Every problem of the document at once, each with its place."""
        text = self.cleaned_data["protocol"]
        if not text.strip():
            if self.instance.pk is None:
                raise ValidationError("A study starts from a protocol.")
            return None
        try:
            protocol = parse_yaml(text)
            study = self.instance if self.instance.pk else None
            if problems := publication_problems(protocol, study):
                raise ProtocolError(problems)
        except ProtocolError as error:
            raise ValidationError([str(problem) for problem in error.problems]) from error
        return protocol

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # not in the stubs
        if not self.errors:
            try:
                self.instance.validate_constraints()
            except ValidationError as error:
                self.add_error(None, error)


class VersionInline(ReadOnlyInline):
    model = ProtocolVersion
    verbose_name_plural = "Protocol versions"
    fields = ("link", "published_at", "sessions_started", "short_sha256")
    readonly_fields = fields

    @admin.display(description="version")
    def link(self, version: ProtocolVersion) -> SafeString:
        url = reverse("admin:studies_protocolversion_change", args=[version.pk])
        return format_html('<a class="link" href="{}">{}</a>', url, version.number)

    @admin.display(description="sessions")
    def sessions_started(self, version: ProtocolVersion) -> int:
        return version.sessions.count()

    @admin.display(description="SHA-256")
    def short_sha256(self, version: ProtocolVersion) -> str:
        return version.sha256[:16]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProtocolVersion]:
        versions: QuerySet[ProtocolVersion] = super().get_queryset(request)
        return versions.exclude(number=SCRATCH)


@admin.register(Study)
class StudyAdmin(ModelAdmin):  # type: ignore[misc]  # unfold has no types
    form = StudyForm
    list_display = ("title", "shown_state", "started", "finished", "takes", "link", "design", "csv")
    list_filter = ("state", "is_demo")
    list_filter_sheet = False
    search_fields = ("title", "slug")
    actions_submit_line = ("open_study", "pause_study", "close_study")
    change_form_outer_before_template = "admin/studies/study/export.html"
    prepopulated_fields: ClassVar = {"slug": ["title"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Study]:
        sessions = "versions__sessions"
        return (  # type: ignore[no-any-return]
            super()
            .get_queryset(request)
            .annotate(
                started_count=Count(sessions, distinct=True),
                finished_count=Count(
                    sessions, filter=Q(**{f"{sessions}__state": Session.State.FINISHED}), distinct=True
                ),
                take_count=Count(f"{sessions}__trials__takes", distinct=True),
            )
        )

    def get_fields(self, request: HttpRequest, obj: Study | None = None) -> list[str]:
        own = ["title", "slug", "ethics_reference", "retention_until", "is_demo", "protocol"]
        return ["state", "availability", "created_at", *own] if obj else own

    def get_readonly_fields(self, request: HttpRequest, obj: Study | None = None) -> list[str]:
        if obj is None:
            return []
        started = obj.versions.filter(sessions__isnull=False).exists()
        return ["state", "availability", "created_at", *(["slug"] if started else [])]  # links in use do not change

    @admin.display(description="to talk with")
    def availability(self, study: Study) -> SafeString | str:
        """Why nobody answers just now, where so."""
        if study.state != Study.State.OPEN:
            return "asked for while the study is open"
        problems = unserved([study]).get(study.pk, [])
        return format_html_join("", "<p>{}</p>", ((problem,) for problem in problems)) or "somebody is there"

    def get_inlines(self, request: HttpRequest, obj: Study | None = None) -> tuple[type[VersionInline], ...]:
        return (VersionInline,) if obj else ()

    def get_prepopulated_fields(self, request: HttpRequest, obj: Study | None = None) -> dict[str, Any]:
        return {} if obj else dict(self.prepopulated_fields)

    def has_delete_permission(self, request: HttpRequest, obj: Study | None = None) -> bool:
        return False  # recordings go by withdrawal and retention, which leave receipts

    def save_model(self, request: HttpRequest, obj: Study, form: StudyForm, change: bool) -> None:
        """Publishes before the buttons act, so that a study can be made and opened at once."""
        protocol = form.cleaned_data["protocol"]
        with transaction.atomic():
            if protocol is not None:
                obj.save()
                messages.success(request, f"{publish(obj, protocol)} is published.")
            super().save_model(request, obj, form, change)

    def get_actions_submit_line(self, request: HttpRequest, object_id: int) -> list[Any]:
        """Only the steps that lead on from the study's state."""
        study = self.model.objects.filter(pk=object_id).first()
        if study is None:
            return []
        steps = {
            Study.State.DRAFT: {"open_study"},
            Study.State.OPEN: {"pause_study", "close_study"},
            Study.State.PAUSED: {"open_study", "close_study"},
            Study.State.CLOSED: {"open_study"},
        }[Study.State(study.state)]
        found = super().get_actions_submit_line(request, object_id)
        return [step for step in found if step.method.original_function_name in steps]

    @action(description="Open the study", permissions=["change"])  # type: ignore[untyped-decorator]
    def open_study(self, request: HttpRequest, obj: Study) -> None:
        if obj.current_version is None:
            messages.error(request, "Publish a protocol version before opening the study.")
            return
        self._move(request, obj, Study.State.OPEN, f"{obj} is open. Participants can start at its link.")

    @action(description="Pause the study", permissions=["change"])  # type: ignore[untyped-decorator]
    def pause_study(self, request: HttpRequest, obj: Study) -> None:
        self._move(request, obj, Study.State.PAUSED, f"{obj} is paused. Sessions under way go on; new ones wait.")

    @action(description="Close the study", permissions=["change"])  # type: ignore[untyped-decorator]
    def close_study(self, request: HttpRequest, obj: Study) -> None:
        self._move(request, obj, Study.State.CLOSED, f"{obj} is closed.")

    def _move(self, request: HttpRequest, study: Study, state: Study.State, done: str) -> None:
        before, study.state = study.state, state
        try:
            study.validate_constraints()
        except ValidationError as error:
            study.state = before
            messages.error(request, " ".join(error.messages))
            return
        study.save(update_fields=["state"])
        self.log_change(request, study, [{"changed": {"fields": ["state"]}}])
        messages.success(request, done)

    @badge("state", STATE_LABELS, ordering="state")
    def shown_state(self, study: Study) -> tuple[str, str]:
        return study.state, study.get_state_display()

    @admin.display(description="started", ordering="started_count")
    def started(self, study: Any) -> int:
        return int(study.started_count)

    @admin.display(description="finished", ordering="finished_count")
    def finished(self, study: Any) -> int:
        return int(study.finished_count)

    @admin.display(description="takes", ordering="take_count")
    def takes(self, study: Any) -> int:
        return int(study.take_count)

    @admin.display(description="participants' link")
    def link(self, study: Study) -> SafeString:
        return format_html('<a class="link" href="{0}">{0}</a>', study.get_absolute_url())

    @admin.display(description="protocol")
    def design(self, study: Study) -> SafeString:
        return format_html('<a class="link" href="{}">Write</a>', reverse("design", args=[study.slug]))

    @admin.display(description="data")
    def csv(self, study: Study) -> SafeString:
        return format_html('<a class="link" href="{}">CSV</a>', reverse("trials_csv", args=[study.slug]))


class ConditionInline(ReadOnlyInline):
    model = Condition
    fields = ("key", "label", "engine", "voice_label", "voice_delay", "text_prompt")
    readonly_fields = fields

    @admin.display(description="voice later by")
    def voice_delay(self, condition: Condition) -> str:
        """In all conditions alike; without that, takes tell."""
        return "" if condition.latency_samples is None else f"{samples_to_ms(condition.latency_samples):g} ms"


class PromptInline(ReadOnlyInline):
    model = Prompt
    fields = ("key", "title", "card", "limit_sec")
    readonly_fields = fields


@admin.register(ProtocolVersion)
class ProtocolVersionAdmin(ReadOnlyAdmin):
    list_display = ("study", "number", "published_at", "created_at", "short_sha256")
    list_display_links = ("study", "number")
    list_filter = ("study",)
    list_select_related = ("study",)
    fields = ("study", "number", "published_at", "created_at", "full_sha256", "yaml")
    inlines = (ConditionInline, PromptInline)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProtocolVersion]:
        versions: QuerySet[ProtocolVersion] = super().get_queryset(request)
        return versions.exclude(number=SCRATCH)  # previews of drafts are looked at elsewhere

    @admin.display(description="SHA-256")
    def short_sha256(self, version: ProtocolVersion) -> str:
        return version.sha256[:16]

    @admin.display(description="SHA-256")
    def full_sha256(self, version: ProtocolVersion) -> SafeString:
        return digest(version.sha256)

    @admin.display(description="protocol")
    def yaml(self, version: ProtocolVersion) -> SafeString:
        try:
            return as_document(to_yaml(protocol_of(version)))
        except ProtocolError:  # from an older schema: shown as it is stored
            return as_json(version.document)
