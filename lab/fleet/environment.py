"""What Ansible may see of the user's environment: enough to log in, nothing to surprise."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from lab.paths import PLAYBOOKS

# Logging in (agent, Kerberos), finding files, and the user's vault; no other ANSIBLE_ variable. Not
# USER: Ansible believes it, and looks for a sudo that root in a container does not have or need.
PASSED = (
    "HOME",
    "TMPDIR",
    "SSH_AUTH_SOCK",
    "SSH_AGENT_PID",
    "KRB5CCNAME",
    "ANSIBLE_VAULT_PASSWORD_FILE",
    "ANSIBLE_VAULT_IDENTITY_LIST",
)


def minimal(private: Path) -> dict[str, str]:
    """Return the environment of an Ansible whose own files all live in `private`."""
    passed = {name: os.environ[name] for name in PASSED if name in os.environ}
    # The Ansible beside this Python, whatever else is installed.
    own = Path(sys.executable).parent
    path = os.pathsep.join((str(own), os.environ.get("PATH", os.defpath)))
    return {
        **passed,
        "PATH": path,
        # Ansible refuses an encoding other than UTF-8, and its messages are matched in English.
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_CONFIG": str(PLAYBOOKS / "ansible.cfg"),
        "ANSIBLE_HOME": str(private / "ansible"),
        "ANSIBLE_NOCOLOR": "1",
    }
