from __future__ import annotations

from agent.facts import _cmdline


def test_what_goes_to_init_is_not_kept() -> None:
    line = "mitigations=auto rdinit=/secret quiet init=/sbin/init nosmt -- --token 42"
    assert _cmdline(line) == "mitigations=auto quiet nosmt"
