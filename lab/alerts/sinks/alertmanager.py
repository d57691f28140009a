"""Prometheus Alertmanager, API v2 (api/v2/openapi.yaml of prometheus/alertmanager)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from lab.alerts.delivery import SinkError
from lab.alerts.model import Ack, Alert
from lab.alerts.words import message
from lab.store.layout import Document

PATIENCE_S = 20


class Alertmanager:
    """Posts every alert that is confirmed or acknowledged, each time anew.

    `endsAt` is `valid` from now: without it Alertmanager closes an alert after its
    `resolve_timeout` (5 minutes by default), and it forgets all of them when it is restarted. So
    they are to be sent again more often than `valid`. A resolved alert is sent with the
    instant it was resolved, until one that was sent before has run out by itself. An
    acknowledgement is a silence there, for as long. `lab` tells the alerts and silences of one
    store from those of another.
    """

    def __init__(
        self,
        url: str,
        *,
        valid: timedelta,
        lab: str = "kvmlab",
        token: str | None = None,
        name: str = "alertmanager",
    ) -> None:
        self.name = name
        self._url = url.rstrip("/") + "/api/v2"
        self._valid = valid
        self._lab = lab
        self._token = token

    def show(self, alerts: Sequence[Alert], now: datetime) -> None:
        told = [document for alert in alerts if (document := self._document(alert, now))]
        if told:
            self._ask("POST", "alerts", told)
        self._silence(alerts, now)

    def _document(self, alert: Alert, now: datetime) -> Document | None:
        ends = alert.resolution.at if alert.resolution else now + self._valid
        if not alert.is_public or ends + self._valid < now:
            return None
        told = message(alert)
        return {
            "labels": {"lab": self._lab, **labels(alert)},
            "annotations": {"summary": told.title, "description": told.text},
            "startsAt": _instant(alert.opened_at),
            "endsAt": _instant(max(ends, alert.opened_at)),
        }

    def _silence(self, alerts: Sequence[Alert], now: datetime) -> None:
        """Bring the lab's silences in line with the acknowledgements that stand."""
        wanted = {alert.id: alert.ack for alert in alerts if alert.ack and alert.ack.until > now}
        for silence in self._ask("GET", "silences", None):
            alert = self._silenced(silence)
            if alert is None:
                continue
            ack = wanted.get(alert)
            if ack and _comment(ack) == silence["comment"]:
                del wanted[alert]
            else:
                self._ask("DELETE", f"silence/{silence['id']}", None)
        for alert, ack in wanted.items():
            document = {
                "matchers": [_matcher("lab", self._lab), _matcher("alert", alert)],
                "startsAt": _instant(now),
                "endsAt": _instant(ack.until),
                "createdBy": self._lab,
                "comment": _comment(ack),
            }
            self._ask("POST", "silences", document)

    def _silenced(self, silence: Document) -> str | None:
        """Return the alert of one of the lab's own silences; people's are left alone."""
        if silence["createdBy"] != self._lab or silence["status"]["state"] == "expired":
            return None
        values = {each["name"]: each["value"] for each in silence["matchers"]}
        return values.get("alert")

    def _ask(self, method: str, path: str, document: object) -> Any:  # noqa: ANN401
        """Ask the API; SinkError with what it answered when that is not 200."""
        headers = {"Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        content = None if document is None else json.dumps(document).encode()
        request = Request(f"{self._url}/{path}", content, headers, method=method)  # noqa: S310
        try:
            with urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310
                text = answer.read()
        except HTTPError as error:
            said = error.read().decode(errors="replace").strip()
            raise SinkError(
                f"Alertmanager at {self._url} refused {path} ({error.code}: {said}): see its log"
            ) from None
        except (URLError, HTTPException, OSError) as error:
            reason = getattr(error, "reason", error)
            raise SinkError(
                f"Alertmanager at {self._url} does not answer ({reason}): "
                "see that it runs, and the url of its sink"
            ) from None
        return json.loads(text) if text.strip() else None


def labels(alert: Alert) -> dict[str, str]:
    """Return what makes an alert that alert: the same from its first to its last night."""
    if alert.trouble:
        return {"alertname": "KvmlabNightFailed", "alert": alert.id, "severity": "warning"}
    first = alert.changes[0]
    return {
        "alertname": "KvmlabRegression",
        "alert": alert.id,
        "severity": "warning",
        "host": first.series.host,
        "host_class": first.host_class,
        "clock_class": first.series.clock_class,
        "metric": first.series.metric,
        "setting": first.series.setting,
        "direction": first.direction,
        "fingerprint": first.fingerprint.digest,
    }


def _matcher(name: str, value: str) -> Document:
    return {"name": name, "value": value, "isRegex": False, "isEqual": True}


def _comment(ack: Ack) -> str:
    return f"{ack.by}, until {_instant(ack.until)}: {ack.reason}"


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds")
