"""Results that the tests of the pictures share: solved and simulated once."""

from __future__ import annotations

import pytest

import learndyn as ld


@pytest.fixture(scope="session")
def scenario():
    return ld.StudentTeacher(ld.Student(2), ld.Teacher(2), learning_rate=0.5)


@pytest.fixture(scope="session")
def theory(scenario):
    return ld.solve(scenario, ld.Start.near_symmetric(scenario), 300)


@pytest.fixture(scope="session")
def simulation(scenario):
    return ld.simulate(scenario, ld.Start.near_symmetric(scenario), 20, N=20, replicas=3, seed=1)


@pytest.fixture(autouse=True)
def close_pictures():
    import matplotlib.pyplot as plt

    plt.close("all")  # what other tests of this process have left open
    yield
    plt.close("all")
