"""A private network for one trial: two namespaces and a pair of virtual links between them.

The namespaces have no names. They live by the descriptors that this process and the VMM hold, and
with the last one the kernel takes away links, addresses and queueing disciplines: whatever ends
those processes, `kill -9` included, nothing is left and there is nothing to undo. The links are
made inside, so the host's own namespace never has them.
"""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

from agent import netns, tap
from agent.errors import MissingError

# RFC 5737: for documentation, so that nobody's network is hidden by it.
CLIENT, DEVICE, PREFIX = "192.0.2.1", "192.0.2.2", 30
LINK, TAP, BRIDGE = "kvmlab0", "kvmlab-tap", "kvmlab-bridge"
# A locally administered address.
GUEST_MAC = "52:54:00:6b:76:6d"
# What tbf may send at once, and may keep waiting (tc-tbf(8)): a second of most traffic.
BURST_BYTES, WAITING_BYTES = 3000, 100_000


class End:
    """One namespace with its end of the link."""

    def __init__(self, address: str) -> None:
        # A host may do without networks.
        from pyroute2 import IPRoute  # type: ignore[import-untyped]  # noqa: PLC0415

        self.address = address
        with netns.inside(None):
            self.namespace = netns.own()
            _without_ipv6()
            self._routes = IPRoute()
        self._index = 0

    def pair_with(self, other: End) -> None:
        peer = {"ifname": LINK, "net_ns_fd": other.namespace}
        self._routes.link("add", ifname=LINK, kind="veth", peer=peer)

    def bring_up(self) -> None:
        self._index = self._routes.link_lookup(ifname=LINK)[0]
        self._routes.addr("add", index=self._index, address=self.address, prefixlen=PREFIX)
        self._routes.link("set", index=self._index, state="up")

    def know(self, other: End) -> None:
        """Make the other end's hardware address known, so that no ARP falls into a trial."""
        self._routes.neigh(
            "add",
            dst=other.address,
            lladdr=other.hardware_address,
            ifindex=self._index,
            state="permanent",
        )

    @property
    def hardware_address(self) -> str:
        return str(self._link().get_attr("IFLA_ADDRESS"))

    def shape(self, link: dict[str, Any]) -> None:
        """Delay, lose or slow down what is sent from this end; MissingError where Linux cannot."""
        kind, options = _discipline(link)
        try:
            self.discipline(kind, **options)
        except Exception as error:
            if getattr(error, "code", None) != errno.ENOENT:
                raise
            raise MissingError(
                f"this kernel has no queueing discipline {kind} (CONFIG_NET_SCH_{kind.upper()}): "
                "the network cannot be made as slow or lossy as the workload asks"
            ) from error

    def discipline(self, kind: str, **options: object) -> None:
        """Give what is sent from this end a queueing discipline, in pyroute2's words."""
        self._routes.tc("add", kind, self._index, **options)

    def _link(self) -> Any:  # noqa: ANN401  (pyroute2)
        return self._routes.get_links(self._index)[0]

    def facts(self) -> dict[str, Any]:
        link = self._link()
        return {
            "tx_queues": link.get_attr("IFLA_NUM_TX_QUEUES"),
            "rx_queues": link.get_attr("IFLA_NUM_RX_QUEUES"),
            "mtu": link.get_attr("IFLA_MTU"),
            "qdiscs": [each.get_attr("TCA_KIND") for each in self._routes.get_qdiscs()],
        }

    def close(self) -> None:
        self._routes.close()
        os.close(self.namespace)


class Bridged(End):
    """An end where the link meets a tap on a bridge: the VM behind the tap has the address.

    A VMM that is in the namespace opens the tap by its name, TAP; its card has GUEST_MAC.
    """

    hardware_address = GUEST_MAC

    def bring_up(self) -> None:
        if not tap.DEVICE.exists():
            # Opening its node would load it, were there one.
            subprocess.run(["modprobe", "tun"], capture_output=True, check=False)
        with netns.inside(self.namespace):
            tap.make(TAP)
        self._routes.link("add", ifname=BRIDGE, kind="bridge")
        bridge, *ports = (self._routes.link_lookup(ifname=name)[0] for name in (BRIDGE, LINK, TAP))
        for port in ports:
            self._routes.link("set", index=port, master=bridge, state="up")
        self._routes.link("set", index=bridge, state="up")
        self._index = ports[0]

    def know(self, other: End) -> None:
        """Leave that to the VM."""


