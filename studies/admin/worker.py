"""Inference workers as they last reported."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib import admin
from django.utils import timezone
from django.utils.safestring import SafeString

from studies.admin.readonly import ReadOnlyAdmin, as_json, badge
from studies.models import InferenceWorker


@admin.register(InferenceWorker)
class InferenceWorkerAdmin(ReadOnlyAdmin):
    list_display = (
        "name",
        "status",
        "occupancy",
        "queue_length",
        "step_ms_p95",
        "late_steps",
        "engine_names",
        "seen_at",
    )
    search_fields = ("name",)
    fields = (
        "name",
        "status",
        "address",
        "occupancy",
        "queue_length",
        "step_ms_p95",
        "late_steps",
        "converter_names",
        "seen_at",
        "engine_snapshots",
    )

    @badge("status", {"fresh": "success", "stale": "danger"})
    def status(self, worker: InferenceWorker) -> tuple[str, str]:
        fresh = timezone.now() - worker.seen_at <= timedelta(seconds=settings.WORKER_STALE_SEC)
        return ("fresh", "Reporting") if fresh else ("stale", "Silent")

    @admin.display(description="slots taken")
    def occupancy(self, worker: InferenceWorker) -> str:
        return f"{max(0, worker.slots - worker.free_slots)} of {worker.slots}"

    @admin.display(description="engines")
    def engine_names(self, worker: InferenceWorker) -> str:
        return ", ".join(worker.engines)

    @admin.display(description="converters")
    def converter_names(self, worker: InferenceWorker) -> str:
        return ", ".join(worker.converters)

    @admin.display(description="engines as they run")
    def engine_snapshots(self, worker: InferenceWorker) -> SafeString:
        return as_json(worker.engines)
