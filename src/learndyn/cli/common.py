"""What the commands share: exit codes, how warnings and mistakes are told, pictures without a display."""

from __future__ import annotations

import _thread
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from learndyn.errors import InputError, LearndynWarning

BAD_INPUT, ENDED_EARLY, INTERRUPTED = 2, 3, 130
PICTURES = (".png", ".pdf", ".svg", ".eps")


@contextmanager
def whole_imports() -> Iterator[None]:
    """Ctrl-C waits for the end of an import: inside of jaxlib's it would abort the process with a C++ traceback."""
    if threading.current_thread() is not threading.main_thread():  # signals arrive elsewhere
        yield
        return
    interrupted = []
    previous = signal.signal(signal.SIGINT, lambda *_: interrupted.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
    if interrupted:
        raise KeyboardInterrupt


def keep_interrupt(lost: Any) -> None:
    """A `sys.unraisablehook`: Ctrl-C within a callback of the garbage collector, where it is ignored, comes later.

    JAX has such a callback, and while programs are compiled it runs often.
    """
    if not issubclass(lost.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(lost)
        return
    # In a moment and not at once: this hook is as deaf as the callback.
    again = threading.Timer(0.01, _interrupt)
    again.daemon = True
    again.start()


def _interrupt() -> None:
    """Ctrl-C for the main thread, which wakes where it sleeps."""
    if hasattr(signal, "pthread_kill") and (ident := threading.main_thread().ident) is not None:
        signal.pthread_kill(ident, signal.SIGINT)
    else:
        _thread.interrupt_main()


@contextmanager
def running(file: Path, table: str, silent: type[Warning] = LearndynWarning) -> Iterator[None]:
    """As `telling`; and what a verb refuses gets its place in the file."""
    with telling(silent), in_table(file, table):
        yield


@contextmanager
def telling(silent: type[Warning] = LearndynWarning) -> Iterator[None]:
    """A run that ends early says so in its status, not in the warning `silent`; others are a line on stderr at once."""
    with warnings.catch_warnings():
        warnings.simplefilter("default", LearndynWarning)
        warnings.simplefilter("ignore", silent)
        warnings.showwarning = _told(warnings.showwarning)
        yield


def _told(others: Any) -> Any:
    """Shows a warning of learndyn as its sentence, above a progress bar; `others` shows the rest."""

    def show(message: Any, category: type[Warning], *place: Any, **more: Any) -> None:
        if not issubclass(category, LearndynWarning):
            others(message, category, *place, **more)
            return
        from tqdm import tqdm

        tqdm.write(str(message), file=sys.stderr)

    return show


@contextmanager
def in_table(file: Path, table: str) -> Iterator[None]:
    """What is refused gets its place in the file."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{file}: [{table}] {error}") from None


@contextmanager
def called(argument: str, words: str) -> Iterator[None]:
    """What is refused about an argument of Python is said of the option or argument of the command that it is."""
    try:
        yield
    except InputError as error:
        raise InputError(str(error).replace(f"Argument `{argument}`", words)) from None


def check_picture(path: Path) -> None:
    """Refuse a picture of a kind that is not drawn."""
    if path.suffix.lower() not in PICTURES:
        raise InputError(
            f"Option --plot must end in {', '.join(PICTURES)}, but it is {path}. Choose one of these endings."
        )


def plotting() -> Any:
    """`learndyn.plot`, drawing to files only: no display is needed."""
    import matplotlib

    matplotlib.use("Agg")
    from learndyn import plot

    return plot


def announce(phase: str, quiet: bool) -> None:
    """Say on stderr what comes next."""
    if not quiet:
        typer.echo(phase, err=True)


def wrote(what: str, path: Path, quiet: bool) -> None:
    """Say what a file is."""
    if not quiet:
        typer.echo(f"Wrote the {what}: {path}")
