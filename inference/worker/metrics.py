"""The Prometheus metrics of an inference worker; each value is read when it is scraped."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from inference.worker.statistics import StepStatistics, occupancy, percentile_ms
from inference.worker.takes import Takes

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PERCENTILES = (50, 95, 99)


class WorkerCollector:
    """Collects the metrics. Names follow Prometheus's conventions: base units, `_total` for counters."""

    def __init__(self, takes: Takes) -> None:
        self._takes = takes

    def collect(self) -> Iterator[Metric]:
        takes, table = self._takes, self._takes.table
        accepting = takes.accepting
        free = table.free_slots if accepting else 0
        for name, help_text, value in (
            ("hearmeout_slots", "Rows in service.", table.slots),
            ("hearmeout_slots_free", "Rows that can be leased now.", free),
            ("hearmeout_queue_length", "Takes that wait for a row.", len(table.queue)),
            (
                "hearmeout_accepting",
                "1 while free rows are lent, 0 while they are kept back.",
                accepting,
            ),
            ("hearmeout_draining", "1 while the worker stops and its talks move to others.", takes.draining),
        ):
            yield GaugeMetricFamily(name, help_text, value)
        yield from _by_engine(takes.statistics)
        seen = takes.statistics
        for name, help_text, label, counts in (
            ("hearmeout_frames_dropped", "Frames a full queue dropped.", "direction", seen.frames_dropped),
            ("hearmeout_slots_ended", "Slots that ended.", "reason", seen.slots_ended),
            ("hearmeout_refused", "Requests refused.", "code", seen.refused),
        ):
            family = CounterMetricFamily(name, help_text, labels=[label])
            for key, count in list(counts.items()):
                family.add_metric([key], count)
            yield family


def _by_engine(statistics: StepStatistics) -> Iterator[Metric]:
    engines = dict(statistics.by_engine)
    for name, help_text, attribute in (
        ("hearmeout_steps", "Batched steps.", "steps"),
        ("hearmeout_row_steps", "Rows over all steps; by steps, the occupancy.", "rows"),
        ("hearmeout_late_steps", "Steps longer than a frame.", "late_steps"),
    ):
        counter = CounterMetricFamily(name, help_text, labels=["engine"])
        for engine, steps in engines.items():
            counter.add_metric([engine], getattr(steps, attribute))
        yield counter
    minutes = {engine: statistics.last_minute(engine) for engine in engines}
    for percentile in PERCENTILES:
        help_text = f"Step time, {percentile}% quantile of the last minute."
        gauge = GaugeMetricFamily(f"hearmeout_step_p{percentile}_seconds", help_text, labels=["engine"])
        for engine, minute in minutes.items():
            if (step_ms := percentile_ms(minute, percentile)) is not None:
                gauge.add_metric([engine], step_ms / 1_000)
        yield gauge
    gauge = GaugeMetricFamily("hearmeout_occupancy", "Mean rows per step of the last minute.", labels=["engine"])
    for engine, minute in minutes.items():
        gauge.add_metric([engine], occupancy(minute))
    yield gauge


def render(takes: Takes) -> bytes:
    """Renders the metrics in Prometheus's text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(WorkerCollector(takes))
    return generate_latest(registry)
