"""What can be downloaded from a page: the scenario as TOML and Python, the numbers, and pictures by `learndyn.plot`."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tornado.ioloop import IOLoop
from tornado.web import HTTPError, RequestHandler

from learndyn.explore.compute import Theory
from learndyn.explore.replicas import Replicas
from learndyn.explore.text import python_of, toml_of

KINDS = {
    ".toml": "application/toml",
    ".py": "text/x-python",
    ".nc": "application/x-netcdf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".pdf": "application/pdf",
}
# matplotlib's state is the process's: one picture at a time.
_DRAWING = threading.Lock()


def made(name: str, theory: Theory, replicas: Replicas | None) -> bytes:
    """The file of this name: "scenario.toml", "scenario.py", "result.nc", "curve.pdf", "flow-field.svg"."""
    stem, ending = Path(name).stem, Path(name).suffix
    options = None if replicas is None else replicas.options
    if ending == ".toml":
        return toml_of(theory.setup, options).encode()
    if ending == ".py":
        return python_of(theory.setup, options).encode()
    with tempfile.TemporaryDirectory(prefix="learndyn-explore-") as folder:
        path = Path(folder) / name
        if ending == ".nc":
            from learndyn.results import save

            save(theory.result, path)
        else:
            with _DRAWING:
                _draw(stem, theory, replicas, path)
        return path.read_bytes()


def _draw(stem: str, theory: Theory, replicas: Replicas | None, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from learndyn import plot

    try:
        if stem == "flow-field":
            picture = _flow_field(theory)
        else:
            picture = plot.overview(theory.result, None if replicas is None else replicas.result)
        plot.save(picture, path)
    finally:
        plt.close("all")  # this process draws for the page alone


def _flow_field(theory: Theory) -> Any:
    from learndyn import plot
    from learndyn.analysis.flow_field import flow_field
    from learndyn.explore.compute import field

    shown = field(theory)
    if shown is None:
        raise KeyError("flow-field")
    (x_name, y_name), setup = shown.names, theory.setup
    found = flow_field(setup.scenario, setup.start, x=(x_name, shown.x), y=(y_name, shown.y))
    return plot.flow_field(found, theory.result)


class Downloads(RequestHandler):
    """GET /download/PAGE/NAME: a file of what a page shows now, made in a thread."""

    def initialize(self, pages: Mapping[str, Any]) -> None:
        """All open pages by key."""
        self._pages = pages

    async def get(self, key: str, name: str) -> None:
        """Send the file."""
        page = self._pages.get(key)
        if page is None or page.theory is None or Path(name).suffix not in KINDS:
            raise HTTPError(404)
        theory = page.theory
        try:
            data = await IOLoop.current().run_in_executor(None, made, name, theory, page.replicas)
        except KeyError:
            raise HTTPError(404) from None
        self.set_header("Content-Type", KINDS[Path(name).suffix])
        self.set_header("Content-Disposition", f'attachment; filename="{name}"')
        self.set_header("Cache-Control", "no-store")
        self.finish(data)
