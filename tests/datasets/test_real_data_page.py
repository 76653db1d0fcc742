"""The numbers in docs/real-data.md are those of the stored curves, and its program runs."""

import re
from pathlib import Path

import numpy as np
import pytest

import learndyn as ld
from learndyn.figures import simulations
from learndyn.figures.schmid2024_data import deviations
from learndyn.figures.simulations_mnist import MODELS
from page_programs import programs

PAGE = (Path(__file__).parents[2] / "docs" / "real-data.md").read_text()


@pytest.mark.parametrize(("inputs", "title"), [("raw", "784 pixels"), ("gabor", "1440 Gabor features")])
def test_the_table(inputs, title):
    lines = PAGE[PAGE.index(f"| **{title}**") :].splitlines()[1 : 1 + len(MODELS)]
    numbers = deviations(simulations.read(f"mnist-{inputs}"))
    for model, line in zip(MODELS, lines, strict=True):
        found = re.findall(r"0\.\d{4}", line)
        expected = [
            f"{numbers[f'{name}_{model}_{which}']:.4f}"
            for name in ("test_accuracy", "alignment")
            for which in ("max", "mean")
        ]
        assert found == expected


def told(pattern):
    return [float(number) for number in re.search(pattern, " ".join(PAGE.split())).groups()]


def test_the_text():
    data = {inputs: simulations.read(f"mnist-{inputs}") for inputs in ("raw", "gabor")}
    numbers = deviations(data["gabor"])
    ends = told(r"ends at (0\.\d+), the flow on the images at (0\.\d+)\..*nearer, at (0\.\d+):")
    expected = [numbers[f"alignment_{model}(12665)"] for model in ("logistic", "images", "paper")]
    assert ends == [round(value, 3) for value in expected]
    apart = told(r"weights of \(15\) are right to (0\.\d+) at most \(pixels\) and (0\.\d+) \(features\)")
    above = told(r"above the runs by (0\.\d+) \(pixels\) and (0\.\d+) \(features\)")
    scatter = told(r"from the measured variance (0\.\d+) and (0\.\d+)\.")
    for place, runs in enumerate(data.values()):
        weights = runs.on_images.sel(model="paper") - runs.test_accuracy.mean("replica")
        assert apart[place] == round(float(np.abs(weights).max()), 4)
        away = runs.theory_alignment.sel(model="images") - runs.alignment.mean("replica")
        assert float(np.abs(away / runs.alignment.std("replica", ddof=1))[1:].max()) < 2
        late = runs.isel(t=runs.t.values > 8)
        flow = late.theory_alignment.sel(model="images")
        assert above[place] == round(float((flow - late.alignment.mean("replica")).mean()), 4)
        squared = (late.w_norm**2).mean("replica")
        assert scatter[place] == round(float((flow * late.trace_cov / (2 * squared)).mean()), 4)


def test_the_comparison_of_rules(capsys):
    _, (_, program, shown) = programs("real-data.md")
    exec(program, {})
    assert capsys.readouterr().out.split() == shown.split()


def test_the_program():
    program = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL).group(1)
    names = {}
    exec(program, names)
    runs, theory = names["runs"], names["theory"]
    assert dict(runs.alignment.sizes) == {"replica": 10, "t": theory.sizes["t"]}
    assert float(runs.test_accuracy[:, -1].min()) > 0.9
    assert isinstance(names["task"], ld.DataClassification)
