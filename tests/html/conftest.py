"""Results that the tests of pages share, computed once."""

import pytest

import learndyn as ld

PERCEPTRON = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), learning_rate=1.0)
START = ld.Start(Q=0.25, R=0.0)


@pytest.fixture(scope="session")
def theory():
    """A perceptron."""
    return ld.solve(PERCEPTRON, START, until=10, save_at=21)


@pytest.fixture(scope="session")
def runs():
    """Three networks of it."""
    return ld.simulate(PERCEPTRON, START, until=10, save_at=11, N=50, replicas=3, seed=1)


@pytest.fixture(scope="session")
def sweep():
    """A plateau of two units, over the learning rate and the asymmetry; the last rate is too large to be learned by."""
    scenario = ld.StudentTeacher(ld.Student(2), ld.Teacher(2), learning_rate=0.5)
    near = ld.StartRecipe(ld.Start.near_symmetric, Q=[0.2, 0.3])
    over = {"learning_rate": [0.5, 1.0], "start.X": [1e-2, 1e-6, 0.9]}
    with pytest.warns(ld.LearndynWarning, match="refused"):  # |R| would exceed sqrt(Q T)
        return ld.sweep(scenario, near, over, until=400, save_at=201)
