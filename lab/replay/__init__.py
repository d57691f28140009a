"""What halt polling would have done: recorded halts, replayed under any setting of the knobs.

`algorithms` has every kernel's algorithm, `loop` runs one over halts, `recording` and `costs` make
halts of a run's trials, `surface` sweeps grids, `tuning` recommends, `whatif` asks a whole store,
`validate` holds predictions against measurements. README.md says what is modelled, and how well.
"""

from lab.replay.algorithms import ALGORITHMS, Algorithm, Knobs
from lab.replay.surface import Point, Surface, surfaces

__all__ = ["ALGORITHMS", "Algorithm", "Knobs", "Point", "Surface", "surfaces"]
