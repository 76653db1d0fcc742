"""A verification run: a million scenarios into a store, with the memory that it takes; some of them computed again.

    python benchmarks/verification_sweeps.py FOLDER [MEMBERS] [WORKERS]

WORKERS 0 (the default) computes in this process. The report of a run is in docs/scaling.md.
"""

from __future__ import annotations

import resource
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil

import learndyn as ld
from sweeps import ATOL, POINTS, RTOL, SCENARIO, STARTS, UNTIL, over

AGAIN = 200


class Watch:
    """The largest resident memory of this process and of its children, looked at five times a second."""

    def __init__(self) -> None:
        self.own = self.children = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        me = psutil.Process()
        while not self._stop.wait(0.2):
            self.own = max(self.own, me.memory_info().rss)
            for child in me.children(recursive=True):
                try:
                    self.children = max(self.children, child.memory_info().rss)
                except psutil.Error:
                    continue

    def end(self) -> None:
        """Look no more."""
        self._stop.set()
        self._thread.join()


def main() -> None:
    """Run, and report."""
    folder = Path(sys.argv[1])
    members = int(float(sys.argv[2])) if len(sys.argv) > 2 else 10**6
    workers = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    place, values = folder / f"{members}.zarr", over(members)
    watch, clock, cpu = Watch(), time.perf_counter(), time.process_time()
    result = ld.sweep(
        SCENARIO, STARTS, values, until=UNTIL, save_at=POINTS, rtol=RTOL, atol=ATOL, observables=["eps_g"],
        store=place, workers=workers or None, progress="lines",
    )  # fmt: skip
    taken, worked = time.perf_counter() - clock, time.process_time() - cpu
    watch.end()
    print(result.attrs["message"])
    print(f"{taken:.0f} s, {1e3 * taken / members:.3f} ms a scenario; CPU time of this process {worked:.0f} s")
    print(f"largest memory: {watch.own / 1e9:.2f} GB here, {watch.children / 1e9:.2f} GB a worker")
    size = sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
    print(f"store: {size / 1e6:.0f} MB, {size / members:.0f} B a scenario, {sum(1 for _ in place.rglob('*'))} files")
    clock = time.perf_counter()
    again = ld.sweep(
        SCENARIO, STARTS, values, until=UNTIL, save_at=POINTS, rtol=RTOL, atol=ATOL, observables=["eps_g"],
        store=place, workers=workers or None, progress="lines", resume=True,
    )  # fmt: skip
    print(f"the same call again: {time.perf_counter() - clock:.1f} s, to check all that is there")
    chosen = np.sort(np.random.default_rng(0).choice(members, AGAIN, replace=False))
    few = {name: entry.isel(member=chosen) for name, entry in values.items()}
    alone = ld.sweep(SCENARIO, STARTS, few, until=UNTIL, save_at=POINTS, rtol=RTOL, atol=ATOL, observables=["eps_g"])
    same = bool((again.eps_g.isel(member=chosen).values == alone.eps_g.values).all())
    print(f"{AGAIN} of them alone, in one sweep: {'the same bits' if same else 'OTHER BITS'}")
    print(f"largest memory up to here: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    main()
