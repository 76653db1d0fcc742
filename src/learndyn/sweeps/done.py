"""What is told of a chunk when it is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Done:
    """A chunk that is finished, or that could not be computed.

    ``failures`` counts members that did not end well; ``arrays`` are the results where no store takes them, ``record``
    what the store says of them; ``error`` is a sentence where the chunk is not there.
    """

    number: int
    seconds: float
    failures: int
    arrays: dict[str, np.ndarray] | None = None
    record: Any = None
    error: str = ""


def done_with(plan: Any, number: int, arrays: dict[str, np.ndarray], writer: Any, seconds: float) -> Done:
    """A chunk that took so many seconds to compute, when its ``writer`` has put it in the store; None: it is handed on.

    Raises
    ------
    InputError
        When the store cannot take more.
    """
    failures = int((arrays["status"] != 0).sum())
    if writer is None:
        return Done(number, seconds, failures, arrays)
    return Done(number, seconds, failures, None, writer.write(plan, number, arrays, {"seconds": seconds}))
