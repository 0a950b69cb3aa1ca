"""Inference workers as they last reported."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models


class InferenceWorker(models.Model):
    """One worker process, as its heartbeat last described it."""

    name = models.CharField(max_length=80, primary_key=True)
    address = models.CharField(max_length=200, help_text="ws://host:port")
    engines = models.JSONField(default=dict, help_text="Engine name -> its snapshot.")
    converters = models.JSONField(default=dict, help_text="Converter name -> its snapshot.")
    latency_samples = models.JSONField(default=dict, help_text="Of converters whose parameters do not tell.")
    slots = models.PositiveIntegerField()
    free_slots = models.PositiveIntegerField()
    queue_length = models.PositiveIntegerField(default=0)
    accepting = models.BooleanField(default=True, help_text="False while overloaded or draining.")
    draining = models.BooleanField(default=False, help_text="It stops once its conversations have moved or ended.")
    occupancy = models.FloatField(null=True, blank=True, help_text="Mean rows of a step in the last minute.")
    step_ms_p50 = models.FloatField(null=True, blank=True)
    step_ms_p95 = models.FloatField(null=True, blank=True)
    step_ms_p99 = models.FloatField(null=True, blank=True)
    late_steps = models.PositiveBigIntegerField(default=0)
    seen_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    def snapshot_of(self, converter: str) -> dict[str, Any]:
        """What a converter said about itself; nothing if its worker reports names alone, as older ones do."""
        told = self.converters.get(converter) if isinstance(self.converters, dict) else None
        return told if isinstance(told, dict) else {}
