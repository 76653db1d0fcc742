"""Digests of functions: they follow what a function computes, and nothing else."""

import subprocess
import sys

import numba
import numpy as np
import pytest

from learndyn.activations.digest import digest_of

SCALE = 2.0


def uses_a_global(x, xp):
    return SCALE * x


def helper(x):
    return x + 1.0


def calls_a_function(x, xp):
    return helper(x)


def calls_itself(x, xp):
    return x if x > 0 else calls_itself(-x, xp)


def made(text, name="g", **outside):
    """A function from text, in a module of its own."""
    namespace = dict(outside)
    exec(compile(text, f"<{text[:10]}>", "exec"), namespace)
    return namespace[name]


PLAIN = "def g(x, xp):\n    return 2.0 * xp.tanh(x)\n"


def test_the_same_text_has_the_same_digest_wherever_it_stands():
    assert digest_of(made(PLAIN)) == digest_of(made("\n\n# elsewhere\n" + PLAIN))


@pytest.mark.parametrize(
    "other",
    [
        "def g(x, xp):\n    return 3.0 * xp.tanh(x)\n",
        "def g(x, xp):\n    return 2.0 * xp.sin(x)\n",
        "def g(x, xp):\n    return 2.0 + xp.tanh(x)\n",
        "def g(x, xp):\n    return 2 * xp.tanh(x)\n",
        "def g(x, xp, a=1.0):\n    return 2.0 * xp.tanh(x)\n",
        "g = lambda x, xp: (lambda y: 2.0 * xp.tanh(y))(x)\n",
    ],
)
def test_another_text_has_another_digest(other):
    assert digest_of(made(other)) != digest_of(made(PLAIN))


def test_what_a_function_takes_from_outside_counts(monkeypatch):
    this = sys.modules[__name__]
    before = digest_of(uses_a_global), digest_of(calls_a_function)
    monkeypatch.setattr(this, "SCALE", 2.5)
    monkeypatch.setattr(this, "helper", lambda x: x + 2.0)
    assert digest_of(uses_a_global) != before[0]
    assert digest_of(calls_a_function) != before[1]


def test_closures_and_arrays_count():
    def closed_over(value):
        return lambda x, xp: value * x

    values = [1.0, 2.0, np.array([1.0, 2.0]), np.array([1.0, 3.0]), (1.0, 2), (1.0, (2,))]
    assert len({digest_of(closed_over(value)) for value in values}) == len(values)
    assert digest_of(closed_over(1.0)) == digest_of(closed_over(1.0))


def test_a_function_that_calls_itself_has_a_digest():
    assert digest_of(calls_itself) == digest_of(calls_itself)


def test_compiled_helpers_count_by_their_text():
    one, two = (made("def g(x, xp):\n    return f(x)\n", f=numba.njit(lambda x, c=c: c * x)) for c in (1.0, 2.0))
    assert digest_of(one) != digest_of(two)


def test_digests_are_the_same_in_another_process():
    code = f"""
from learndyn.activations.digest import digest_of
namespace = {{"SCALE": 2.0}}
exec({PLAIN!r}, namespace)
exec("def h(x, xp):\\n    return SCALE * x\\n", namespace)
print(digest_of(namespace["g"]), digest_of(namespace["h"]))
"""
    outs = {subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout}
    digests = [digest_of(made(PLAIN)), digest_of(made("def h(x, xp):\n    return SCALE * x\n", "h", SCALE=2.0))]
    assert outs == {" ".join(digests) + "\n"}


def test_a_module_counts_by_its_file(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    digests = set()
    for number in (1, 2):
        name = f"helpers_{number}"
        (tmp_path / f"{name}.py").write_text(f"C = {number}\n")
        module = __import__(name)
        digests.add(digest_of(made("def g(x, xp):\n    return helpers.C * x\n", helpers=module)))
    assert len(digests) == 2
