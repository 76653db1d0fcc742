"""How far a sweep is: a bar on a terminal, plain lines elsewhere where they are asked for, else nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from learndyn.arguments import shown
from learndyn.errors import InputError

# Seconds between two plain lines.
LINE_SECONDS = 10.0


class Reporter:
    """Is told of members that are done and of failures."""

    def __init__(self, members: int, there: int) -> None:
        self.members, self.done, self.failures = members, there, 0
        self._there, self._begin = there, monotonic()

    def say(self, text: str) -> None:
        """A line beside the progress."""

    def count(self, members: int, failures: int) -> None:
        """So many members more are done, of which some did not end well."""
        self.done += members
        self.failures += failures
        self._show()

    def _show(self) -> None:
        pass

    def _rate(self) -> float:
        return (self.done - self._there) / max(monotonic() - self._begin, 1e-9)


class _Lines(Reporter):
    """Plain lines, the first and the last and one every ten seconds."""

    def __init__(self, members: int, there: int) -> None:
        super().__init__(members, there)
        self._last = monotonic()

    def say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def _show(self) -> None:
        if self.done < self.members and monotonic() - self._last < LINE_SECONDS:
            return
        self._last = monotonic()
        rate = self._rate()
        left = duration((self.members - self.done) / max(rate, 1e-9))
        self.say(
            f"{self.done} of {self.members} scenarios ({100 * self.done // self.members} %), {rate:.3g} a second, "
            f"{left} left, {self.failures} ended early"
        )


class _Bar(Reporter):
    """A bar of tqdm."""

    def __init__(self, members: int, there: int, bar: Any) -> None:
        super().__init__(members, there)
        self._bar = bar

    def say(self, text: str) -> None:
        self._bar.write(text, file=sys.stderr)

    def _show(self) -> None:
        self._bar.set_postfix_str(f"{self.failures} ended early", refresh=False)
        self._bar.update(self.done - self._bar.n)


@contextmanager
def reporter(progress: bool | str | None, members: int, there: int) -> Iterator[Reporter]:
    """``progress``: True, False, "lines", or None: a bar on a terminal, once the sweep has taken a second."""
    if progress not in (None, True, False, "auto", "lines"):
        raise InputError(
            f'Argument `progress` must be True, False, None or "lines", but it is {shown(progress)}. '
            "Leave it out: it is told on a terminal only."
        )
    if progress == "auto":
        progress = None if sys.stderr.isatty() else "lines"
    if progress == "lines":
        yield _Lines(members, there)
        return
    if progress is False or (progress is None and not sys.stderr.isatty()):
        yield Reporter(members, there)
        return
    from tqdm import tqdm

    form = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt} of {total_fmt} scenarios "
    form += "[{elapsed}<{remaining}, {rate_fmt}{postfix}]"
    delay = 0.0 if progress else 1.0
    with tqdm(
        total=members, initial=there, desc="sweep", delay=delay, bar_format=form, leave=False, file=sys.stderr
    ) as bar:
        yield _Bar(members, there, bar)


def duration(seconds: float) -> str:
    """About so many seconds, in words."""
    if seconds < 1.0:
        return "less than a second"
    for length, unit in ((86400.0, "days"), (3600.0, "h"), (60.0, "min")):
        if seconds >= 2 * length:
            return f"about {seconds / length:.3g} {unit}"
    return f"about {seconds:.2g} s" if seconds < 10.0 else f"about {seconds:.0f} s"
