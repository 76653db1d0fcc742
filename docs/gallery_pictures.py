"""How sphinx-gallery shows a figure of `learndyn.figures`: the picture, and below it the caption that comes with it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

# Pixels an inch on the page; screens with finer pixels get twice as many.
DPI = 150


def show_figure(block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Save the figure that is the value of a block's last line, as a notebook would show it, and write its rst.

    Pictures made with pyplot, those of `learndyn.plot` among them, are left to sphinx-gallery itself.
    """
    from sphinx_gallery.scrapers import figure_rst

    from learndyn.figures import Figure

    space = block_vars["example_globals"]
    figure = space.get("___")
    # Sphinx-gallery keeps the last value when a later block has none: each figure is shown once.
    if not isinstance(figure, Figure) or space.get("_shown") is figure:
        return ""
    space["_shown"] = figure
    path = Path(next(block_vars["image_path_iterator"]))
    double = path.with_name(f"{path.stem}_2_00x{path.suffix}")
    figure.save(path, dpi=DPI)
    figure.save(double, dpi=2 * DPI)
    picture = figure_rst([path], gallery_conf["src_dir"], srcsetpaths=[{0: path, 2.0: double}])
    return f"{picture}\n.. rst-class:: figure-caption\n\n{escaped(figure.caption)}\n"


def escaped(text: str) -> str:
    """Plain text as reStructuredText in which nothing is markup."""
    return re.sub(r"([\\*`|_:<>\[\]])", r"\\\1", text)
