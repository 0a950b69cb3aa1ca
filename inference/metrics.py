"""What Prometheus reads from an inference worker; every value is taken when it asks."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from inference.slots import SlotTable
from inference.statistics import StepStatistics

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
QUANTILES = (0.5, 0.95, 0.99)


class WorkerCollector:
    """Names follow Prometheus' own rules: base units, `_total` for counters."""

    def __init__(self, table: SlotTable, statistics: StepStatistics) -> None:
        self._table = table
        self._statistics = statistics

    def collect(self) -> Iterator[Metric]:
        table, seen = self._table, self._statistics
        yield GaugeMetricFamily("hearmeout_slots", "Rows in service.", table.slots)
        yield GaugeMetricFamily("hearmeout_slots_free", "Rows that can be leased now.", table.free_slots)
        yield GaugeMetricFamily("hearmeout_queue_length", "Takes that wait for a row.", len(table.queue))
        yield CounterMetricFamily("hearmeout_steps", "Batched steps.", seen.steps)
        yield CounterMetricFamily("hearmeout_row_steps", "Rows over all steps; by steps, the occupancy.", seen.rows)
        yield CounterMetricFamily("hearmeout_late_steps", "Steps longer than a frame.", seen.late_steps)
        for percentile in QUANTILES:
            step_ms = seen.step_ms(100 * percentile)
            if step_ms is not None:
                help_text = f"Step time, {percentile:.0%} quantile of the last minute."
                name = f"hearmeout_step_p{100 * percentile:.0f}_seconds"
                yield GaugeMetricFamily(name, help_text, step_ms / 1_000)
        for name, help_text, label, counts in (
            ("hearmeout_frames_dropped", "Frames a full queue dropped.", "direction", seen.frames_dropped),
            ("hearmeout_slots_ended", "Slots that ended.", "reason", seen.slots_ended),
            ("hearmeout_refused", "Requests refused.", "code", seen.refused),
        ):
            family = CounterMetricFamily(name, help_text, labels=[label])
            for key, count in list(counts.items()):
                family.add_metric([key], count)
            yield family


def render(collector: WorkerCollector) -> bytes:
    """Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    return generate_latest(registry)