class Network:
    """Client and device, connected and up; use it with `contextlib.closing`.

    `link` shapes what is sent, at each end alike: `delay_ns`, `jitter_ns`, `loss` (a share) and
    `rate_bit_s`, as far as given. `device` is the kind of the device's end. Raises MissingError
    where this host lacks what it takes.
    """

    def __init__(self, link: dict[str, Any], device: type[End] = End) -> None:
        self.ends: list[End] = []
        self._received = _received()
        with contextlib.ExitStack() as undo:
            undo.callback(self.close)
            try:
                self._make(link, device)
            except ImportError as error:
                raise MissingError(
                    "pyroute2, which makes the private network, is not installed for this host's "
                    "Python: provision this host"
                ) from error
            except Exception as error:
                raise _refusal(error) from error
            undo.pop_all()

    def _make(self, link: dict[str, Any], kind: type[End]) -> None:
        self.ends = [End(CLIENT)]
        self.ends.append(kind(DEVICE))
        client, device = self.ends
        client.pair_with(device)
        for end in self.ends:
            end.bring_up()
        client.know(device)
        device.know(client)
        for end in self.ends if link else ():
            end.shape(link)

    @property
    def descriptors(self) -> tuple[int, ...]:
        """Those of the client's and the device's namespace, for a process that is to use them."""
        return tuple(end.namespace for end in self.ends)

    @property
    def options(self) -> list[str]:
        """What the VMM is told of it."""
        return ["--netns", ",".join(map(str, self.descriptors)), "--address", DEVICE]

    @property
    def version(self) -> str:
        return metadata.version("pyroute2")

    def facts(self) -> dict[str, Any]:
        """Return `network` of a row, as results/FORMAT.md describes it."""
        client, device = self.ends
        now = _received()
        return {
            "pyroute2": self.version,
            "client": client.facts(),
            "device": device.facts(),
            "thread_cpus": sorted(os.sched_getaffinity(0)),
            "received_on": {cpu: count - self._received[cpu] for cpu, count in now.items()},
        }

    def close(self) -> None:
        while self.ends:
            self.ends.pop().close()


def _refusal(error: Exception) -> Exception:
    """Return what the kernel refused as a sentence; another error as it is."""
    code = getattr(error, "code", None)  # pyroute2's NetlinkError has it
    if code is None:
        return error
    return MissingError(
        f"this kernel refuses a private network ({os.strerror(code)}): it needs veth "
        "(CONFIG_VETH), for VMs with cards also CONFIG_BRIDGE"
    )


def _without_ipv6() -> None:
    """Keep router solicitations and the like out of the trial; before there is a link."""
    with contextlib.suppress(OSError):
        Path("/proc/sys/net/ipv6/conf/default/disable_ipv6").write_text("1\n")


def _discipline(link: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return pyroute2's words for it: netem for all but a rate alone, which tbf does as well."""
    if link.keys() == {"rate_bit_s"}:
        bytes_per_s = link["rate_bit_s"] // 8
        return "tbf", {"rate": bytes_per_s, "burst": BURST_BYTES, "limit": WAITING_BYTES}
    options = {}
    if "delay_ns" in link:
        options["delay"] = link["delay_ns"] / 1000
    if "jitter_ns" in link:
        options["jitter"] = link["jitter_ns"] / 1000
    if "loss" in link:
        options["loss"] = 100 * link["loss"]
    if "rate_bit_s" in link:
        options["rate"] = link["rate_bit_s"] // 8
    return "netem", options


def _received() -> dict[str, int]:
    """Return how often each CPU took packets in: /proc/softirqs, NET_RX."""
    head, *lines = Path("/proc/softirqs").read_text().splitlines()
    counts = next(line.split()[1:] for line in lines if line.split()[0] == "NET_RX:")
    return dict(zip((cpu.removeprefix("CPU") for cpu in head.split()), map(int, counts)))
