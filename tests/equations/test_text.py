"""What is printed: formulas that a textbook has, nothing that is off, and LaTeX that can be read."""

import re

import numpy as np
import pytest
import sympy as sp
from matplotlib.mathtext import MathTextParser

import learndyn as ld
from equations.cases import CASES, OTHERS, STUDENTS, one, two
from learndyn.formulas.picture import _legend, _lines

PERCEPTRON = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=0.1)


def right_side(line):
    return line.split(" = ", 1)[1]


def read(latex):
    """A printed formula as a number of R, Q, eta: read by hand, by replacing LaTeX with Python."""
    text = latex.replace(r"\left", "").replace(r"\right", "").replace(r"\Big", "")
    for old, new in ((r"\pi", "pi"), (r"\eta", "eta"), (r"\arcsin", "asin"), (r"\sqrt", "sqrt"), (r"\lambda", "lam")):
        text = text.replace(old, new)
    while r"\frac" in text:
        start = text.index(r"\frac") + 5
        top, middle = group(text, start)
        bottom, end = group(text, middle)
        text = text[: start - 5] + f"(({top})/({bottom}))" + text[end:]
    text = text.replace("^{", "**{").replace("{", "(").replace("}", ")")
    text = re.sub(r"(?<=[\w)])\s+(?=[\w(])", "*", text)
    return re.sub(r"(asin|sqrt)\*", r"\1", text)


def group(text, start):
    """What stands in the braces that begin at a place, and where they end."""
    depth = 0
    for place in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return text[start + 1 : place], place + 1
    raise ValueError(text)


def test_the_relu_perceptron_is_that_of_the_textbook():
    """Straat (2018), written down here by hand with T = 1."""
    R, Q, eta = sp.symbols("R Q eta", positive=True)
    arc, root = sp.asin(R / sp.sqrt(Q)), sp.sqrt(Q - R**2)
    on_y = sp.Rational(1, 4) + arc / (2 * sp.pi) + R * root / (2 * sp.pi * Q) - R / 2
    on_x = R / 4 + (root + R * arc) / (2 * sp.pi) - Q / 2
    square = (
        sp.Rational(1, 4) + arc / (2 * sp.pi) + R * root / (2 * sp.pi * Q) + Q / 2
        - 2 * (R / 4 + (root + R * arc) / (2 * sp.pi))
    )  # fmt: skip
    expected = {"R": eta * on_y, "Q": 2 * eta * on_x + eta**2 * square}
    point = {R: sp.Float(0.3, 30), Q: sp.Float(0.6, 30), eta: sp.Float(0.1, 30)}
    lines = ld.equations(PERCEPTRON, explicit=True).sections["equations"]
    for line, block in zip(lines, "RQ", strict=True):
        assert line.startswith(rf"\frac{{d{block}}}{{d\alpha}} = ")
        printed = sp.sympify(read(right_side(line)), locals={"R": R, "Q": Q, "eta": eta})
        # 30 digits; both are formulas, not numbers.
        assert abs((printed - expected[block]).evalf(25, subs=point)) < 1e-20


def test_known_strings():
    linear = ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear"), 0.1, label_noise=0.3)
    lines = ld.equations(linear, explicit=True).sections["equations"]
    assert lines[0] == r"\frac{dR}{d\alpha} = \eta \left( 1 - R \right)"
    assert lines[1].endswith(r"\eta^{2} \left( Q - 2 R + s^{2} + 1 \right)")
    committee = ld.equations(two(weight_decay=0.1)).sections
    assert committee["equations"] == [
        r"\frac{dR_{in}}{d\alpha} = \eta \langle \delta_{i} y_{n} \rangle - \eta \lambda R_{in}",
        r"\frac{dQ_{ik}}{d\alpha} = \eta \left( \langle \delta_{i} x_{k} \rangle + \langle \delta_{k} x_{i} \rangle "
        r"\right) - 2 \eta \lambda Q_{ik} + \eta^{2} \langle \delta_{i} \delta_{k} \rangle",
    ]
    assert (
        r"\langle g_{q} g_{r} \rangle = \frac{2 \arcsin{\left(\frac{C_{qr}}{\sqrt{\left( 1 + C_{qq} \right) "
        r"\left( 1 + C_{rr} \right)}} \right)}}{\pi}"
    ) in committee["averages"]


@pytest.mark.parametrize("activation", ["erf", "relu", "linear"])
def test_the_text_itself_has_the_values(activation):
    """A reader of the LaTeX who knows nothing of its tree finds the drift, to the digits of a float."""
    scenario, start = one(activation, eta=0.7), ld.Start(Q=0.6, R=0.3)
    drift = ld.drift(scenario, start)
    for line, block in zip(ld.equations(scenario, explicit=True).sections["equations"], "RQ", strict=True):
        point = {sp.Symbol(name): value for name, value in (("R", 0.3), ("Q", 0.6), ("T", 0.8), ("eta", 0.7))}
        value = sp.sympify(read(right_side(line)), locals={"Q": sp.Symbol("Q")}).evalf(subs=point)
        assert float(value) == pytest.approx(drift[block].item(), abs=1e-14)


