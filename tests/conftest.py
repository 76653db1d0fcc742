"""Settings of the whole suite; they must be made before numba, matplotlib or JAX are imported."""

import hashlib
import os
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from hypothesis import settings

from thorough import THOROUGH

ROOT = Path(__file__).parent.parent

# No window opens, also in processes that a test starts.
os.environ.setdefault("MPLBACKEND", "Agg")

# Workers share the cores: matrix products of one on threads of its own would keep the other waiting. Set before NumPy.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

# numba checks only a kernel's own file when it looks for it on disk. A cache named after all sources cannot hold an old
# kernel. (`make test` sets the same directory.) A cache of JAX's programs is not kept: JAX writes its entries in place,
# so that two workers, or a run that was stopped, can leave half an entry for the next to stumble over.
if "NUMBA_CACHE_DIR" not in os.environ:
    _digest = hashlib.sha256()
    for _path in sorted((ROOT / "src").rglob("*.py")):
        _digest.update(_path.relative_to(ROOT).as_posix().encode() + b"\n" + _path.read_bytes())
    os.environ["NUMBA_CACHE_DIR"] = str(ROOT / "build" / f"numba-{_digest.hexdigest()[:16]}")

# XLA's older code generator for loops, less optimised, takes half of the time to compile, and compiling is most of
# what the suite does. Users get it for small programs alone (`engines/programs.py`); benchmarks and verification runs
# measure what users get.
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_use_fusion_emitters=false --xla_backend_optimization_level=1")

# The same examples in every run; compilation makes single examples slow.
settings.register_profile("learndyn", derandomize=True, deadline=None, database=None, max_examples=50)
settings.load_profile("learndyn")


@pytest.fixture(autouse=True)
def _no_open_figures():
    """A figure that a test or an example leaves open stays in memory, and matplotlib warns of the twenty-first."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


def pytest_addoption(parser):
    parser.addoption("--thorough", action="store_true", help="also run the cases that shorter ones stand for")


def pytest_collection_modifyitems(config, items):
    """Leave out the cases of `thorough`, unless they are asked for."""
    left_out, unused = [], {(file, pattern) for file, patterns in THOROUGH.items() for pattern in patterns}
    for item in items:
        file = item.path.relative_to(Path(__file__).parent).as_posix()
        matched = {(file, pattern) for pattern in THOROUGH.get(file, ()) if fnmatchcase(item.name, pattern)}
        unused -= matched
        if matched:
            left_out.append(item)
    whole = {item.path for item in items} >= set(Path(__file__).parent.rglob("test_*.py"))
    if whole and unused and not config.getoption("keyword"):
        raise pytest.UsageError(f"tests/thorough.py names cases that there are not: {sorted(unused)}")
    if not config.getoption("--thorough"):
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]
