"""Each algorithm, against what its kernel's source gives by hand."""

from __future__ import annotations

import pytest

from lab.errors import UsageError
from lab.replay.algorithms import (
    ALGORITHMS,
    CLEAR,
    GENERIC,
    GROW,
    KEEP,
    NONE,
    SHRINK,
    U32,
    Knobs,
    algorithm,
    of_host,
)
from lab.replay.algorithms.generic_4_19 import GENERIC_4_19
from lab.replay.algorithms.generic_5_1 import GENERIC_5_1
from lab.replay.algorithms.vcore import VCORE

CEILING = 200_000


@pytest.mark.parametrize(
    ("window", "ns", "valid", "ceiling", "expected"),
    [
        (0, 50_000, True, CEILING, GROW),
        (0, CEILING, True, CEILING, KEEP),  # neither longer than the ceiling nor shorter
        (0, CEILING + 1, True, CEILING, KEEP),  # no window to shrink
        (10_000, 10_000, True, CEILING, KEEP),
        (10_000, 10_001, True, CEILING, GROW),
        (10_000, CEILING + 1, True, CEILING, SHRINK),
        (CEILING, CEILING - 1, True, CEILING, KEEP),
        (10_000, 5_000, False, CEILING, SHRINK),  # an invalid wake-up shrinks even a hit
        (10_000, 5_000, True, 0, CLEAR),
    ],
)
def test_verdict_of_the_generic_algorithm(
    window: int,
    ns: int,
    valid: bool,  # noqa: FBT001
    ceiling: int,
    expected: int,
) -> None:
    assert GENERIC.verdict(window, ns, ns > window, valid, ceiling) == expected


def test_the_window_grows_in_an_unsigned_int() -> None:
    assert GENERIC.grow(0, CEILING, 2, 10_000) == 10_000
    assert GENERIC.grow(160_000, CEILING, 2, 10_000) == 320_000  # cut when the next halt begins
    assert GENERIC.begin(320_000, CEILING) == CEILING
    assert GENERIC.grow(0x8000_0000, U32, 2, 10_000) == 10_000  # 2^32 is 0, and 0 is below start
    assert GENERIC.grow(0xC000_0001, U32, 3, 10_000) == 0xC000_0001 * 3 % 2**32
    assert GENERIC.grow(70_000, CEILING, 0, 10_000) == 70_000


def test_a_window_below_the_first_step_is_none() -> None:
    assert GENERIC.shrink(20_000, 2, 10_000) == 10_000
    assert GENERIC.shrink(19_999, 2, 10_000) == 0
    assert GENERIC.shrink(200_000, 0, 10_000) == 0
    assert GENERIC.shrink(5_000, 1, 10_000) == 0


def test_before_5_15_a_window_shrank_to_nothing_by_and_by() -> None:
    """The trace in the message of ae232ea46088."""
    window, seen = 10_000, []
    while window > 4:
        window = GENERIC_5_1.shrink(window, 2, 10_000)
        seen.append(window)
    assert seen == [5000, 2500, 1250, 625, 312, 156, 78, 39, 19, 9, 4]


def test_4_19_starts_at_10_us_whatever_the_parameter_and_stops_at_a_factor_of_0() -> None:
    assert GENERIC_4_19.grow(0, CEILING, 2, 50_000) == 10_000
    assert GENERIC_4_19.grow(20_000, CEILING, 0, 10_000) == 0
    assert GENERIC_4_19.grow(0, CEILING, 0, 10_000) == 0
    assert GENERIC_4_19.grow(160_000, CEILING, 2, 10_000) == CEILING


def test_the_vcore_knows_no_invalid_wake_up() -> None:
    invalid_hit = (10_000, 5_000, False, False, CEILING)
    assert VCORE.verdict(*invalid_hit) == KEEP
    assert GENERIC.verdict(*invalid_hit) == SHRINK


def test_the_guest_judges_the_halt_behind_the_poll() -> None:
    guest = algorithm("cpuidle-haltpoll")
    slept = (True, True, CEILING)
    # Idle for 80 µs, of which 50 were polled: the host's algorithm would grow.
    assert guest.verdict(50_000, 80_000, *slept) == KEEP
    assert guest.verdict(50_000, 101_000, *slept) == GROW
    assert guest.verdict(50_000, 251_000, *slept) == SHRINK
    assert guest.verdict(50_000, 40_000, *(False, True, CEILING)) == KEEP
    assert guest.grow(50_000, CEILING, 0, 50_000) == 50_000


def test_an_unknown_algorithm_and_a_value_that_is_no_unsigned_int_are_refused() -> None:
    with pytest.raises(UsageError, match="there are generic, "):
        algorithm("windows")
    with pytest.raises(UsageError, match="grow=-1 is no unsigned int"):
        Knobs(0, grow=-1)
    with pytest.raises(UsageError, match="halt_poll_ns=4294967296"):
        Knobs(U32 + 1)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, "generic"),
        ({"kvm": {"flavour": "vmx", "parameters": {"kvm.halt_poll_ns": "1"}}}, "generic-4.19"),
        (
            {"kvm": {"flavour": "sie", "parameters": {"kvm.halt_poll_ns_grow_start": "1"}}},
            "generic",
        ),
        ({"kvm": {"flavour": "hv", "parameters": {}}}, "vcore"),
        (
            {
                "kvm": {"flavour": "hv"},
                "knobs": [{"knob": "host.halt_poll_ns", "status": "inert"}],
            },
            "none",
        ),
    ],
)
def test_the_hosts_algorithm_is_told_by_features(facts: dict[str, object], expected: str) -> None:
    assert of_host(facts).name == expected


def test_every_algorithm_says_where_it_was_read() -> None:
    assert all(".c" in each.source for each in ALGORITHMS.values())
    assert NONE.begin(5, 5) == 0
