"""What those outside of the guest wait for: requests that a device brings it, and their replies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.metrics.model import ROUND_TRIPS, SERVED, TICKING, Direction, Metric, quantile, ratio

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.store.layout import Document


def _quantile(name: str, q: float) -> Callable[[Document], float | None]:
    return lambda row: quantile(row["guest"].get(name), q)


def _requests(name: str) -> Callable[[Document], float | None]:
    def value(row: Document) -> float | None:
        requests = row["guest"]["requests"]
        return ratio(requests.get(name), requests["sent"])

    return value


def _peers(row: Document) -> list[Document]:
    return list(row["guest"]["vcpus"][1:])


def _peers_cpu(row: Document) -> float | None:
    spent = [vcpu["cpu_ns"] for vcpu in _peers(row)]
    return ratio(sum(spent), row["guest"]["completed"]) if spent else None


def _peers_polled(*names: str) -> Callable[[Document], float | None]:
    def value(row: Document) -> float | None:
        kept = ((row["guest"].get("stats") or {}).get("vcpu") or [])[1:]
        polled = [vcpu.get(name) for vcpu in kept if vcpu for name in names]
        if not polled or None in polled:
            return None
        return ratio(sum(polled), row["guest"]["completed"])

    return value


METRICS = (
    Metric(
        name="round_trip_p50_ns",
        title="median round trip",
        unit="ns",
        direction=Direction.LOWER,
        definition="median over a trial's requests that were answered of the time from a request "
        "to its reply: by the client's clock, in an open loop from when the request was due; of a "
        "disk by the guest's counter, from asking to the completion's handler; of pipes by the "
        "guest's clock, from a process's turn to its next",
        guests=ROUND_TRIPS,
        value=_quantile("round_trip_ns", 0.5),
        primary=True,
    ),
    Metric(
        name="round_trip_p99_ns",
        title="p99 round trip",
        unit="ns",
        direction=Direction.LOWER,
        definition="the same, 99th percentile; absent below 100 replies",
        guests=ROUND_TRIPS,
        value=_quantile("round_trip_ns", 0.99),
        primary=True,
    ),
    Metric(
        name="lost_requests",
        title="requests without a reply",
        unit="1",
        direction=Direction.LOWER,
        definition="requests that the client gave up, by those it sent; no latency holds them",
        guests=SERVED,
        value=_requests("lost"),
    ),
    Metric(
        name="early_interrupts",
        title="interrupts that came before the halt",
        unit="1",
        direction=Direction.NEITHER,
        definition="interrupts that the device sent before the guest halted, as far as the two "
        "clocks tell, by requests; KVM may see no halt then",
        guests=TICKING,
        value=_requests("early"),
    ),
    Metric(
        name="send_late_p50_ns",
        title="how late the client sent",
        unit="ns",
        direction=Direction.LOWER,
        definition="median over the requests of an open loop of the time from when one was due to "
        "when the client sent it; it is part of the round trip",
        guests=SERVED,
        value=_quantile("send_late_ns", 0.5),
    ),
    Metric(
        name="peers_cpu_ns_per_request",
        title="CPU time of the other vCPUs",
        unit="ns",
        direction=Direction.LOWER,
        definition="CPU time of the vCPUs that serve nothing, from their first KVM_RUN to the last "
        "one's return, by requests served",
        guests=TICKING,
        value=_peers_cpu,
    ),
    Metric(
        name="peers_polled_ns_per_request",
        title="time the other vCPUs polled",
        unit="ns",
        direction=Direction.LOWER,
        definition="KVM's own halt_poll_success_ns and halt_poll_fail_ns of the vCPUs that serve "
        "nothing, by requests served: no request was sooner for it",
        guests=TICKING,
        value=_peers_polled("halt_poll_success_ns", "halt_poll_fail_ns"),
    ),
)
