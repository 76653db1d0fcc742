"""A small sweep for tests of stores: its plan, the arrays of its chunks, and programs that other processes run."""

import subprocess
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import xarray as xr

from learndyn.sweeps.axes import axes_of
from learndyn.sweeps.plan import Plan, Variable
from learndyn.sweeps.store import open_store

TESTS = Path(__file__).parent
CHUNK = (3, 1)


def plan_of(chunk=CHUNK, rates=7, identity=None, activations=("erf", "relu", "softplus"), rows=5) -> Plan:
    """7 rates x 3 activations; with chunks of 3 rates the last is a part of one."""
    axes = axes_of({"learning_rate": np.geomspace(0.1, 3.0, rates).tolist(), "activation": list(activations)})
    words = {"flag_values": [-1, 0, 1], "flag_meanings": "missing ok diverged"}
    times = np.linspace(0.0, 1.0, rows)
    return Plan(
        work=SimpleNamespace(axes=axes),
        dims=tuple(axes.sizes),
        shape=tuple(axes.sizes.values()),
        chunk=chunk,
        variables=(
            Variable("eps_g", ("alpha",), (rows,), "<f8", {"long_name": "generalisation error", "units": "1"}),
            Variable("Q", ("alpha", "student"), (rows, 2), "<f8", {"long_name": "overlaps"}),
            Variable("status", (), (), "|i1", {"long_name": "how the run ended", **words}),
            Variable("message", (), (), "str", {}),
            Variable("seed", (), (), "<i8", {}),
        ),
        coordinates={
            **axes.coordinates(),
            "alpha": (("alpha",), times, {"units": "1"}),
            "student": (("student",), np.array([1, 2]), {}),
            "family": (("activation",), np.array(["S-förmig", "eckig", "eckig"])[: len(activations)], {}),
        },
        identity={"scenario": {"label_noise": 0.0}, "until": 1.0} | (identity or {}),
        attrs={"schema": 1, "engine": "theory", "status": "interrupted", "message": "", "scenario": "{}"},
    )


def whole(plan: Plan) -> dict[str, np.ndarray]:
    """All values: every fifth member diverged, and has nothing from its second time on."""
    rng = np.random.default_rng(1)
    rows = plan.variables[0].shape[0]
    status = np.arange(plan.members, dtype=np.int8).reshape(plan.shape) % 5 == 4
    found = {
        "eps_g": rng.random((*plan.shape, rows)),
        "Q": rng.random((*plan.shape, rows, 2)),
        "status": status.astype(np.int8),
        "message": np.where(status, "Q wächst ohne Grenze: η zu groß", "").astype(object),
        "seed": rng.integers(2**62, size=plan.shape),
    }
    found["eps_g"][status, 2:] = np.nan
    found["Q"][status, 2:] = np.nan
    return found


def arrays_of(plan: Plan, number: int) -> dict[str, np.ndarray]:
    """The arrays of a chunk."""
    return {name: values[plan.block(number)] for name, values in whole(plan).items()}


def expected(plan: Plan) -> xr.Dataset:
    """What a full store shows."""
    own = {each.name: each for each in plan.variables}
    values = {name: array.astype(str) if array.dtype == object else array for name, array in whole(plan).items()}
    variables = {name: ((*plan.dims, *own[name].dims), array, own[name].attrs) for name, array in values.items()}
    return xr.Dataset(variables, {name: xr.Variable(*entry) for name, entry in plan.coordinates.items()}, plan.attrs)


def write_all(store, numbers=None) -> None:
    for number in range(len(store.plan)) if numbers is None else numbers:
        store.writer.write(store.plan, number, arrays_of(store.plan, number), {"seconds": 0.5})


def filled(location, chunk=CHUNK, **options) -> Plan:
    """A store with all chunks, closed; its plan."""
    with open_store(location, plan_of(chunk), **options) as store:
        write_all(store)
        return store.plan


def chunk_files(folder: Path) -> dict[str, bytes]:
    """All files of arrays, by key."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".learndyn" not in path.parts
    }


def finished(location, chunk=CHUNK) -> set[int]:
    """The finished chunks, without a warning for those that are not."""
    with warnings.catch_warnings(), open_store(location, plan_of(chunk), resume=True) as store:
        warnings.simplefilter("ignore")
        return store.finished()


def run_python(code: str, *arguments, wrap=(), wait=True):
    """A program in a process of its own that may import this file; with ``wait``, what it said."""
    head = f"import sys; sys.path.insert(0, {str(TESTS)!r})\n"
    command = [*wrap, sys.executable, "-c", head + code, *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if not wait:
        return process
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err
