"""The page on results says the truth: its variables and attributes are those of the library."""

import re
from pathlib import Path

import learndyn as ld

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "results.md").read_text(encoding="utf-8")


def first_cells(heading):
    """The words in the first column of the table below a line of the page."""
    table = re.search(rf"{re.escape(heading)}.*?\n\n((?:\|[^\n]*\n)+)", PAGE, re.DOTALL)
    assert table
    return [word for row in table.group(1).splitlines()[2:] for word in re.findall(r"`(\w+)`", row.split("|")[1])]


def test_the_variables_of_a_student_are_described():
    scenario = ld.StudentTeacher(
        ld.Student(2), ld.Teacher(2), learning_rate=0.5, output_learning_rate=0.1, bias_learning_rate=0.1
    )
    assert set(first_cells("Of a student and a teacher")) == set(scenario.quantities())


def test_the_attributes_are_described_and_the_example_runs():
    space = {}
    exec(re.search(r"```python\n(.*?)```", PAGE, re.DOTALL).group(1), space)
    described = {*first_cells("## Where it comes from"), "status", "message"}
    assert set(space["theory"].attrs) == described - {"seed"}  # which a simulation has
