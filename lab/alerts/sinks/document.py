"""Alerts as one JSON document."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from lab.alerts.model import Alert
from lab.alerts.sinks.files import put
from lab.alerts.words import message

SCHEMA = 1

_ALERT: TypeAdapter[Alert] = TypeAdapter(Alert)


class JsonFile:
    """Writes all alerts, resolved ones as well: `{"schema": 1, "at": …, "alerts": […]}`."""

    def __init__(self, path: Path, name: str = "json") -> None:
        self.name = name
        self._path = path

    def show(self, alerts: Sequence[Alert], now: datetime) -> None:
        document = {
            "schema": SCHEMA,
            "at": now.isoformat(timespec="seconds"),
            "alerts": [record(alert) for alert in alerts],
        }
        put(self._path, json.dumps(document, indent=1).encode() + b"\n")


def record(alert: Alert) -> dict[str, Any]:
    """Return an alert as plain values: its fields, and what it says."""
    fields = _ALERT.dump_python(alert, mode="python", exclude={"deliveries"})
    plain: dict[str, Any] = json.loads(json.dumps(fields, default=_plain))
    told = message(alert)
    plain["fingerprints"] = sorted(each.digest for each in alert.fingerprints)
    plain["deliveries"] = [
        {"event": event, "sink": sink, "outcome": each.outcome, "error": each.error}
        for (event, sink), each in alert.deliveries.items()
    ]
    return {**plain, "title": told.title, "text": told.text}


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
