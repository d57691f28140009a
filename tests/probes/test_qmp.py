"""QEMU's control connection when QEMU is not there to answer."""

from __future__ import annotations

import socket

import pytest
from agent.errors import AgentError
from agent.qmp import Qmp


def test_a_qemu_that_has_ended_refuses_in_a_sentence_and_is_closed() -> None:
    ours, theirs = socket.socketpair()
    qmp = Qmp(ours)
    theirs.sendall(b'{"QMP": {"version": {"qemu": {"major": 7, "minor": 2, "micro": 0}}}}\n')
    theirs.close()
    with pytest.raises(AgentError, match="QEMU took no qmp_capabilities: Broken pipe"):
        qmp.greet()
    qmp.close()
    assert ours.fileno() == -1
