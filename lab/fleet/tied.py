"""`python tied.py PARENT COMMAND…`: become COMMAND, and end with the process PARENT.

ansible-runner starts Ansible in a session of its own that ignores a lost terminal; when the
controller is killed, Ansible would go on alone. The kernel ends it instead (PR_SET_PDEATHSIG,
prctl(2), kept across execve). Elsewhere than on Linux it is not tied.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != int(sys.argv[1]):
            # It died before the prctl.
            sys.exit(1)
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606


if __name__ == "__main__":
    main()
