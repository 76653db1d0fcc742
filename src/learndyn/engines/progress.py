"""Progress of a run on standard error: a bar on a terminal, nothing elsewhere unless asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def time_bar(progress: bool | None, begin: float, end: float, name: str) -> Iterator[Callable[[float], None] | None]:
    """A function that is told how far the time has come; ``None`` where no bar is wanted.

    ``progress=None`` shows the bar on a terminal, once a run has taken a second.
    """
    if progress is False or (progress is None and not sys.stderr.isatty()):
        yield None
        return
    from tqdm import tqdm

    form = "{l_bar}{bar}| " + name + " {n:.4g} of {total:.4g} [{elapsed}<{remaining}]"
    with tqdm(total=end - begin, delay=0.0 if progress else 1.0, bar_format=form, desc="theory", leave=False) as bar:

        def advance(now: float) -> None:
            bar.n = now - begin
            bar.refresh() if progress else bar.update(0)

        yield advance
