"""The verb `export_html`: a result as one HTML file for people without Python."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import xarray as xr

from learndyn.errors import InputError
from learndyn.files import check_writable, replacing

ENDINGS = (".html", ".htm")


def export_html(
    result: xr.Dataset,
    path: str | os.PathLike[str],
    *,
    simulation: xr.Dataset | None = None,
    title: str | None = None,
    large: bool = False,
    spectrum: bool = True,
    equations: bool = True,
) -> Path:
    """Write a result as one HTML file: curves, sliders, numbers and plateaus, for a browser without Python or network.

    Parameters
    ----------
    result
        A result of `ld.solve`, `ld.simulate` or `ld.sweep` (also a store that `ld.open_sweep` opened). Each dim of a
        sweep is a slider, a menu where its values are words; replicas are averaged. Drawn are the main curve (eps_g,
        the alignment, the loss; of rows of data the accuracy), R, Q and what else the scenario has, as far as the
        result holds them.
    path
        Where to; must end in ``.html``.
    simulation
        A result of `ld.simulate` of the same units, drawn as markers with standard errors; for a single ``result``.
    title
        The heading; the parameters of the sweep when not given.
    large
        Begin with large text, for a projector; a button of the page changes it.
    spectrum
        Whether to find the fixed point beside each plateau and tell its eigenvalues: some 10 ms for each run.
    equations
        Whether to add the equations of the scenario (`ld.equations`), where it has them.

    Returns
    -------
    pathlib.Path
        The path of the file.

    Raises
    ------
    InputError
        When it is no such result, the page would have more than 25 MB, or the file cannot be written.

    Notes
    -----
    Numbers are kept with seven digits (float32) and shown with four. A page takes 5.3 bytes for each number: 132 runs
    of 61 times with K = M = 2 (eight curves) take 0.4 MB; the equations 50 to 250 kB, and some seconds.
    The same result gives the same bytes. Rows of data (`ld.DataClassification`) are not on the page: their shapes and
    digests stand in the Python call that computes it, which takes the place of the scenario file.

    Examples
    --------
    >>> import learndyn as ld, tempfile, pathlib
    >>> perceptron = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), learning_rate=1.0)
    >>> curves = ld.sweep(
    ...     perceptron, ld.Start(Q=0.25, R=0.0), over={"learning_rate": [0.5, 1.0, 2.0]}, until=10, save_at=21
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = ld.export_html(curves, pathlib.Path(folder) / "rates.html")
    ...     path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    True
    """
    from learndyn.html.equations import equations_of
    from learndyn.html.page import page
    from learndyn.html.payload import payload

    path = checked_path(path)
    data = payload(result, simulation, title=title, spectrum=spectrum)
    written = equations_of(result) if equations else ""
    with replacing(path) as temporary:
        temporary.write_text(page(data, large=large, equations=written), encoding="utf-8")
    return path


def checked_path(path: Any) -> Path:
    """The path of a page that can be written."""
    path = Path(path)
    if path.suffix.lower() not in ENDINGS:
        raise InputError(f"Argument `path` must end in .html, but it is {path}. Name it page.html.")
    return check_writable(path)
