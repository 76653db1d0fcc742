"""What the requests of all simulations have alike: how rows are asked for, what fixes the bits, where checkpoints are.

`RateRequest` is what they share where time is the learning rate times the number of updates.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from learndyn.arguments import count, number, shown
from learndyn.errors import InputError
from learndyn.files import check_writable
from learndyn.options import LogSpaced, end_time, save_times
from learndyn.results import versions
from learndyn.scenarios.plain import scenario_to_plain, start_to_plain

# Updates are counted in integers of 64 bits.
MOST_UPDATES = 10**18
# More than an hour of a core at the fastest of all methods: probably `until` was meant as a number of updates.
MANY_UPDATES = 1e11
# Packages whose versions may change the bits of a run.
PACKAGES = ("learndyn", "numpy", "numba", "llvmlite")
DIFFUSION_PACKAGES = ("jax", "jaxlib", "diffrax")
# Times asked for that a result still lists among its options.
MOST_TIMES = 32


@dataclass(frozen=True)
class RateRequest:
    """What the user asks of a run in the time t = start + learning rate * updates.

    For developers: a request of a kind derives from it, checks what only it knows, calls `common`, and has `run`.
    """

    scenario: Any
    start: Any
    learning_rate: float
    until: float
    times: np.ndarray
    asked_times: Any  # as they were asked for, in the words of an option
    method: str
    sizes: list[int]
    replicas: int
    threads: int | None
    checkpoint: Any
    checkpoint_every: float
    seed: int
    progress: Any

    @classmethod
    def common(
        cls, *, scenario: Any, start: Any, learning_rate: float, until: Any, save_at: Any, method: str,
        sizes: list[int], replicas: Any, threads: Any, checkpoint: Any, checkpoint_every: Any, seed: Any,
        progress: Any, **own: Any,
    ) -> Self:  # fmt: skip
        """The request, with what all kinds have alike checked; ``own`` are the fields of its kind."""
        request = cls(
            scenario=scenario,
            start=start,
            learning_rate=learning_rate,
            until=end_time(until),
            times=save_times(save_at, start.at, until),
            asked_times=asked_times(save_at),
            method=method,
            sizes=sizes,
            replicas=count(replicas, "replicas"),
            threads=None if threads is None else count(threads, "threads"),
            checkpoint=None if checkpoint is None else checkpoint_file(checkpoint),
            checkpoint_every=number(checkpoint_every, "checkpoint_every", minimum=0.0),
            seed=secrets.randbits(63) if seed is None else count(seed, "seed", 0),
            progress=progress,
            **own,
        )
        request._check_updates()
        return request

    def steps(self) -> np.ndarray:
        """Updates at the rows."""
        return np.unique(np.rint((self.times - self.start.at) / self.learning_rate).astype(np.int64))

    def clock(self, steps: np.ndarray) -> np.ndarray:
        """Times of updates."""
        return self.start.at + self.learning_rate * steps

    def engine_options(self) -> dict[str, Any]:
        """What every engine takes."""
        return {
            "replicas": self.replicas,
            "threads": self.threads,
            "seed": self.seed,
            "progress": self.progress,
            "checkpoint": self._checkpoint(),
            "at": self.start.at,
            "time_name": self.scenario.time_name,
        }

    def label(self, run: Any, **more: Any) -> dict[str, Any]:
        """What a result says of how a run was made and ended: arguments of `results.attributes`."""
        options = {
            "until": self.until,
            **more,
            "replicas": self.replicas,
            "learning_rate": self.learning_rate,
            "updates": int(run.steps[-1]) if run.steps.size else 0,
        }
        return {
            "engine": self.method,
            "status": run.status,
            "message": run.message,
            "options": options | ({} if self.asked_times is None else {"save_at": self.asked_times}),
            "timings": {"trace": 0.0, **run.timings},
            "seed": self.seed,
        }

    def _check_updates(self) -> None:
        updates = np.rint((self.until - self.start.at) / self.learning_rate)
        if not 1 <= updates <= MOST_UPDATES:
            raise InputError(
                f"Argument `until` must be one update (the learning rate, {self.learning_rate:g}) or more after the "
                f"start, and at most {MOST_UPDATES:.0e} updates, but it is {self.until:g}: {updates:g} updates. Choose "
                "another `until`, or another `learning_rate` of the scenario."
            )

    def _checkpoint(self) -> Any:
        if self.checkpoint is None:
            return None
        from learndyn.engines.checkpoint import Checkpoint

        identity = {
            "method": self.method,
            "scenario": digests(scenario_to_plain(self.scenario)),
            "start": digests(start_to_plain(self.start)),
            "versions": versions_of(self.method),
            "kind of CPU": kind_of_cpu(),
        }
        return Checkpoint(self.checkpoint, identity, self.checkpoint_every)

    def many_updates(self) -> str:
        """What to say of a run that takes very long; else nothing."""
        each = np.rint((self.until - self.start.at) / self.learning_rate)
        if each * self.replicas <= MANY_UPDATES:
            return ""
        return (
            f"This simulation makes {each * self.replicas:.3g} updates, which takes hours to years: `until` = "
            f"{self.until:g} is a time t, the learning rate, {self.learning_rate:g}, times the number of updates. "
            "Choose a smaller `until` or fewer replicas."
        )


def refuse_unless_left_out(**arguments: tuple[Any, str]) -> None:
    """Refuse arguments that are given, each with the reason why there is no place for it."""
    for name, (value, reason) in arguments.items():
        if value is not None and value is not False:
            raise InputError(
                f"Argument `{name}` must be left out here, but it is {shown(value)}: {reason}. Leave it out."
            )


def checkpoint_file(checkpoint: Any) -> str:
    """The name of a file that can be written."""
    name = os.fspath(checkpoint) if isinstance(checkpoint, os.PathLike) else checkpoint
    if not isinstance(name, str):
        raise InputError(
            f"Argument `checkpoint` must be the name of a file, but it is {shown(checkpoint)}. Write "
            "checkpoint='run.npz'."
        )
    check_writable(name)
    return name


def asked_times(save_at: Any) -> Any:
    """`save_at` as a result keeps it, if it is short."""
    if isinstance(save_at, LogSpaced):
        return save_at.plain()
    if save_at is None or np.size(save_at) > MOST_TIMES:
        return None
    return np.asarray(save_at).tolist()


def versions_of(method: str) -> dict[str, str]:
    """Versions of what makes the bits."""
    return versions(PACKAGES + (DIFFUSION_PACKAGES if method == "diffusion" else ()))


def kind_of_cpu() -> str:
    """What programs are compiled for: LLVM's name of the CPU, and a digest of what it can do."""
    from llvmlite.binding import get_host_cpu_name

    from learndyn.engines.compilation_cache import cpu_digest

    return f"{get_host_cpu_name()} {cpu_digest()}"


def digests(plain: dict[str, Any]) -> dict[str, str]:
    """Each field as JSON, or its digest where that is long."""
    texts = {name: json.dumps(value) for name, value in plain.items()}
    return {
        name: text if len(text) <= 64 else f"sha256 {hashlib.sha256(text.encode()).hexdigest()[:16]}"
        for name, text in texts.items()
    }
