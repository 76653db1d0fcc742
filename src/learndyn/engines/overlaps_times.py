"""What changes with the time of an update: learning rates, and how the teacher's vectors follow from fixed ones.

Schedules are evaluated on the host, for `BLOCK` updates at once from multiples of it on, so that what they give for an
update does not depend on how a run is cut, and are handed to the kernels as arrays. What is constant is one row for all
updates. The time of update mu is at + mu / N.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from learndyn.engines.simulation import Clock, own_scales
from learndyn.scenarios.process import Function, Process

BLOCK = 4096  # updates: 0.35 ms of the fastest kernel, against some 50 us for evaluating a schedule
KEPT = 16  # blocks that the replicas share


class Times:
    """eta / N and the rates of the own numbers, and A(alpha), of consecutive updates.

    Parameters
    ----------
    process
        What is simulated.
    clock
        Its N and the time of its start.
    updates
        Of the whole run: no schedule is asked for a time beyond.
    """

    def __init__(self, process: Process, clock: Clock, updates: int) -> None:
        self._updates = updates
        self._rates, self._combination, self._clock = process.rates, process.combination, clock
        self._own_scales = own_scales(process, clock.N)
        self._constant = not callable(process.rates) and process.combination is None
        self._block = lru_cache(maxsize=KEPT)(self._evaluated)

    def __call__(self, first: int, last: int) -> tuple[np.ndarray, np.ndarray | None, int]:
        """What holds from update ``first`` on, and the count at which to ask again, ``last`` or before.

        Returns
        -------
        tuple
            Rates that an update multiplies by, (n, 1 + E); A, (n, M, P), or None; the count. n is 1 where nothing
            changes, else the number of updates.
        """
        block = 0 if self._constant else first // BLOCK
        begin = block * BLOCK
        end = last if self._constant else min(last, begin + BLOCK)
        rates, matrices = self._block(block)
        rates = rates if len(rates) == 1 else rates[first - begin : end - begin]
        return rates, None if matrices is None else matrices[first - begin : end - begin], end

    def _evaluated(self, block: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Rates and A of a block; a single row of constant rates."""
        updates = np.minimum(np.arange(block * BLOCK, (block + 1) * BLOCK), self._updates)
        times = self._clock.at + updates / self._clock.N
        rates = np.array(self._rates(times) if callable(self._rates) else self._rates[None], dtype=float)
        rates[:, 0] /= self._clock.N
        rates[:, 1:] *= self._own_scales
        return rates, None if self._combination is None else _at(self._combination, times)


def _at(function: Function, times: np.ndarray) -> np.ndarray:
    return np.array(function(times), dtype=float, order="C")
