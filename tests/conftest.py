"""Settings of the whole suite; they must be made before numba, matplotlib or JAX are imported."""

import hashlib
import os
from pathlib import Path

from hypothesis import settings

ROOT = Path(__file__).parent.parent

# No window opens, also in processes that a test starts.
os.environ.setdefault("MPLBACKEND", "Agg")

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
