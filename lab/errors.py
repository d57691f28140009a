"""What can go wrong, as types, and the exit code each one means.

LabError                3   the lab failed: a host, a file, the machine
├── UsageError          2   the user can mend it: a key, a value, an argument
├── NothingToRunError  77   nothing could run here (no KVM, no bcc, no root)
├── StoreError          3   a result file is missing, broken or of another schema
└── FleetError          3   Ansible or a host did not do what it was asked

Every message is one sentence that says what is wrong, where, and what mends it.
Only the command line turns these into exits.
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command."""

    OK = 0
    REGRESSION = 1
    USAGE = 2
    FAILURE = 3
    INCONCLUSIVE = 4
    NOTHING_TO_RUN = 77
    INTERRUPTED = 130


class LabError(Exception):
    exit_code = Exit.FAILURE


class UsageError(LabError):
    exit_code = Exit.USAGE


class NothingToRunError(LabError):
    exit_code = Exit.NOTHING_TO_RUN


class StoreError(LabError):
    pass


class FleetError(LabError):
    pass
