"""Alerts as OpenMetrics text, for the textfile collector of node_exporter.

Gauges without timestamps only: there OpenMetrics and the older text format, which is what the
collector reads, are one. It refuses timestamps (its collector/textfile.go).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.registry import Collector

from lab.alerts.model import Alert, State
from lab.alerts.sinks.files import put

SERIES = (
    "alert",
    "host",
    "host_class",
    "clock_class",
    "experiment",
    "workload",
    "setting",
    "metric",
)


class OpenMetrics:
    """Writes how many alerts there are in each state, and the size of every active change."""

    def __init__(self, path: Path, name: str = "openmetrics") -> None:
        self.name = name
        self._path = path

    def show(self, alerts: Sequence[Alert], now: datetime) -> None:
        registry = CollectorRegistry()
        registry.register(_Alerts(alerts, now))
        text: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]
        put(self._path, text)


class _Alerts(Collector):
    def __init__(self, alerts: Sequence[Alert], now: datetime) -> None:
        self._alerts = alerts
        self._now = now

    def collect(self) -> Iterator[Metric]:
        counts = Counter(alert.state for alert in self._alerts)
        states = GaugeMetricFamily("kvmlab_alerts", "Alerts by state.", labels=["state"])
        for state in State:
            states.add_metric([state.value], counts[state])
        yield states
        change = GaugeMetricFamily(
            "kvmlab_alert_change_ratio",
            "Level since the change by the level before; bound is value, low or high.",
            labels=[*SERIES, "bound"],
        )
        since = GaugeMetricFamily(
            "kvmlab_alert_since_timestamp_seconds",
            "Midnight UTC of the first night of an active alert.",
            labels=["alert", "state"],
        )
        for alert in self._alerts:
            if alert.is_active:
                begun = datetime.fromisoformat(alert.since).replace(tzinfo=UTC)
                since.add_metric([alert.id, alert.state.value], begun.timestamp())
                _add(change, alert)
        yield from (since, change)
        written = GaugeMetricFamily(
            "kvmlab_alerts_written_timestamp_seconds", "When this was written."
        )
        written.add_metric([], self._now.timestamp())
        yield written


def _add(family: GaugeMetricFamily, alert: Alert) -> None:
    for change in alert.changes:
        series = change.series
        values = [
            alert.id,
            series.host,
            change.host_class,
            series.clock_class,
            series.experiment,
            series.workload,
            series.setting,
            series.metric,
        ]
        for bound, ratio in (("value", change.ratio), ("low", change.low), ("high", change.high)):
            family.add_metric([*values, bound], ratio)
