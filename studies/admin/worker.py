"""Inference workers as they last reported."""

from __future__ import annotations

from django.contrib import admin
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString

from studies.admin.readonly import ReadOnlyAdmin, as_json, badge
from studies.models import InferenceWorker
from studies.talk.workers.needs import sending
from studies.talk.workers.state import state_of


@admin.register(InferenceWorker)
class InferenceWorkerAdmin(ReadOnlyAdmin):
    list_display = (
        "name",
        "status",
        "places",
        "queue_length",
        "step_ms_p50",
        "step_ms_p95",
        "step_ms_p99",
        "late_steps",
        "engine_names",
        "seen_at",
    )
    search_fields = ("name",)
    fields = (
        ("name", "status_text"),
        ("address", "seen_at"),
        ("places", "queue_length"),
        ("rows", "late_steps"),
        "steps",
        "engine_list",
        "converter_names",
        "engine_snapshots",
    )

    @badge("status", {"open": "success", "paused": "warning", "closed": "danger"})
    def status(self, worker: InferenceWorker) -> tuple[str, str]:
        return state_of(worker, timezone.now()).status

    @admin.display(description="status")
    def status_text(self, worker: InferenceWorker) -> str:
        return state_of(worker, timezone.now()).status[1]

    @admin.display(description="free places")
    def places(self, worker: InferenceWorker) -> str:
        return f"{worker.free_slots} of {worker.slots}"

    @admin.display(description="rows of a step, on average")
    def rows(self, worker: InferenceWorker) -> str:
        return "" if worker.occupancy is None else f"{worker.occupancy:.1f}"

    @admin.display(description="steps in the last minute")
    def steps(self, worker: InferenceWorker) -> str:
        chart = state_of(worker, timezone.now()).chart
        return "none" if chart is None else render_to_string("researcher/steps.html", {"chart": chart})

    @admin.display(description="engines")
    def engine_list(self, worker: InferenceWorker) -> str:
        return render_to_string("researcher/engines.html", {"engines": state_of(worker, timezone.now()).engines})

    @admin.display(description="engines")
    def engine_names(self, worker: InferenceWorker) -> str:
        return ", ".join(worker.engines)

    @admin.display(description="converters")
    def converter_names(self, worker: InferenceWorker) -> str:
        names = {name: " (somebody else's)" if sending([name], worker) else "" for name in worker.converters}
        return ", ".join(name + whose for name, whose in names.items())

    @admin.display(description="engines as they run")
    def engine_snapshots(self, worker: InferenceWorker) -> SafeString:
        return as_json(worker.engines)
