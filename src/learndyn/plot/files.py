"""A picture to a file: vector formats keep text as text, and an interrupted save leaves nothing half-written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from learndyn.arguments import did_you_mean, shown
from learndyn.errors import InputError
from learndyn.files import replacing
from learndyn.plot.style import paper

# What each format may say about itself; a date would make two equal pictures different files.
_METADATA: dict[str, dict[str, Any]] = {
    "pdf": {"CreationDate": None},
    "svg": {"Date": None},
    "eps": {},
    "png": {},
}


def save(picture: Any, path: str | os.PathLike[str], *, dpi: float = 200) -> Path:
    """Save a picture; the ending of ``path`` chooses the format: ``.pdf`` or ``.svg`` (vector), ``.png``, ``.eps``.

    Parameters
    ----------
    picture
        A matplotlib Axes or Figure.
    path
        Where to; the folder must exist.
    dpi
        Dots per inch of a ``.png``.

    Returns
    -------
    pathlib.Path
        The path of the file.

    Raises
    ------
    InputError
        When the ending is unknown or the folder does not exist or cannot be written to.

    Examples
    --------
    >>> import learndyn as ld, pathlib, tempfile
    >>> from matplotlib.figure import Figure
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ld.plot.save(Figure(), pathlib.Path(folder) / "empty.pdf").name
    'empty.pdf'
    """
    path = Path(path)
    kind = _picture_format(path)
    figure = picture if hasattr(picture, "savefig") else picture.get_figure(root=True)
    with replacing(path) as temporary, paper():
        figure.savefig(temporary, format=kind, dpi=dpi, metadata=_METADATA[kind])
    return path


def _picture_format(path: Path) -> str:
    kind = path.suffix[1:].lower()
    if kind not in _METADATA:
        raise InputError(
            f"Argument `path` must end in .pdf, .svg, .png or .eps, but it is {shown(str(path))}."
            f"{did_you_mean(kind, list(_METADATA))}"
        )
    return kind
