"""A thread that works on the newest request alone: what was asked before it and has not begun is dropped."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


class Newest:
    """Calls ``work(request)`` in a daemon thread, and hands what it returns or raises to ``tell``.

    `work` may ask `outdated` in between, and return None: nothing is told then. With ``rest`` it begins when no newer
    request has come for so many seconds.
    """

    def __init__(
        self, work: Callable[[Any], Any], tell: Callable[[Any, Any], None], name: str, rest: float = 0.0
    ) -> None:
        self._work, self._tell, self._rest = work, tell, rest
        self._wake = threading.Condition()
        self._request: Any = None
        self._waiting, self._closed = False, False
        self._thread = threading.Thread(target=self._run, name=f"learndyn-explore-{name}", daemon=True)
        self._thread.start()

    def ask(self, request: Any) -> None:
        """Ask for this instead of whatever waits."""
        with self._wake:
            self._request, self._waiting = request, True
            self._wake.notify()

    def outdated(self) -> bool:
        """Whether something newer waits."""
        return self._waiting or self._closed

    def close(self) -> None:
        """End the thread, after what it is at."""
        with self._wake:
            self._closed = True
            self._wake.notify()

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                request, self._request, self._waiting = self._request, None, False
                if self._rest and self._wake.wait_for(self.outdated, self._rest):
                    continue
            try:
                found = self._work(request)
            except Exception as error:
                # Whatever it is, the page says it; the thread lives on.
                found = error
            if found is not None and not self._closed:
                self._tell(request, found)
