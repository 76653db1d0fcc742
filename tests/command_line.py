"""Runs commands in this process, and the scenario files that the tests of the command line share."""

import re
from pathlib import Path

import numpy as np
from typer.testing import CliRunner

from learndyn.cli import app

THEORY = """
title = "a perceptron"
[scenario]
learning_rate = 0.5
student.units = 1
teacher.units = 1
[start]
Q = 0.25
R = 0.0
[solve]
until = 3.03
save_at = 16
"""
BOTH = (
    THEORY
    + """
[simulate]
N = 50
replicas = 3
seed = 1
"""
)
# A linear perceptron is unstable above eta = 2.
DIVERGING = (
    THEORY.replace("0.5", "3.0").replace("3.03", "1000").replace("units = 1", 'units = 1\n{0}.activation = "linear"')
)
DIVERGING = DIVERGING.format("student").replace("teacher.units = 1\nstudent.", "teacher.units = 1\nteacher.")


def learndyn(*arguments, code=0):
    """Run a command; it must end with this exit code, and never with a traceback or a Python warning."""
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    unexpected = done.exception if not isinstance(done.exception, SystemExit) else None
    assert unexpected is None, repr(unexpected)
    assert done.exit_code == code, done.output
    assert "Traceback" not in done.output
    assert "Warning" not in done.output
    return done


def refused(*arguments):
    """The sentence on stderr for bad input; nothing on stdout."""
    before = sorted(Path.cwd().rglob("*"))
    done = learndyn(*arguments, code=2)
    assert done.stdout == ""
    assert sorted(Path.cwd().rglob("*")) == before
    return done.stderr.strip()


def numbers(output):
    """The table of an output: rows of floats, NaN where a cell is empty."""
    rows = [line.split() for line in output.splitlines() if re.match(r" +[\d.]+  ", line)]
    return np.array([[np.nan if cell == "-" else float(cell) for cell in row] for row in rows])
