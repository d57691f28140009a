"""What stays the same from night to night, and so makes a series."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class SeriesKey:
    """One metric of one cell of one host.

    A cell of another experiment is measured among other neighbours, and a host under another
    clock class tells another time: neither is the same series. `setting` is the label of
    `lab.labels.setting_label`.
    """

    host: str
    clock_class: str
    experiment: str
    setting: str
    workload: str
    metric: str
