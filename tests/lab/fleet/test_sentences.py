"""Messages as Ansible 2.19, apt, dnf, sudo and ssh print them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab.fleet import sentences

INVENTORY = Path("fleet.yml")
SSH = (
    'Task failed: Data could not be sent to remote host "127.0.0.1". Make sure this host can be '
    "reached over ssh: "
)


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        pytest.param(
            SSH + "ssh: connect to host 127.0.0.1 port 1: Connection refused",
            "h1 cannot be reached over SSH (Connection refused): check ansible_host and "
            "ansible_port in fleet.yml",
        ),
        pytest.param(
            "Failed to connect to the host via ssh: ssh: Could not resolve hostname h1.lab: Name "
            "or service not known",
            "h1 cannot be reached over SSH (Could not resolve hostname h1.lab): check ansible_host "
            "and ansible_port in fleet.yml",
        ),
        pytest.param(
            "Failed to connect to the host via ssh: root@h1: Permission denied "
            "(publickey,password).",
            "h1 refuses the login over SSH (Permission denied (publickey,password)): check "
            "ansible_user and ansible_ssh_private_key_file in fleet.yml",
        ),
        pytest.param(
            "Failed to connect to the host via ssh: Host key verification failed.",
            "h1 shows an SSH key that is not the known one: log in once with ssh to accept it, or "
            "set ansible_host_key_checking: false for it in fleet.yml if that is safe",
        ),
        pytest.param(
            "Failed to create temporary directory. In some cases, you may have been able to "
            'authenticate [...] "mkdir: cannot create directory: No space left on device"',
            "h1 has a full disk: make room for Ansible's temporary files and /var/lib/kvmlab there",
        ),
        pytest.param(
            "Failed to connect to the host via ssh: something new.",
            "h1 cannot be reached over SSH (something new): check its entry in fleet.yml",
        ),
    ],
)
def test_a_host_out_of_reach(message: str, sentence: str) -> None:
    assert sentences.unreachable("h1", INVENTORY, {"msg": message}) == sentence


@pytest.mark.parametrize(
    ("result", "sentence"),
    [
        pytest.param(
            {"msg": "non-zero return code", "rc": 3, "stderr": "agent: the guest does not build"},
            "the guest does not build",
        ),
        pytest.param(
            {"msg": "The module interpreter '/usr/bin/python3' was not found.", "rc": 127},
            "h1 has no /usr/bin/python3: install python3 there, or set ansible_python_interpreter "
            "in fleet.yml",
        ),
        pytest.param(
            {"msg": "Task failed: Missing sudo password"},
            "h1 wants a password for sudo: set ansible_become_password for it in fleet.yml (in a "
            "vault), or allow the login user sudo without one",
        ),
        pytest.param(
            {"module_stderr": "/bin/sh: 1: sudo: not found\n", "msg": "MODULE FAILURE", "rc": 127},
            "h1 has no sudo: log in as root (ansible_user: root, ansible_become: false in "
            "fleet.yml), or install sudo there",
        ),
        pytest.param(
            {"msg": "No package matching 'python3-bpfcc' is available"},
            "h1 has no package python3-bpfcc in its package sources: add the repository that has "
            "it (for Debian: main of a current release)",
        ),
        pytest.param(
            {
                "msg": "Failed to install some of the specified packages",
                "failures": ["No package python3-bcc available."],
            },
            "h1 has no package python3-bcc in its package sources: add the repository that has it "
            "(for Debian: main of a current release)",
        ),
        pytest.param(
            {"msg": "Failed to update apt cache after 5 retries: unknown reason"},
            "h1 cannot fetch packages: check its network, proxy and package sources, or pass "
            "--no-provision if it has all it needs",
        ),
        pytest.param(
            {"msg": "Failed to find destination: [Errno 28] No space left on device: b'/var/lib'"},
            "h1 has a full disk: make room, above all in /var/lib/kvmlab and /tmp",
        ),
        pytest.param(
            {
                "msg": "One or more items failed",
                "results": [
                    {"failed": False, "msg": "well"},
                    {"failed": True, "msg": "dpkg was interrupted"},
                ],
            },
            "h1 has a half-installed package: run `dpkg --configure -a` there",
        ),
        pytest.param(
            {"msg": "Task failed: Module failed: something new.\nmore of it"},
            "h1 failed at 'Do it': Module failed: something new (all of it: ansible.log)",
        ),
    ],
)
def test_a_task_that_failed(result: dict[str, Any], sentence: str) -> None:
    assert sentences.failed("h1", INVENTORY, "Do it", result) == sentence


def test_the_agent_tells_unsupported_from_failed() -> None:
    assert sentences.unsupported({"rc": 77})
    assert not sentences.unsupported({"rc": 3})
