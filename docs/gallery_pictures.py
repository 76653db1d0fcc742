"""How sphinx-gallery shows the figures of the library: the picture, and the caption of one of `learndyn.figures`."""

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

    space = block_vars["example_globals"]
    value = space.get("___")
    # Sphinx-gallery keeps the last value when a later block has none: each figure is shown once.
    if space.get("_shown") is value or (picture := picture_of(value)) is None:
        return ""
    space["_shown"] = value
    path = Path(next(block_vars["image_path_iterator"]))
    double = path.with_name(f"{path.stem}_2_00x{path.suffix}")
    picture.savefig(path, dpi=DPI)
    picture.savefig(double, dpi=2 * DPI)
    caption = getattr(value, "caption", "")
    # What is read aloud in place of the picture.
    sentence = re.split(r"(?<=[A-Za-z)])[.:] ", caption)[0]
    rst = figure_rst([path], gallery_conf["src_dir"], sentence, srcsetpaths=[{0: path, 2.0: double}])
    return f"{rst}\n.. rst-class:: figure-caption\n\n{escaped(caption)}\n" if caption else rst


def picture_of(value: Any) -> Any:
    """The matplotlib Figure of a value that shows one, and that pyplot does not know; else None."""
    from matplotlib.figure import Figure as Picture

    from learndyn.figures import Figure

    picture = value.figure if isinstance(value, Figure) else value
    return picture if isinstance(picture, Picture) and picture.canvas.manager is None else None


def escaped(text: str) -> str:
    """Plain text as reStructuredText in which nothing is markup."""
    return re.sub(r"([\\*`|_:<>\[\]])", r"\\\1", text)
