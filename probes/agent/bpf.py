"""Load eBPF programs with the distribution's bcc."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agent import headers, namespace
from agent.errors import UnsupportedError

PROGRAMS = Path(__file__).resolve().parent.parent / "bpf"


def prepare(home: Path) -> str:
    """Make this process able to load programs; return which kernel headers serve.

    Raises UnsupportedError without root, tracefs, bcc or headers, each with its mend.
    """
    namespace.enter()
    used = headers.provide(home)
    version()
    return used


def version() -> str:
    try:
        import bcc  # noqa: PLC0415  (may be missing, and is only wanted here)
    except ImportError as error:
        raise UnsupportedError(
            f"the distribution's bcc cannot be imported ({error}): provision this host, or install "
            "python3-bpfcc (Debian, Ubuntu) or python3-bcc (Fedora, RHEL, SUSE)"
        ) from error
    return str(getattr(bcc, "__version__", "unknown"))


def load(source: Path, flags: list[str]) -> Any:  # noqa: ANN401  (bcc has no types)
    """Compile and load `source` with `flags`; UnsupportedError when the compiler refuses."""
    from bcc import BPF  # noqa: PLC0415

    try:
        return BPF(src_file=str(source).encode(), cflags=[f"-I{PROGRAMS}", *flags])
    except Exception as error:
        # bcc raises bare Exception; its compiler's words have gone to stderr, the agent's log.
        raise UnsupportedError(f"bcc cannot compile {source.name} here: {error}") from error
