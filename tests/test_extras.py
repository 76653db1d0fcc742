"""What needs a package of an extra says so in one sentence; all else works without."""

import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import learndyn as ld
from learndyn.errors import InputError
from learndyn.extras import EXTRAS, require

SCENARIO = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), learning_rate=0.5)
START = ld.Start(Q=[[0.2]], R=[[0.0]])
OVER = {"learning_rate": [0.5, 1.0]}


@pytest.fixture
def without(monkeypatch):
    """An installation without the packages of an extra."""

    def leave_out(extra):
        for name in EXTRAS[extra]:
            monkeypatch.setitem(sys.modules, name, None)

    return leave_out


@pytest.mark.parametrize(
    ("use", "sentence"),
    [
        (lambda: ld.sweep(SCENARIO, START, over=OVER, until=1, store="s.zarr"), "A store of a sweep needs zarr, "),
        (lambda: ld.sweep(SCENARIO, START, over=OVER, until=1, workers=2), "A sweep in several processes needs zarr, "),
        (lambda: ld.open_sweep("s.zarr"), "A store of a sweep needs zarr, "),
    ],
)
def test_what_an_extra_is_needed_for_is_refused(without, use, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    without("sweep")
    with pytest.raises(InputError, match=sentence) as refused:
        use()
    assert str(refused.value).endswith('but they are not installed. Install: pip install "learndyn[sweep]".')
    assert not list(tmp_path.iterdir())


def test_sweeps_in_memory_need_no_extra(without):
    without("sweep")
    assert ld.sweep(SCENARIO, START, over=OVER, until=1, save_at=2, observables=["eps_g"]).eps_g.shape == (2, 2)


def test_one_package_alone(without):
    without("data")
    with pytest.raises(InputError, match=r"^This needs sklearn, but it is not installed\. "):
        require("data", "This")


def test_the_extras_are_those_of_the_package():
    found = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    told = {name: found["optional-dependencies"][name] for name in EXTRAS}
    distributions = packages_distributions()
    for extra, modules in EXTRAS.items():
        names = {line.split(">=")[0].lower() for line in told[extra]}
        assert names <= {name.lower() for module in modules for name in distributions[module]}
