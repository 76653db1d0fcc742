"""Curves of a student of a finite sample against matrices, known limits, and the end of learning in closed form."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.linalg import expm

import learndyn as ld

NAMES = ("eps_g", "test_error", "train_error", "R", "Q")
TIMES = np.array([0.0, 0.3, 1.0, 4.0, 20.0])


def closed_rows(scenario, length, times):
    """The curves in closed form."""
    return scenario.rows(scenario.closed_form(length)(np.asarray(times, dtype=float)))


class Balanced:
    """A sample whose sums over directions are their averages: each eigenvalue four times, with orthogonal signs.

    In a block of four directions rule, noise and start have the signs ++++, +-+-, ++--: all cross terms vanish, all
    squares are equal.
    """

    def __init__(self, n, p, eigenvalues, signal, noise, length):
        self.eigenvalues = np.repeat(eigenvalues, 4)
        assert len(self.eigenvalues) == n
        seen = int((self.eigenvalues > 0).sum())
        assert seen <= p
        blocks = n // 4
        self.X = np.zeros((n, p))
        self.X[range(seen), range(seen)] = np.sqrt(p * self.eigenvalues[:seen])
        self.rule = signal / np.sqrt(n) * np.tile([1.0, 1.0, 1.0, 1.0], blocks)
        self.start = length / np.sqrt(n) * np.tile([1.0, 1.0, -1.0, -1.0], blocks)
        self.noise = noise * np.tile([1.0, -1.0, 1.0, -1.0], p // 4)
        self.y = self.rule @ self.X + self.noise
        self.sigma = noise

    def errors(self, w):
        """The observables of weights w (n,)."""
        eps_g = 0.5 * ((self.rule - w) ** 2).sum()
        return {
            "eps_g": eps_g,
            "test_error": eps_g + 0.5 * self.sigma**2,
            "train_error": 0.5 * ((self.y - w @ self.X) ** 2).mean(),
            "R": self.rule @ w,
            "Q": w @ w,
        }

    def flow(self, layers, decay, times):
        """Gradient flow on matrices (W_1, ..., W_D) at these times, to 1e-11 a step."""
        shapes, sizes = [W.shape for W in layers], [W.size for W in layers]
        correlation, target = self.X @ self.X.T / self.y.size, self.X @ self.y / self.y.size

        def unpack(flat):
            return [part.reshape(s) for part, s in zip(np.split(flat, np.cumsum(sizes)[:-1]), shapes, strict=True)]

        def drift(t, flat):
            W = unpack(flat)
            gradient = product(W) @ correlation - target[None]
            slopes = []
            for l in range(len(W)):
                after, before = product(W[l + 1 :], W[l].shape[0]), product(W[:l], W[l].shape[1])
                slopes.append(-after.T @ gradient @ before.T - decay * W[l])
            return np.concatenate([slope.ravel() for slope in slopes])

        first = np.concatenate([W.ravel() for W in layers])
        run = solve_ivp(drift, (0.0, times[-1]), first, "DOP853", times, rtol=1e-11, atol=1e-13)
        return [product(unpack(flat))[0] for flat in run.y.T]


def product(W, size=1):
    """W_D ... W_1."""
    found = np.eye(size) if not W else W[0]
    for factor in W[1:]:
        found = factor @ found
    return found


def balanced_layers(sample, depth, width, rng):
    """Layers d r_l r_(l-1)^T with the direction of the sample's start and random hidden ones."""
    length = np.linalg.norm(sample.start)
    ends = [sample.start / length]
    for _ in range(depth - 1):
        r = rng.standard_normal(width)
        ends.append(r / np.linalg.norm(r))
    ends.append(np.ones(1))
    return [length ** (1 / depth) * np.outer(ends[l + 1], ends[l]) for l in range(depth)]


@pytest.mark.parametrize("decay", [0.0, 0.2])
@pytest.mark.parametrize(("n", "p", "eigenvalues"), [(8, 16, [1.7, 0.4]), (8, 4, [3.0, 0.0])])
def test_depth_one_is_the_flow_of_the_weights(n, p, eigenvalues, decay):
    """The closed form against the matrix exponential of the whole system."""
    sample = Balanced(n, p, eigenvalues, 1.2, 0.6, 0.5)
    scenario = ld.FiniteSample(n / p, 1.2, 0.6, weight_decay=decay, eigenvalues=sample.eigenvalues)
    found = closed_rows(scenario, 0.5, TIMES)
    correlation, target = sample.X @ sample.X.T / p, sample.X @ sample.y / p
    # d(w, 1)/dt is linear: no inverse of a singular matrix is needed.
    system = np.block([[-correlation - decay * np.eye(n), target[:, None]], [np.zeros((1, n + 1))]])
    for row, t in enumerate(TIMES):
        w = (expm(system * t) @ np.append(sample.start, 1.0))[:-1]
        for name, value in sample.errors(w).items():
            # expm in float64 is good to some 1e-14 of its largest entries.
            assert np.isclose(found[name][row], value, rtol=1e-12, atol=1e-13), (name, t)


