"""Other people's change point detection, in an environment of its own: never a dependency.

    python -m tests.peers

makes it, from PyPI. Tests use it as an oracle where it is, the benchmark as a peer.
"""

from __future__ import annotations

import subprocess
import venv

from lab.paths import ROOT

HOME = ROOT / ".cache" / "change-points"
PYTHON = HOME / "bin" / "python"
PACKAGES = ("apache-otava==0.8.0", "asv==0.6.6")


def make() -> None:
    if lacking():
        venv.create(HOME, with_pip=True)
        subprocess.run([str(PYTHON), "-m", "pip", "install", "-q", *PACKAGES], check=True)


def lacking() -> str | None:
    """Say why they cannot be asked, or None when they can."""
    command = [str(PYTHON), "-c", "import otava.analysis, asv.step_detect"]
    if PYTHON.exists() and not subprocess.run(command, capture_output=True, check=False).returncode:
        return None
    return "Apache Otava and asv are not in .cache/change-points: `python -m tests.peers` gets them"


if __name__ == "__main__":
    make()
