"""How late wake-ups and replies are, tail and all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from lab.labels import nanoseconds, setting_label
from lab.metrics import HALT, ROUND_TRIPS
from lab.report.material import Material, Multiple, Picture
from lab.report.style import Key, axis, figure, time_axis
from lab.store.layout import Document

CURVE_POINTS = 160


def latency(material: Material) -> Picture:
    """Distribution of wake-up latencies, tail first."""
    return _distribution(
        material, HALT, "latency_ns", "wake-up latency", "How late wake-ups are", "wake-ups"
    )


def round_trips(material: Material) -> Picture:
    """Distribution of round trips, tail first."""
    return _distribution(
        material, ROUND_TRIPS, "round_trip_ns", "round trip", "How long replies take", "replies"
    )


def _distribution(
    material: Material, guests: frozenset[str], key: str, quantity: str, title: str, units: str
) -> Picture:
    samples = {
        workload: found
        for workload, rows in material.of_guest(*guests)
        if (found := _samples(rows, key))
    }
    extremes = [
        float(edge) for by in samples.values() for s in by.values() for edge in (s.min(), s.max())
    ]
    most = max((s.size for by in samples.values() for s in by.values()), default=1)
    shares = [1.0, 0.5, 0.1, 0.01, 0.001, 0.0001]
    shares = [share for share in shares if share >= 1 / most]
    return Picture(
        title=f"{title}: the whole distribution",
        caption=f"For each time, the share of {units} that were slower; further left is better, "
        f"and the tail is at the bottom. Curves hold the {units} of all trials of a cell together, "
        "so they show shape, not certainty: verdicts come from trials.",
        legend=material.settings_legend,
        multiples=tuple(
            Multiple(
                figure(
                    _latency_traces(material.keys, by_setting),
                    material.title(workload),
                    xaxis=time_axis(quantity, extremes),
                    yaxis=axis(
                        "slower than this",
                        type="log",
                        range=[np.log10(0.8 / most), 0.05],
                        tickvals=shares,
                        ticktext=[
                            "all",
                            "half (p50)",
                            "10 % (p90)",
                            "1 % (p99)",
                            "0.1 %",
                            "0.01 %",
                        ][: len(shares)],
                    ),
                ),
                f"{workload}: share of {units} slower than a time, by setting",
            )
            for workload, by_setting in samples.items()
        ),
    )


def _samples(rows: Sequence[Document], key: str) -> dict[str, NDArray[np.float64]]:
    """Positive times by setting, sorted; a log axis has no place for others."""
    found = defaultdict(list)
    for row in rows:
        found[setting_label(row["setting"])].append(row["guest"].get(key) or [])
    sorted_ = {name: np.sort(np.concatenate(parts)) for name, parts in found.items()}
    return {name: s[s > 0].astype(np.float64) for name, s in sorted_.items() if s[s > 0].size}


def _latency_traces(
    keys: Sequence[Key], samples: Mapping[str, NDArray[np.float64]]
) -> Iterator[go.Scatter]:
    for key in keys:
        if key.label not in samples:
            continue
        sample = samples[key.label]
        slower = np.geomspace(1.0, 1.0 / sample.size, CURVE_POINTS)
        values = np.quantile(sample, 1.0 - slower, method="inverted_cdf")
        yield go.Scatter(
            x=np.round(values, 1).tolist(),
            y=[float(f"{share:.4g}") for share in slower],
            mode="lines",
            line={
                "color": key.colour,
                "dash": key.dash,
                "width": 3 if key.is_reference else 2,
                "shape": "vh",
            },
            customdata=[nanoseconds(value) for value in values],
            hovertemplate=f"<b>{key.name}</b><br>%{{y:.2%}} slower than %{{customdata}}"
            "<extra></extra>",
        )
