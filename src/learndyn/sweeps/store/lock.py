"""One client at a time on a store: a lock of the kernel on a local one, an object with a heartbeat elsewhere.

On a local path the lock is that of `filelock`: the kernel lets it go when the process ends, however it ends. Elsewhere
there is no such thing: the holder writes an object again and again, and one that has not been written for
`STALE_SECONDS` belongs to nobody. So the clocks of clients must agree within some minutes, and after a client was
killed the store is free some minutes later.

Workers need no lock: two that write the same chunk write the same bytes.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import uuid4

from learndyn.errors import InputError
from learndyn.sweeps.store.place import LocalPlace, Place, RemotePlace

LOCK, HOLDER = ".learndyn/lock", ".learndyn/holder.json"
# Of a lock that is not local: seconds between two heartbeats, after which it is stale, and in which a client that came
# at the same moment would show.
BEAT_SECONDS, STALE_SECONDS, SETTLE_SECONDS = 30.0, 300.0, 0.2


def lock_of(place: Place) -> LocalLock | RemoteLock:
    """The lock of a store; it is not taken yet."""
    return LocalLock(place) if isinstance(place, LocalPlace) else RemoteLock(place)


def _me() -> dict[str, Any]:
    since = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    return {"host": socket.gethostname(), "pid": os.getpid(), "since": since}


def _refusal(place: Place, holder: bytes | None, advice: str) -> InputError:
    """The sentence for who comes second."""
    try:
        known = json.loads(holder or b"")
        who = f"process {known['pid']} on {known['host']} since {known['since']}"
    except (ValueError, KeyError, TypeError):
        who = "another process"
    return InputError(f"Store {place} is in use by {who}. {advice}")


class LocalLock:
    """A lock on a file in the store, which the kernel lets go with the process."""

    def __init__(self, place: LocalPlace) -> None:
        self._place = place
        self._lock: Any = None

    @property
    def is_held(self) -> bool:
        """Whether this client has the lock."""
        return self._lock is not None

    def acquire(self) -> None:
        """Take the lock; an InputError that names the holder when another client has it."""
        from filelock import FileLock, Timeout

        path = self._place.folder / LOCK
        path.parent.mkdir(parents=True, exist_ok=True)
        # Not of a thread: a store may be closed by another one than opened it.
        lock = FileLock(path, timeout=0, thread_local=False)
        try:
            lock.acquire()
        except Timeout:
            advice = "Wait until it has ended, or stop it."
            raise _refusal(self._place, self._place.read(HOLDER), advice) from None
        self._lock = lock
        with suppress(OSError):  # a full disk: who comes second is then not told who was first
            self._place.write(HOLDER, json.dumps(_me()).encode())

    def release(self) -> None:
        """Let the lock go."""
        if self._lock is not None:
            with suppress(OSError):
                self._place.remove(HOLDER)
            self._lock.release()
            self._lock = None


class RemoteLock:
    """A lock that is an object with a heartbeat."""

    def __init__(self, place: RemotePlace) -> None:
        self._place, self._token = place, uuid4().hex
        self._me = _me() | {"token": self._token}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def is_held(self) -> bool:
        """Whether this client has the lock."""
        return self._thread is not None

    def acquire(self) -> None:
        """Take the lock; an InputError that names the holder when another client has it."""
        self._refuse_other()
        self._beat()
        time.sleep(SETTLE_SECONDS)
        self._refuse_other()
        self._thread = threading.Thread(target=self._beat_on, name="learndyn-store-lock", daemon=True)
        self._thread.start()

    def release(self) -> None:
        """Let the lock go."""
        if self._thread is None:
            return
        self._stop.set()
        self._thread.join()
        self._thread = None
        with suppress(Exception):  # it becomes stale by itself
            if self._holder().get("token") == self._token:
                self._place.remove(LOCK)

    def _refuse_other(self) -> None:
        holder = self._holder()
        fresh = abs(time.time() - float(holder.get("beat", 0.0))) < STALE_SECONDS
        if holder.get("token", self._token) != self._token and fresh:
            advice = (
                f"Wait until it has ended; should it have been killed, the store is free {STALE_SECONDS / 60:.0f} "
                "minutes later."
            )
            raise _refusal(self._place, json.dumps(holder).encode(), advice)

    def _holder(self) -> dict[str, Any]:
        """Who has the lock, as far as it can be read."""
        try:
            found = json.loads(self._place.read(LOCK) or b"{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def _beat(self) -> None:
        self._place.write(LOCK, json.dumps(self._me | {"beat": time.time()}).encode())

    def _beat_on(self) -> None:
        while not self._stop.wait(BEAT_SECONDS):
            with suppress(Exception):  # the net may be back at the next beat
                if self._holder().get("token", self._token) != self._token:
                    return  # this process was stopped for so long that another client took the store
                self._beat()