@pytest.mark.parametrize("name", ["erf", "K = 1, M = 2", "linear", "tree", "fixed output weights"])
def test_what_is_written_out_has_the_same_values(name):
    from learndyn.formulas.explicit import components
    from learndyn.formulas.walker import Walker

    scenario, start = CASES[name]
    shown = ld.equations(scenario, explicit=True)
    system = shown._system
    walker = Walker(system, system.numbers(scenario.as_start(start)))
    symbolic, numbers = system.symbolic(), {}
    for block in ("Q", "R", "T", "v", "w"):
        if block in symbolic and block in walker.numbers:
            flat = np.ravel(np.asarray(symbolic[block], dtype=object)), np.ravel(walker.numbers[block])
            numbers |= {symbol: value for symbol, value in zip(*flat, strict=True) if not symbol.is_Number}
    numbers |= {sp.Symbol(n, positive=True): walker.numbers[n] for n in ("eta", "s") if n in walker.numbers}
    found = {str(left): float(body.doit().subs(numbers).evalf()) for left, body in components(system)}
    values = shown.evaluate(start)
    for block in ("R", "Q"):
        for place, value in np.ndenumerate(values[block]):
            label = f"{block}_{{{''.join(str(n + 1) for n in place)}}}"
            if label in found:
                assert found[label] == pytest.approx(value, abs=1e-12)
    assert len(found) >= values["R"].size


@pytest.mark.parametrize("name", CASES)
def test_latex_can_be_read(name):
    scenario, _ = CASES[name]
    parser = MathTextParser("path")
    for numbers in (False, True):
        shown = ld.equations(scenario, numbers=numbers)
        for lines in shown.rows.values():
            for row in lines:
                for line in _lines(row):
                    parser.parse(line)
        for meaning in shown.symbols:
            parser.parse(_legend(*meaning))
        latex = shown.latex
        assert latex.count("{") == latex.count("}")
        assert latex.count(r"\left") - latex.count(r"\leftarrow") == latex.count(r"\right")
        assert latex.count(r"\begin{align}") == latex.count(r"\end{align}") == 1
        assert not re.search(r"Dummy|Entry|Field|None|nan", latex)


def test_what_is_off_is_not_there():
    shown = ld.equations(PERCEPTRON).latex
    for sign in (r"\lambda", r"\zeta", "w_", r"\theta", r"\nu", "gamma", r"\eta_"):
        assert sign not in shown
    on = ld.equations(CASES["all"][0]).latex
    for sign in (r"\lambda", r"\zeta", r"\eta_w", r"\nu_", "lambda_w", r"p^{"):
        assert sign in on


def test_numbers_are_put_in():
    shown = ld.equations(two(eta=0.25, weight_decay=0.125), numbers=True).sections["equations"][0]
    assert shown == r"\frac{dR_{in}}{d\alpha} = 0.25 \langle \delta_{i} y_{n} \rangle - 0.03125 R_{in}"


def test_files(tmp_path):
    shown = ld.equations(PERCEPTRON, explicit=True)
    assert shown.save(tmp_path / "eq.tex").read_text() == shown.latex + "\n"
    assert shown.save(tmp_path / "eq.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ld.InputError, match=r"`path` must end in \.tex"):
        shown.save(tmp_path / "eq.doc")


def test_a_notebook_shows_it():
    shown = ld.equations(PERCEPTRON)
    text = shown._repr_latex_()
    assert text.count("$$") % 2 == 0
    assert text.count(r"\begin{aligned}") == text.count(r"\end{aligned}") == len(shown.rows) + 1
    assert "1 relu unit learns from 1 relu unit" in repr(shown)
    assert str(shown) == shown.latex


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ld.equations("erf"), "`scenario` must be a scenario with equations"),
        (lambda: ld.equations(ld.StudentTeacher), "`scenario` must be a scenario with equations"),
        (lambda: ld.equations(PERCEPTRON, explicit=1), "`explicit` must be True or False"),
        (lambda: ld.equations(OTHERS["modes"][0], explicit=True), "`explicit` must be False for an ld.LinearModes"),
        (
            lambda: ld.equations(ld.StudentTeacher(ld.Student(3), ld.Teacher(3), 0.1), explicit=True),
            "`explicit` must be False for more than 4 units",
        ),
    ],
)
def test_refusals(call, words):
    with pytest.raises(ld.InputError, match=re.escape(words)):
        call()


def test_all_kinds_are_there():
    kinds = {CASES[name][0].kind for name in CASES}
    from learndyn.scenarios.equations import HOMES

    assert kinds == set(HOMES)
    assert len(STUDENTS) > 40
