"""`learndyn explore`: a page in the browser on which a scenario is changed and its curves follow."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from learndyn.cli.common import whole_imports


def explore(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE.toml]", help="A scenario file, or a saved result, to begin with.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0: any that is free.")] = 0,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in the browser, or only print its address.")
    ] = True,
) -> None:
    """Explore a scenario in the browser: change its numbers, and the curves follow. Ctrl-C ends it.

    The page is served by this machine, for this machine alone: its address holds a token, without which all requests
    are refused, and it contacts no other address.
    """
    from learndyn.extras import require

    require("explore", "The explorer")
    with whole_imports():
        from learndyn.engines import compilation_cache
        from learndyn.explore.server import serve
        from learndyn.explore.setup import Setup, read_setup

    setup = Setup.default() if file is None else read_setup(file)
    compilation_cache.enable()

    def tell(address: str) -> None:
        typer.echo(f"The explorer is at {address}")
        typer.echo("Open this address in a browser of this machine. Ctrl-C ends the explorer.")

    serve(setup, port=port, open_browser=browser, tell=tell)
    typer.echo("The explorer has ended.")
