"""What a sweep can run at each of its places, a file each: `solve` and `simulate`. An engine is a module with

    OPTIONS                       the options that it takes, and those of them that can be swept (`SWEPT`)
    COUNTS                        whole numbers beside a member's variables, and what they are
    check(work)                   refuse what cannot be run at all
    template(work, member)        a result of the member's structure, without running it: names, dims, labels
    run(work, members, threads, tell)   what came of the members (`Outcome`), each as if it ran alone
    seconds(work, members)        CPU time of a member
    chunk_members(plan)           how many members make a chunk
    packages(options)             packages whose versions may change the bits

While it runs it calls ``tell`` now and then, in the thread that called it; that may raise KeyboardInterrupt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np

from learndyn.arguments import choice
from learndyn.errors import InputError

Tell = Callable[..., None]

ENGINES = ("solve", "simulate")
# The words that a member can end with; their codes in a result begin with -1.
STATUSES = (
    "missing", "ok", "diverged", "not_finite", "max_steps", "lost_positivity", "refused", "failed", "interrupted",
)  # fmt: skip


@dataclass
class Outcome:
    """What came of a member: arrays by name, as far as rows were reached; how and where it ended."""

    values: dict[str, np.ndarray]
    status: str = "ok"
    message: str = ""
    end: float = np.nan
    more: dict[str, float] = field(default_factory=dict)


def failed(error: Exception) -> Outcome:
    """What came of a member in which something went wrong; lack of memory is everyone's."""
    if isinstance(error, MemoryError):
        raise error
    if isinstance(error, InputError):
        return Outcome({}, "refused", str(error))
    return Outcome({}, "failed", f"{type(error).__name__}: {error}")


def silent(*_: Any) -> None:
    """Nobody wants to know how far a run is."""


def engine_of(name: Any) -> Any:
    """The engine of this name."""
    return import_module(f"learndyn.sweeps.engines.{choice(name, 'engine', list(ENGINES))}")
