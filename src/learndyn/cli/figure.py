"""`learndyn figure`: figures of the source documents, drawn anew."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from learndyn.cli.common import announce, plotting, wrote
from learndyn.errors import InputError


class Format(str, Enum):  # noqa: UP042 - typer takes the values of a str enumeration as choices
    """Formats of a picture."""

    pdf = "pdf"
    png = "png"
    svg = "svg"


def figure(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="A figure; --list names them.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Draw every figure.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="Name the figures.")] = False,
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder; made if it is missing.")] = Path("."),
    format_: Annotated[Format, typer.Option("--format", help="Format of the pictures.")] = Format.pdf,
    recompute: Annotated[
        bool, typer.Option("--recompute", help="Run the simulations anew instead of using the stored ones.")
    ] = False,
) -> None:
    """Redraw figures of the source documents, with the numbers that they stand for."""
    if (name is not None) + all_ + list_ != 1:
        raise InputError("Give one of: the NAME of a figure, --list, --all.")
    plotting()
    from learndyn import figures

    names = figures.names()
    if list_:
        width = max(map(len, names), default=0)
        typer.echo("\n".join(f"{each:<{width}}  {figures.describe(each)}" for each in names))
        return
    if name is not None and name not in names:
        from learndyn.arguments import did_you_mean, shown

        raise InputError(
            f"There is no figure {shown(name)}.{did_you_mean(name, names, '')} See `learndyn figure --list`."
        )
    output.mkdir(parents=True, exist_ok=True)
    from learndyn.engines import compilation_cache

    compilation_cache.enable()
    for each in names if name is None else [name]:
        # Names such as schmid2024/2c have a folder of their own.
        path = output / f"{each}.{format_.value}"
        path.parent.mkdir(parents=True, exist_ok=True)
        _one_figure(each, path, recompute)


def _one_figure(name: str, path: Path, recompute: bool) -> None:
    from learndyn import figures
    from learndyn.files import check_writable

    check_writable(path)
    announce(f"{name} ...", quiet=False)
    drawn = figures.draw(name, recompute=recompute)
    plotting().save(drawn.figure, path)
    typer.echo(f"{name}: {drawn.caption}")
    for label, number in drawn.numbers.items():
        typer.echo(f"    {label} = {number:.6g}")
    wrote("picture", path, quiet=False)
