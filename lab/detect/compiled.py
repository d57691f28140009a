"""The one decorator of the loops that numba compiles: `lab.detect` judges every night of a year."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """Compile at the first call and keep the result on disk; threads run it side by side."""
    return cast("Function", numba.njit(cache=True, nogil=True, error_model="numpy")(function))
