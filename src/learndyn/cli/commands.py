"""The group of the commands: what goes wrong on purpose becomes a sentence and an exit code; `main` runs it."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from learndyn.cli.common import BAD_INPUT, INTERRUPTED, keep_interrupt
from learndyn.errors import InputError


class _Commands(TyperGroup):
    """The commands, with what goes wrong on purpose turned into a sentence and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise
        except InputError as error:
            sentence, code = str(error), BAD_INPUT
        except OSError as error:
            reason = error.strerror or error
            sentence, code = f"{error.filename or 'A file'}: {reason}. Check the place and its permissions.", BAD_INPUT
        except MemoryError:
            sentence, code = "This needs more memory than there is. Ask for fewer units, points or replicas.", BAD_INPUT
        except KeyboardInterrupt:
            sentence, code = "Interrupted; nothing more was written.", INTERRUPTED
        typer.echo(sentence, err=True)
        raise typer.Exit(code)


app = typer.Typer(
    cls=_Commands,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Entry point of the command `learndyn`."""
    sys.unraisablehook = keep_interrupt
    try:
        app(prog_name="learndyn")
    except SystemExit as end:
        if "jax" not in sys.modules:
            raise
        # Taking JAX down with the interpreter lasts a quarter of a second and is of no use to a process that ends.
        with suppress(BrokenPipeError):
            sys.stdout.flush()
        os._exit(end.code if isinstance(end.code, int) else int(end.code is not None))


def _version(wanted: bool) -> None:
    if wanted:
        from learndyn import __version__

        typer.echo(f"learndyn {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """How a neural network learns, as a whole: theory, simulation and picture from one scenario file."""
