"""Activations inside compiled kernels: the same values as in NumPy, and never a stale kernel from the disk cache."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest

import learndyn
from learndyn.activations import Activation, activation, activation_names
from learndyn.activations.compiled import ActivationTag, ActivationType, dg, g
from learndyn.gaussian.namespaces import NUMPY
from learndyn.scenarios.student_teacher.steps import make_step


@numba.njit
def evaluate(tag, points, values, slopes):
    for i in range(points.size):
        values[i] = g(tag, points[i])
        slopes[i] = dg(tag, points[i])


def compiled_values(act, points):
    values, slopes = np.empty_like(points), np.empty_like(points)
    evaluate(ActivationTag(act), points, values, slopes)
    return values, slopes


@pytest.mark.parametrize("name", [*activation_names(), "polynomial(1, -2, 0, 0.5)"])
def test_compiled_values_are_those_of_numpy(name):
    points = np.array([-30.0, -2.0, -0.3, -1e-9, 0.0, 1e-9, 0.3, 2.0, 30.0])
    values, slopes = compiled_values(activation(name), points)
    # The same formula of at most two functions; NumPy, SciPy and learndyn round them differently, to 2 ulp or so, and
    # at x = -30 gelu and its derivative are 15 and 1 times an error of 1 ulp of 1.
    np.testing.assert_allclose(values, activation(name).g(points), rtol=1.5e-15, atol=3e-16)
    np.testing.assert_allclose(slopes, activation(name).dg(points), rtol=1.5e-15, atol=3e-16)


# Two "activations" that between them ask the namespace for all that it offers.
def everything(x, xp):
    total = xp.erf(x) + xp.exp(x) + xp.sqrt(xp.abs(x)) + xp.tanh(x) + xp.sin(x) + xp.cos(x)
    total = total + xp.log(xp.abs(x) + xp.pi) + xp.log1p(xp.abs(x)) + xp.expm1(x)
    return total + xp.sinh(x) + xp.cosh(x) + xp.arctan(x)


def comparisons(x, xp):
    total = xp.maximum(x, 0.5) + 10 * xp.minimum(-1, x) + 100 * xp.where(x > 0, 2, x) + 1000 * xp.sign(x)
    return total + 1e4 * xp.clip(x, -2, 0.5)


def test_the_scalar_namespace_has_the_meaning_of_numpy():
    act = Activation("everything", "", {"g": everything, "dg": comparisons})
    points = np.array([-2.5, -1.0, -0.0, 0.0, 0.25, 1.0, 3.0, np.nan])
    values, slopes = compiled_values(act, points)
    # Twelve functions, each within 2 ulp in either library, of values up to 20: 12 * 4 * 20 * 2.2e-16.
    np.testing.assert_allclose(values, everything(points, NUMPY), rtol=0, atol=2.2e-13)
    np.testing.assert_array_equal(slopes, comparisons(points, NUMPY))  # exact, NaN where NumPy gives NaN


def test_type_survives_pickling_and_knows_the_digest():
    tag = ActivationTag(activation("relu"))
    typ = numba.typeof(tag)
    assert pickle.loads(pickle.dumps(typ)) is typ
    assert typ != ActivationType("relu", "another digest")
    step_type = numba.typeof(make_step(activation("relu"), 0.1))
    assert make_step(activation("relu"), 0.1).student[0][0].digest in str(step_type)
    assert step_type == numba.typeof(make_step(activation("relu"), 0.7))  # another rate compiles nothing


def test_digest_follows_the_files_of_the_step(tmp_path):
    before, after = tmp_path / "before.py", tmp_path / "after.py"
    before.write_text("error = tau - sigma\n")
    after.write_text("error = sigma - tau\n")
    tags = [ActivationTag(activation("relu"), *files) for files in ([], [str(before)], [str(after)])]
    assert len({tag.digest for tag in tags}) == 3


KERNEL = """
import numba
from learndyn.activations import Activation
from learndyn.activations.compiled import ActivationTag, g

import mine

@numba.njit(cache=True)
def value(tag, x):
    return g(tag, x)

act = Activation("mine", "", {"g": mine.g, "dg": mine.g})
print(value(ActivationTag(act), 3.0), sum(value.stats.cache_hits.values()))
"""


def test_an_edited_activation_is_compiled_anew_although_the_cache_is_kept(tmp_path):
    """One kernel file, three processes, one cache directory; only the activation's file changes."""
    (tmp_path / "kernel.py").write_text(KERNEL)
    source = str(Path(learndyn.__file__).parents[1])
    env = os.environ | {
        "NUMBA_CACHE_DIR": str(tmp_path / "cache"),
        "PYTHONPATH": os.pathsep.join([source, str(tmp_path)]),
        "PYTHONDONTWRITEBYTECODE": "1",  # Python's own cache looks at times in whole seconds
    }

    def run(text):
        (tmp_path / "mine.py").write_text(text)
        command = [sys.executable, "-c", "import kernel"]
        done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
        value, hits = done.stdout.split()
        return float(value), int(hits)

    assert run("def g(x, xp):\n    return 2.0 * x\n") == (6.0, 0)
    assert run("def g(x, xp):\n    return 2.0 * x\n") == (6.0, 1)  # the cache works across processes
    assert run("def g(x, xp):\n    return 5.0 * x\n") == (15.0, 0)  # and the new text is a new kernel