@pytest.mark.parametrize(
    ("n", "p", "eigenvalues", "depth", "decay"),
    [(8, 16, [1.7, 0.4], 2, 0.0), (8, 4, [3.0, 0.0], 2, 0.02), (8, 16, [1.7, 0.4], 3, 0.02)],
)
def test_deep_students_are_the_flow_of_matrices(n, p, eigenvalues, depth, decay):
    """`ld.solve` against gradient flow on layers with hidden units, balanced at the start."""
    sample = Balanced(n, p, eigenvalues, 1.2, 0.6, 0.1)
    scenario = ld.FiniteSample(n / p, 1.2, 0.6, weight_decay=decay, depth=depth, eigenvalues=sample.eigenvalues)
    curve = ld.solve(scenario, 0.1, until=20, save_at=TIMES, rtol=1e-10, atol=1e-12)
    layers = balanced_layers(sample, depth, 3, np.random.default_rng(1))
    for row, w in enumerate(sample.flow(layers, decay, TIMES)):
        for name, value in sample.errors(w).items():
            # Tolerances of 1e-10 a step, amplified by leaving the saddle at 0 (from 0.1 to 1: a factor 10^(2 - 2/D)).
            assert np.isclose(curve[name].values[row], value, rtol=1e-7, atol=1e-8), (name, row)


def test_the_ode_is_the_closed_form():
    """The flow in JAX, error-controlled at 1e-11, against the closed form, over the law."""
    scenario = ld.FiniteSample(1.5, 1.1, 0.7, weight_decay=0.05)
    from learndyn.engines.theory import integrate

    state, values = scenario.initial_state(0.4), scenario.values()
    run = integrate(
        scenario.flow(), state, values, TIMES, 0.0, rtol=1e-11, atol=1e-13, limit=1e9, max_steps=10**5
    )  # fmt: skip
    assert np.allclose(run.states, scenario.closed_form(0.4)(TIMES), rtol=0.0, atol=1e-9)


@pytest.mark.parametrize("a", [0.3, 0.999, 1.0, 1.001, 3.0])
@pytest.mark.parametrize("decay", [0.0, 1e-3, 0.5])
def test_the_end_of_learning(a, decay):
    """The closed forms by the Stieltjes transform against the quadrature at t = infinity."""
    scenario = ld.FiniteSample(a, 1.3, 0.8, weight_decay=decay)
    final = scenario.final(0.4)
    if a == 1.0 and decay == 0.0:
        assert final["eps_g"] == np.inf
        # <(1 - exp(-lambda t))^2 / lambda> -> (2 - sqrt 2) 2 sqrt(t / pi): growth without bound, as the root of time.
        t = np.array([1e8, 1e10])
        noise = 2 * closed_rows(scenario, 0.0, t)["eps_g"] / 0.8**2
        assert np.allclose(noise, (2 - np.sqrt(2)) * 2 * np.sqrt(t / np.pi), rtol=1e-3)
        return
    rows = closed_rows(scenario, 0.4, [np.inf])
    for name in NAMES:
        # 1 - C is known to 1e-16; where little is left, errors are its square, or gamma times it.
        assert np.isclose(rows[name][0], final[name], rtol=1e-12, atol=1e-15), name


def test_the_start_of_learning():
    """To second order in t, from <lambda> = 1 and <lambda^2> = 1 + a."""
    a, S, sigma, L, t = 0.7, 1.2, 0.5, 0.3, 1e-4
    rows = closed_rows(ld.FiniteSample(a, S, sigma), L, [t])
    # <exp(-2 lambda t)> = 1 - 2 t + 2 (1 + a) t^2;  a <lambda> t^2 of the noise.
    expected = 0.5 * ((S**2 + L**2) * (1 - 2 * t + 2 * (1 + a) * t**2) + sigma**2 * a * t**2)
    third = 0.5 * (S**2 + L**2) * 8 / 6 * (1 + 3 * a + a**2) * t**3 + sigma**2 * a * (1 + a) * t**3
    assert abs(rows["eps_g"][0] - expected) < 2 * third


@given(a=st.floats(0.05, 20.0), sigma=st.floats(0.0, 3.0), L=st.floats(0.0, 2.0), decay=st.floats(0.0, 2.0))
def test_properties(a, sigma, L, decay):
    """Training error falls where nothing decays, and all errors are those of a covariance: R^2 <= S^2 Q."""
    scenario = ld.FiniteSample(a, 1.0, sigma, weight_decay=decay)
    rows = closed_rows(scenario, L, np.linspace(0, 30, 50))
    assert (rows["eps_g"] >= 0).all()
    assert (rows["R"] ** 2 <= rows["Q"] * (1 + 1e-12) + 1e-15).all()
    assert np.allclose(rows["eps_g"], 0.5 * (1 - 2 * rows["R"] + rows["Q"]), atol=1e-12 * (1 + rows["Q"].max()))
    objective = rows["train_error"] + 0.5 * decay * rows["Q"]
    assert (np.diff(objective) <= 1e-13 * objective[0]).all()
    assert np.isclose(rows["train_error"][0], 0.5 * (1 + L**2 + sigma**2))


def test_mean_over_samples_at_late_times():
    """E tr (X X^T)^-1 = n / (p - n - 1) exactly: the limit's n / (p - n) is off by a relative 1 / (p - n)."""
    n, p, rng = 10, 40, np.random.default_rng(3)
    found = []
    for _ in range(2000):
        X = rng.standard_normal((n, p))
        scenario = ld.FiniteSample(n / p, 1.0, 1.0, eigenvalues=np.linalg.eigvalsh(X @ X.T / p))
        found.append(2 * scenario.final()["eps_g"])
    exact, limit = n / (p - n - 1), 2 * ld.FiniteSample(n / p, 1.0, 1.0).final()["eps_g"]
    error = np.std(found, ddof=1) / np.sqrt(len(found))
    # Four standard errors: false alarm 6e-5. The limit itself is outside them.
    assert abs(np.mean(found) - exact) < 4 * error
    assert abs(np.mean(found) - limit) > 4 * error
