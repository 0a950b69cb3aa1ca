"""Lets researchers record or upload target voices with the speaker's consent, hear, use and withdraw them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import pluralize
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin

from studies.admin.filters import NamedFilters
from studies.admin.readonly import badge
from studies.admin.voice_form import TargetVoiceForm, track_named
from studies.models import ErasureReceipt, ProtocolVersion, TargetVoice, TargetVoiceVersion
from studies.voices import library

QUALITY_LABELS: Final = {"ok": "success", "warning": "warning", "refused": "danger"}
QUALITY_TEXTS: Final = {"ok": "Good", "warning": "With reservations", "refused": "Not good enough"}
CONSENT_LABELS: Final = {"valid": "success", "ends": "warning", "over": "danger", "withdrawn": "danger"}
ENDS_SOON: Final = timedelta(days=30)

VOICE_FIELDS: Final = ["key", "name", "description", "study"]
CONSENT_FIELDS: Final = [
    "speaker",
    "consent_scope",
    "consent_until",
    "licence",
    "licence_text",
    "evidence",
]
CONSENT_ABOUT: Final = "What the speaker agreed to. It is stored with the recording and cannot be changed afterwards."


@admin.register(TargetVoice)
class TargetVoiceAdmin(NamedFilters, ModelAdmin):  # type: ignore[misc]  # unfold has no types
    form = TargetVoiceForm
    list_display = ("name", "key", "scope", "shown_quality", "shown_consent", "length", "version_count", "use_count")
    list_filter = ("study",)
    list_filter_sheet = False
    list_select_related = ("study",)
    search_fields = ("name", "key", "description")
    change_form_template = "admin/studies/targetvoice/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[TargetVoice]:
        found: QuerySet[TargetVoice] = super().get_queryset(request)
        return found.prefetch_related("versions").annotate(
            uses=Count("versions__uses__condition__version__study", distinct=True)
        )

    def get_fieldsets(self, request: HttpRequest, obj: TargetVoice | None = None) -> list[tuple[str | None, Any]]:
        part = [("part_start_sec", "part_end_sec")] if _track_of(request) else []
        if obj is None:
            return [
                ("The voice", {"fields": VOICE_FIELDS}),
                ("Recording", {"fields": ["audio", *part]}),
                ("Consent and licence", {"fields": CONSENT_FIELDS, "description": CONSENT_ABOUT}),
            ]
        if obj.withdrawn_at is not None:
            return [("The voice", {"fields": VOICE_FIELDS})]
        return [
            ("The voice", {"fields": VOICE_FIELDS}),
            ("New version: recording", {"fields": ["audio", "renew"]}),
            ("New version: consent and licence", {"fields": CONSENT_FIELDS, "description": CONSENT_ABOUT}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: TargetVoice | None = None) -> list[str]:
        return [] if obj is None else ["key"]

    def get_form(
        self, request: HttpRequest, obj: TargetVoice | None = None, change: bool = False, **kwargs: Any
    ) -> type[TargetVoiceForm]:
        made: type[TargetVoiceForm] = super().get_form(request, obj, change, **(kwargs | {"fields": VOICE_FIELDS}))
        return type("TargetVoiceFormOfUser", (made,), {"user": request.user})

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {**super().get_changeform_initial_data(request), "track": _track_of(request)}

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)  # Voices are deleted one by one, since some are in use.
        return actions

    def save_model(self, request: HttpRequest, obj: TargetVoice, form: TargetVoiceForm, change: bool) -> None:
        if obj.owner is None and not change:
            obj.owner = form.user
        super().save_model(request, obj, form, change)
        if form.makes_version:
            version = form.save_version(obj)
            messages.success(request, f"{version} is in the library. Studies use it from their next publication on.")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        voice = self.get_object(request, object_id)
        context = dict(extra_context or {})
        if voice is not None and self.has_view_permission(request, voice):
            context |= voice_context(voice)
        response: HttpResponse = super().change_view(request, object_id, form_url, context)
        return response

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Explains with links, instead of a list of protected rows, why a voice that is in use stays."""
        voice = self.get_object(request, object_id)
        if voice is not None and self.has_delete_permission(request, voice) and (users := library.uses_of(voice)):
            text = "{} cannot be deleted: published studies use it ({}). If its speaker withdraws, withdraw it below."
            return self._refuse(request, voice, format_html(text, voice, links_to(users)))
        response: HttpResponse = super().delete_view(request, object_id, extra_context)
        return response

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, set[str], list[str]]:
        to_delete, counts, _, protected = super().get_deleted_objects(objs, request)
        return to_delete, counts, set(), protected  # Versions have no admin of their own.

    def delete_model(self, request: HttpRequest, obj: TargetVoice) -> None:
        library.remove_voice(obj, by=request.user.get_username())

    def get_urls(self) -> list[URLPattern]:
        own = path(
            "<int:voice_id>/withdraw/", self.admin_site.admin_view(self.withdraw), name="studies_targetvoice_withdraw"
        )
        return [own, *super().get_urls()]

    def withdraw(self, request: HttpRequest, voice_id: int) -> HttpResponse:
        """Asks for confirmation, then erases the recordings of a voice whose speaker withdrew."""
        voice = self.get_object(request, str(voice_id))
        if voice is None:
            raise Http404
        if not self.has_change_permission(request, voice):
            return self._refuse(request, voice, "You are not allowed to withdraw voices.")
        if request.method == "POST":
            receipt = library.withdraw_voice(voice, by=request.user.get_username())
            self.log_change(request, voice, "Withdrawn by the speaker.")
            erased = f"{receipt.files} file{pluralize(receipt.files)} erased"
            messages.success(request, f"{voice} is withdrawn. Receipt {receipt.pk}: {erased}.")
            return HttpResponseRedirect(reverse("admin:studies_targetvoice_change", args=[voice.pk]))
        context = {
            **self.admin_site.each_context(request),
            "title": f"{voice}: the speaker withdraws",
            "voice": voice,
            "uses": library.uses_of(voice),
            "takes": library.takes_in(voice).count(),
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/studies/targetvoice/withdraw.html", context)

    def _refuse(self, request: HttpRequest, voice: TargetVoice, why: str) -> HttpResponse:
        messages.error(request, why)
        return HttpResponseRedirect(reverse("admin:studies_targetvoice_change", args=[voice.pk]))

    @admin.display(description="for", ordering="study__title")
    def scope(self, voice: TargetVoice) -> str:
        return str(voice.study) if voice.study else "all studies"

    @badge("quality", QUALITY_LABELS)
    def shown_quality(self, voice: TargetVoice) -> tuple[str, str]:
        newest = _newest(voice)
        verdict = newest.quality["verdict"] if newest else ""
        return verdict, QUALITY_TEXTS.get(verdict, "No recording")

    @badge("consent", CONSENT_LABELS)
    def shown_consent(self, voice: TargetVoice) -> tuple[str, str]:
        return consent_state(voice, _newest(voice))

    @admin.display(description="length")
    def length(self, voice: TargetVoice) -> str:
        newest = _newest(voice)
        return f"{newest.duration_sec:.1f} s" if newest else ""

    @admin.display(description="versions")
    def version_count(self, voice: TargetVoice) -> int:
        return len(voice.versions.all())

    @admin.display(description="studies", ordering="uses")
    def use_count(self, voice: Any) -> int:
        return int(voice.uses)


def consent_state(voice: TargetVoice, version: TargetVoiceVersion | None) -> tuple[str, str]:
    """Returns (key, text) for a coloured label."""
    if voice.withdrawn_at is not None:
        return "withdrawn", f"Withdrawn {date_format(voice.withdrawn_at, 'j M Y')}"
    if version is None:
        return "over", "None"
    until = date_format(version.consent_until, "j M Y")
    today = timezone.localdate()
    if version.consent_until < today:
        return "over", f"Ended {until}"
    return ("ends" if version.consent_until < today + ENDS_SOON else "valid"), f"Until {until}"


def voice_context(voice: TargetVoice) -> dict[str, Any]:
    """Returns everything about a voice besides its form."""
    today = timezone.localdate()
    receipts = ErasureReceipt.objects.filter(code=f"voice {voice.key}")
    versions = voice.versions.select_related("uploaded_by", "donation__session__participant").order_by("-number")
    return {
        "voice": voice,
        "versions": [(version, consent_state(voice, version)) for version in versions],
        "uses": library.uses_of(voice),
        "obstacle": obstacle if (newest := voice.newest) and (obstacle := newest.obstacle_on(today)) else "",
        "receipt": receipts.first(),
    }


def links_to(versions: list[ProtocolVersion]) -> SafeString:
    return format_html_join(
        ", ",
        '<a class="link" href="{}">{}</a>',
        ((reverse("admin:studies_protocolversion_change", args=[version.pk]), version) for version in versions),
    )


def _newest(voice: TargetVoice) -> TargetVoiceVersion | None:
    """Returns the newest version, from the prefetched ones."""
    return max(voice.versions.all(), key=lambda version: version.number, default=None)


def _track_of(request: HttpRequest) -> str:
    """The id of the participant's track that is to become a voice; empty where none is named that may be heard."""
    assert isinstance(request.user, User)  # the admin lets nobody else in
    track = track_named(request.POST.get("track") or request.GET.get("track"), request.user)
    return "" if track is None else str(track.pk)
