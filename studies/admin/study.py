"""Shows studies with their data and the settings outside the protocol, and protocol versions, which are frozen."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin

from inference.contract.audio import samples_to_ms
from studies.admin.filters import NamedFilters
from studies.admin.readonly import ReadOnlyAdmin, ReadOnlyInline, as_document, as_json, badge, digest
from studies.errors import ProtocolError
from studies.models import Condition, Prompt, ProtocolVersion, Session, Study
from studies.protocol.reading.document import to_yaml
from studies.publish import SCRATCH, protocol_of
from studies.talk.workers.availability import unserved

STATE_LABELS = {"draft": "info", "open": "success", "paused": "warning", "closed": "danger"}


class StudyForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    """Checks the constraints together with the study's state, which is not a field of the form."""

    class Meta:
        labels: ClassVar = {"slug": "Link", "retention_until": "Recordings are kept until", "is_demo": "Demonstration"}

    def clean_retention_until(self) -> date | None:
        day: date | None = self.cleaned_data["retention_until"]
        if day is not None and "retention_until" in self.changed_data and day < timezone.localdate():
            raise ValidationError("This day is in the past: recordings would be erased immediately. Give a later day.")
        return day

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # not in the stubs
        if not self.errors:
            try:
                self.instance.validate_constraints()
            except ValidationError as error:
                self.add_error(None, error)


@admin.register(Study)
class StudyAdmin(NamedFilters, ModelAdmin):  # type: ignore[misc]  # unfold has no types
    form = StudyForm
    list_display = ("title", "shown_state", "started", "finished", "takes", "link", "design", "csv")
    list_filter = ("state", "is_demo")
    list_filter_sheet = False
    search_fields = ("title", "slug")
    change_form_outer_before_template = "admin/studies/study/data.html"
    fields = ("title", "slug", "availability", "ethics_reference", "retention_until", "is_demo", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Study]:
        sessions = "versions__sessions"
        live = Q(**{f"{sessions}__mode": Session.Mode.LIVE})
        finished = Q(**{f"{sessions}__state": Session.State.FINISHED})
        return (  # type: ignore[no-any-return]
            super()
            .get_queryset(request)
            .annotate(
                started_count=Count(sessions, filter=live, distinct=True),
                finished_count=Count(sessions, filter=live & finished, distinct=True),
                take_count=Count(f"{sessions}__trials__takes", filter=live, distinct=True),
            )
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Study | None = None) -> list[str]:
        started = obj is not None and obj.versions.filter(sessions__isnull=False).exists()
        own = ["title", "availability", "created_at"]  # The protocol has the title.
        return [*own, "slug"] if started else own  # Links that are in use do not change.

    @admin.display(description="to talk with")
    def availability(self, study: Study) -> SafeString | str:
        """Why no inference worker serves the study now, if none does."""
        if study.state != Study.State.OPEN:
            return "asked for while the study is open"
        problems = unserved([study]).get(study.pk, [])
        return format_html_join("", "<p>{}</p>", ((problem,) for problem in problems)) or "somebody is there"

    def has_delete_permission(self, request: HttpRequest, obj: Study | None = None) -> bool:
        return False  # Only withdrawal and retention erase recordings; they leave receipts.

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponseBase:
        """Redirects to the editor, where a study begins."""
        return redirect("design_new")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponseBase:
        shown = {"show_save_and_add_another": False, **(extra_context or {})}
        response: HttpResponseBase = super().change_view(request, object_id, form_url, shown)
        return response

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
        """The delay that is the same in all conditions; if delays are not matched, each take shows its own."""
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
        return versions.exclude(number=SCRATCH)  # Previews of drafts are shown elsewhere.

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
        except ProtocolError:  # The document has an older schema; it is shown as it is stored.
            return as_json(version.document)
