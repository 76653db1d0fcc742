"""What changes with the time of an update: learning rates, and how the teacher's vectors follow from fixed ones.

Schedules are evaluated on the host, for `BLOCK` updates at most, and handed to the kernels as arrays; what is constant
is one row for all updates. The time of update mu is at + mu / N.
"""

from __future__ import annotations

import numpy as np

from learndyn.engines.simulation import Clock, TimeTable, own_scales
from learndyn.scenarios.process import Process

BLOCK = 4096  # updates: half a millisecond of a kernel, against some 50 us for evaluating a schedule


class Times:
    """eta / N and the rates of the own numbers, and A(alpha), of consecutive updates.

    Parameters
    ----------
    process
        What is simulated.
    clock
        Its N and the time of its start.
    """

    def __init__(self, process: Process, clock: Clock) -> None:
        self._rates = TimeTable(process.rates, clock.at, clock.N)
        self._matrices = None if process.combination is None else TimeTable(process.combination, clock.at, clock.N)
        self._constant = self._rates.constant and self._matrices is None
        self._N, self._own_scales = clock.N, own_scales(process, clock.N)

    def __call__(self, first: int, last: int) -> tuple[np.ndarray, np.ndarray | None, int]:
        """What holds from update ``first`` on, and the count at which to ask again, ``last`` or before.

        Returns
        -------
        tuple
            Rates that an update multiplies by, (n, 1 + E); A, (n, M, P), or None; the count. n is 1 where nothing
            changes, else the number of updates.
        """
        end = last if self._constant else min(last, (first // BLOCK + 1) * BLOCK)
        rates = self._rates.rows(first, end)
        rates[:, 0] /= self._N
        rates[:, 1:] *= self._own_scales
        return rates, None if self._matrices is None else self._matrices.rows(first, end), end
