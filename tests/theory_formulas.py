"""What tests of the formulas in docs/theory share: the marks of the pages, the drift in NumPy, averages by nodes."""

import re
from itertools import product
from pathlib import Path

import numpy as np

from learndyn.gaussian.namespaces import NUMPY
from learndyn.scenarios.student_teacher.flow import drift_function, layout_of

ROOT = Path(__file__).parent.parent
# Both sides are exact up to rounding: some hundred operations on numbers of order one.
ROUNDING = 1e-11


def formula(*names):
    """Say which marked formulas of docs/theory a test holds."""
    return lambda test: test


def marked():
    """The marks of all pages, each with its page, one entry a mark."""
    mark = re.compile(r"^<!-- formula: ([\w-]+) -->$", re.MULTILINE)
    pages = (page for page in sorted((ROOT / "docs/theory").glob("*.md")) if page.name != "index.md")
    return [(name, page.name) for page in pages for name in mark.findall(page.read_text(encoding="utf-8"))]


def names_above_tests():
    """The names in `formula` above the tests, one entry a name."""
    call = re.compile(r"^@formula\((.*?)\)$", re.MULTILINE | re.DOTALL)
    files = sorted((ROOT / "tests/docs").glob("test_theory_formulas*.py"))
    calls = [names for file in files for names in call.findall(file.read_text(encoding="utf-8"))]
    return [name for names in calls for name in re.findall(r'"([\w-]+)"', names)]


def drift(scenario, start, alpha=0.0):
    """What the library's drift is, by blocks of the state, in NumPy: nothing is compiled."""
    structure, start = scenario.structure, scenario.as_start(start)
    flat = drift_function(structure, NUMPY)(alpha, scenario.initial_state(start), scenario.values())
    return layout_of(structure).unpack(np.asarray(flat))


class Nodes:
    """Averages over z ~ N(mean, C) by a product of Gauss-Hermite rules, exact for polynomials of degree 2 count - 1."""

    def __init__(self, C, mean=None, count=7):
        C = np.asarray(C, dtype=float)
        u, w = np.polynomial.hermite_e.hermegauss(count)
        values, vectors = np.linalg.eigh(C)
        L = vectors * np.sqrt(np.maximum(values, 0.0))
        grid = np.array(list(product(u, repeat=len(C))))
        self.weight = np.array(list(product(w / w.sum(), repeat=len(C)))).prod(1)
        self.fluctuation = grid @ L.T
        self.z = self.fluctuation + (0.0 if mean is None else mean)
        self._solve = np.linalg.pinv(C)

    def __call__(self, values):
        """The average over nodes, the first axis."""
        return np.tensordot(self.weight, values, axes=1)

    def partner(self, covariances):
        """The part in the span of z of Gaussian variables whose covariances with z are given, (n, t): (nodes, t)."""
        return self.fluctuation @ self._solve @ covariances


def joint(Q, R, T):
    """The covariance of all units."""
    return np.block([[Q, R], [np.transpose(R), T]])
