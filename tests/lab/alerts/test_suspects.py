from __future__ import annotations

import pytest

from lab.alerts.suspects import revision, suspects
from lab.labels import NONE
from tests.alerts import NEW_KERNEL, OLD_KERNEL


@pytest.mark.parametrize(
    ("kernel", "expected"),
    [
        ("6.12.0 #1 SMP", "v6.12"),
        ("6.12.0-rc3 #1 SMP", "v6.12-rc3"),
        ("6.12.3", "v6.12.3"),
        ("6.12.0+ #7 SMP", "v6.12"),
        ("6.12.0-rc3-00123-gabcdef012345 #1 SMP", "abcdef012345"),
        ("6.12.0-rc3-00123-gabcdef012345-dirty #1 SMP", "abcdef012345"),
        (OLD_KERNEL, "v6.1.106"),
        ("6.12.107+deb13-cloud-amd64 #1 SMP Debian 6.12.107-1 (2026-08-29)", "v6.12.107"),
        ("6.18~rc4-amd64 #1 SMP Debian 6.18~rc4-1~exp1 (2025-11-02)", "v6.18-rc4"),
        # Their patches are in no public tree under the version's name.
        ("5.14.0-427.13.1.el9_4.x86_64 #1 SMP", None),
        ("5.15.0-122-generic #132-Ubuntu SMP", None),
        ("6.18.44-fc-v595 #1 SMP", None),
    ],
)
def test_what_git_calls_a_kernel(kernel: str, expected: str | None) -> None:
    assert revision(kernel) == expected


def test_the_kernel_comes_first_and_names_its_commits() -> None:
    before = {"governor": "powersave", "kernel": OLD_KERNEL, "microcode": "0x2b"}
    after = {"governor": "performance", "kernel": NEW_KERNEL, "microcode": "0x2b", "SMT": "off"}
    found = suspects("synthetic-a", before, after)
    assert [each.fact for each in found] == ["kernel", "governor", "SMT"]
    assert found[0].commits == "v6.1.106..v6.1.112"
    assert found[1].text == "governor: powersave → performance"
    assert found[2].text == f"SMT: {NONE} → off"


def test_the_same_release_built_anew_has_no_commits() -> None:
    (found,) = suspects("a", {"kernel": "6.12.0 #1 SMP"}, {"kernel": "6.12.0 #2 SMP"})
    assert found.commits is None


def test_a_night_without_conditions_shows_nothing() -> None:
    assert suspects("a", {}, {"kernel": NEW_KERNEL}) == ()
