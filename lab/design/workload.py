"""Workloads of an experiment file: what the guest does, how often, in which rhythm."""

from __future__ import annotations

from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_serializer, model_validator

STRICT = ConfigDict(extra="forbid", frozen=True, strict=True)

Exit = Literal["exit", "hypercall", "userspace", "mmio", "ipi", "fpu"]
Nanoseconds = Annotated[int, Field(ge=1, le=4_000_000_000)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Vcpus = Annotated[int, Field(ge=1, le=8)]
File = Annotated[str, Field(pattern=r"^/[^,]*$")]
"""A path on the host; QEMU reads a comma as the end of it."""
IPv4 = Annotated[str, Field(pattern=r"^\d{1,3}(\.\d{1,3}){3}$")]

WAKEUP_NS = 60_000
"""What an emulated guest needs of its own for each wake-up; hardware far less."""
REQUEST_NS = 400_000
"""The same of a request and its reply: client, device and guest take turns."""

BOOT_S = 20.0
"""What an emulated host takes to boot a Linux guest; hardware a second or two."""


class Strict(BaseModel):
    model_config = STRICT


class Fixed(Strict):
    """The same interval again and again."""

    kind: Literal["fixed"]
    ns: Nanoseconds

    @property
    def mean_ns(self) -> float:
        return self.ns


class Exponential(Strict):
    """Memoryless arrivals with mean `ns`."""

    kind: Literal["exponential"]
    ns: Nanoseconds

    @property
    def mean_ns(self) -> float:
        return self.ns


class Bursty(Strict):
    """Bursts of `burst` wake-ups `ns` apart, after gaps of `gap_ns` on average."""

    kind: Literal["bursty"]
    ns: Nanoseconds
    burst: Annotated[int, Field(ge=2)]
    gap_ns: Nanoseconds

    @property
    def mean_ns(self) -> float:
        return (self.ns * (self.burst - 1) + self.gap_ns) / self.burst


Interval = Annotated[Fixed | Exponential | Bursty, Field(discriminator="kind")]


class Halt(Strict):
    """The guest arms a one-shot timer, halts and takes the interrupt, `count` times."""

    name: Name
    guest: Literal["halt"]
    count: Count
    interval: Interval

    @property
    def expected_s(self) -> float:
        return self.count * (self.interval.mean_ns + WAKEUP_NS) / 1e9


class Exits(Strict):
    """The guest leaves and comes back in a loop: `count` samples of `batch` exits."""

    name: Name
    guest: Exit
    count: Count
    batch: Annotated[int, Field(ge=1, le=100_000)] = 100

    @property
    def expected_s(self) -> float:
        # What an exit costs an emulated host; hardware needs a microsecond or two.
        return self.count * self.batch * 10_000 / 1e9


class Link(Strict):
    """What becomes of packets on the private network, each way alike; nothing by default."""

    delay_ns: Nanoseconds | None = None
    jitter_ns: Nanoseconds | None = None
    loss: Annotated[float, Field(gt=0, lt=1)] | None = None
    rate_bit_s: Annotated[int, Field(ge=8_000)] | None = None

    @model_validator(mode="after")
    def _jitter_of_a_delay(self) -> Self:
        if self.jitter_ns is not None and self.delay_ns is None:
            raise ValueError("link.jitter_ns: there is no delay_ns to vary; give one")
        return self

    @model_serializer
    def _given(self) -> dict[str, int | float]:
        return {name: value for name, value in self if value is not None}


class _Asked(Strict):
    """Somebody brings the guest `count` requests.

    `interval` is what a request waits for: its kind says from when.
    """

    name: Name
    count: Count
    interval: Interval

    @property
    def expected_s(self) -> float:
        return self.count * (self.interval.mean_ns + REQUEST_NS) / 1e9


class _Served(_Asked):
    """A device does."""

    vcpus: Vcpus = 1


class _Ticking(_Served):
    """The lab's own guest: vCPU 0 serves, other `vcpus` wake each `tick_ns` and do nothing."""

    tick_ns: Nanoseconds = 4_000_000


class _Client(_Asked):
    """A client sends the requests and waits for the replies.

    The interval goes before a request: it begins with the last reply in a closed loop, when the
    last request was due in an open one. There, latency counts from when a request was due.
    """

    loop: Literal["closed", "open"] = "closed"
    protocol: Literal["udp", "tcp"] = "udp"


class _Networked(_Client, _Served):
    """The client is on a private network."""

    link: Link = Link()


class NetRr(_Networked, _Ticking):
    """One request at a time."""

    guest: Literal["net_rr"]


class NetStream(_Networked, _Ticking):
    """Bursts of `burst` requests sent together; the interval goes before a burst."""

    guest: Literal["net_stream"]
    burst: Annotated[int, Field(ge=2, le=1000)]


class DiskRr(_Ticking):
    """The guest asks a disk and waits; the interval is what the completion takes."""

    guest: Literal["disk_rr"]


class _Booted(Strict):
    """A real Linux guest, which QEMU boots for each trial.

    It boots the host's own kernel, or the one at `kernel` there, whose modules are those of the
    release in its name, as /boot has it. `cmdline` is added to that kernel's parameters.
    """

    name: Name
    count: Count
    vcpus: Vcpus = 1
    kernel: File | None = None
    cmdline: str | None = None
    memory_mib: Annotated[int, Field(ge=64, le=65_536)] = 256


class QemuRr(_Networked, _Booted):
    """One request at a time; any vCPU may serve it.

    `initramfs` and `image`, a disk that is never written to, boot what is in them in place of the
    lab's init. A guest of that kind must answer by itself: probes/README.md says how.
    """

    guest: Literal["qemu_rr"]
    initramfs: File | None = None
    image: File | None = None

    @model_validator(mode="after")
    def _parameters_of_a_kernel(self) -> Self:
        if self.cmdline is not None and self.image and not (self.kernel or self.initramfs):
            raise ValueError(
                "cmdline: the image boots by its own loader, which has its kernel's parameters; "
                "leave it out, or name that kernel with the key kernel"
            )
        return self

    @property
    def expected_s(self) -> float:
        return BOOT_S + super().expected_s


class QemuPipe(_Booted):
    """Two processes pass a byte to and fro through two pipes, as `perf bench sched pipe` has them.

    With two vCPUs each process has its own, which halts while the other runs.
    """

    guest: Literal["qemu_pipe"]
    vcpus: Vcpus = 2

    @property
    def expected_s(self) -> float:
        return BOOT_S + self.count * REQUEST_NS / 1e9


class DomainRr(_Client):
    """One request at a time, to a VM that runs on the host already, the same in all trials.

    `domain` is what its QEMU calls it, libvirt's name of it; it must answer at `address` and
    `port`, an echo service's by default. No probe watches it: `kvmlab observe` does that.
    """

    guest: Literal["domain_rr"]
    domain: Annotated[str, Field(min_length=1)]
    address: IPv4
    port: Annotated[int, Field(ge=1, le=65_535)] = 7


Workload = Annotated[
    Halt | Exits | NetRr | NetStream | DiskRr | QemuRr | QemuPipe | DomainRr,
    Field(discriminator="guest"),
]

_KINDS: tuple[type[Strict], ...] = get_args(get_args(Workload)[0])
TAGS = {
    *("fixed", "exponential", "bursty"),
    *(each.__name__ for each in _KINDS),
    *(name for each in _KINDS for name in get_args(each.model_fields["guest"].annotation)),
}
"""What pydantic puts into the path of a key to say which kind was meant."""
