"""Rows of data as a scenario: shifts, moments, the flow on the rows, and one sentence for each mistake."""

import numpy as np
import pytest

import learndyn as ld
from learndyn.errors import InputError
from learndyn.scenarios.base import Scenario
from learndyn.scenarios.plain import scenario_from_plain, scenario_to_plain

RNG = np.random.default_rng(20)
X = RNG.normal(size=(30, 4)) + 3.0
Y = np.where(np.arange(30) % 3 == 0, 1.0, -1.0)  # 10 of +1, 20 of -1
TEST = (RNG.normal(size=(7, 4)), np.array([1, 1, 1, -1, -1, -1, -1]))
W = RNG.normal(size=4)


def task(rule="supervised", **options):
    return ld.DataClassification(X, Y, rule, **options)


def test_it_is_a_scenario():
    assert isinstance(task(), Scenario)
    assert (task().n, task().rows_of(+1), task().rows_of(-1)) == (4, 10, 20)


def test_shifts():
    shifted = task(test=TEST)
    assert shifted.center == "none"
    assert np.array_equal(shifted.X.values, X - X.mean(0))
    assert np.array_equal(shifted.test[0].values, TEST[0] - X.mean(0))
    halfway = (X[Y > 0].mean(0) + X[Y < 0].mean(0)) / 2
    assert np.array_equal(task(center="midpoint").X.values, X - halfway)
    # The sum of two means of 10 and 20 numbers near 3: some 30 roundings of 2^-52 * 3.
    means = task(center="midpoint").gaussian().means.values
    np.testing.assert_allclose(means[0], -means[1], rtol=0, atol=100 * 3 * 2.0**-52)
    assert np.array_equal(task(center="none").X.values, X)


def test_a_changed_copy_is_not_shifted_again():
    first = task(center="midpoint", test=TEST)
    second = first.replace(learning_rate=0.1)
    assert second.X is first.X
    assert np.array_equal(second.test[0].values, first.test[0].values)
    assert second.learning_rate == 0.1
    assert second != first
    assert second.replace(learning_rate=first.learning_rate) == first


def test_back_from_a_result(tmp_path):
    first = task("reinforce", center="midpoint", test=TEST, weight_decay=0.2)
    assert scenario_from_plain(scenario_to_plain(first)) == first
    assert hash(scenario_from_plain(scenario_to_plain(first))) == hash(first)
    run = ld.solve(first, ld.GaussianWeights(W), 1.0)
    path = ld.save(run, tmp_path / "run.nc")
    assert ld.scenario_of(ld.load(path)) == first


def test_many_rows_are_known_by_their_digest(monkeypatch):
    monkeypatch.setattr("learndyn.scenarios.classification.data.STORED", X.size + TEST[0].size - 1)
    given = task(test=TEST)
    plain = scenario_to_plain(given)
    assert set(plain["X"]) == set(plain["test"]["X"]) == {"shape", "sha256"}
    with pytest.raises(InputError, match="Build the scenario from its data again"):
        scenario_from_plain(plain)
    assert scenario_to_plain(task())["X"] == task().X.to_plain()


def test_a_scenario_file_does_not_hold_data(tmp_path):
    with pytest.raises(InputError, match="kind"):
        ld.write_scenario_file(tmp_path / "task.toml", task(), ld.GaussianWeights(W))
    assert not list(tmp_path.iterdir())


def test_moments():
    gaussian = task(center="none", weight_decay=0.3, learning_rate=0.01).gaussian()
    for index, label in enumerate((1, -1)):
        rows = X[label == Y]
        np.testing.assert_allclose(gaussian.means.values[index], rows.mean(0), rtol=1e-14)
        # Sums of at most 20 products of order one.
        expected = np.cov(rows.T, ddof=0)
        np.testing.assert_allclose(gaussian.covariances[index].dense(4), expected, rtol=0, atol=100 * 2.0**-52)
    assert gaussian.prior == 10 / 30
    assert (gaussian.weight_decay, gaussian.learning_rate, gaussian.activation) == (0.3, 0.01, "logistic")


def test_few_rows_of_many_inputs_have_a_factor():
    few = ld.DataClassification(X.T, [1, 1, -1, -1], "supervised").gaussian()
    assert [each.form for each in few.covariances] == ["low_rank", "low_rank"]
    expected = np.cov(X.T[:2].T, ddof=0)
    np.testing.assert_allclose(few.covariances[0].dense(30), expected, rtol=0, atol=100 * 2.0**-52)


def test_a_factor_holds_no_rows():
    """It is one of the covariance, whatever rows that comes from, up to signs."""
    rows = np.random.default_rng(2).normal(size=(8, 40))
    factors = []
    for order in (np.arange(8), np.array([4, 2, 0, 1, 3, 7, 6, 5])):
        few = ld.DataClassification(rows[order], [1] * 5 + [-1] * 3, "supervised", center="none").gaussian()
        factors.append(np.abs(few.covariances[0].factor.values))
    np.testing.assert_allclose(factors[0], factors[1], rtol=0, atol=1e-12)  # the last column is rounding


def phi(h, activation):
    from scipy.special import expit, ndtr

    return expit(h) if activation == "logistic" else ndtr(np.sqrt(np.pi / 8) * h)


RULES = [("supervised", "shifted_erf"), ("reinforce", "logistic"), ("perceptron", "logistic")]


@pytest.mark.parametrize(("rule", "activation"), [*RULES, ("passive_aggressive", "logistic")])
def test_the_flow_is_the_mean_over_the_rows(rule, activation):
    """Against the updates row by row, those of REINFORCE averaged over both answers with their probabilities."""
    given = task(rule, activation=activation, weight_decay=0.2)
    total = np.zeros(4)
    for x, y in zip(given.X.values, Y, strict=True):
        h = W @ x
        if rule == "supervised":
            s = (1 + y) / 2 - phi(h, activation)
        elif rule == "perceptron":
            s = y if y * h <= 0 else 0.0
        elif rule == "passive_aggressive":
            s = y * max(0.0, 1.0 - y * h) / (x @ x)
        else:
            s = sum(phi(a * h, activation) * a * (y * a) * phi(-a * h, activation) for a in (1, -1))
        total += s * x
    found = ld.drift(given, ld.GaussianWeights(W)).w.values
    # The averages of a rule are good to 1e-12 (quadratures included), times |x| < 5.
    np.testing.assert_allclose(found, total / 30 - 0.2 * W, rtol=0, atol=5e-12)


def test_the_flow_ends_where_logistic_regression_does():
    """scikit-learn minimises sum_i log(1 + exp(-y_i h_i)) + |w|^2 / (2 C): the same point for C = 1 / (rows lambda)."""
    from sklearn.linear_model import LogisticRegression

    decay = 0.5
    given = task(weight_decay=decay)
    fit = LogisticRegression(C=1 / (30 * decay), fit_intercept=False, solver="newton-cholesky", tol=1e-12)
    expected = fit.fit(given.X.values, Y).coef_[0]
    end = ld.solve(given, ld.GaussianWeights(W), 80.0).w[-1].values
    # The loss is convex with a curvature of at least `decay`: a point is at most |gradient| / decay from the minimum.
    left = [np.linalg.norm(ld.drift(given, ld.GaussianWeights(w)).w.values) for w in (expected, end)]
    assert max(left) < 1e-6  # exp(-0.5 * 80) = 4e-18 of the start, and the solver's tolerance: a true end
    assert np.linalg.norm(end - expected) <= 1.01 * sum(left) / decay


def test_gaussian_rows_have_the_gaussian_update():
    """Rows drawn from two Gaussian classes: the mean over them within its standard error of the closed form.

    5 weights at 4.5 standard errors: false alarm 3e-5.
    """
    rng = np.random.default_rng(11)
    n, rows = 5, 20_000
    mean = rng.normal(size=(2, n))
    factor = rng.normal(size=(n, n)) / 2
    labels = np.where(rng.uniform(size=rows) < 0.5, 1.0, -1.0)
    inputs = mean[(labels < 0).astype(int)] + rng.normal(size=(rows, n)) @ factor.T
    w = rng.normal(size=n)
    given = ld.DataClassification(inputs, labels, "supervised", activation="shifted_erf", center="none")
    closed = ld.GaussianClassification(mean, factor @ factor.T, "supervised")
    updates = ((1 + labels) / 2 - phi(inputs @ w, "shifted_erf"))[:, None] * inputs
    found, expected = (ld.drift(each, ld.GaussianWeights(w)).w.values for each in (given, closed))
    assert np.abs(found - expected).max() > 0
    z = (found - expected) / (updates.std(0) / np.sqrt(rows))
    assert np.abs(z).max() < 4.5


def test_observables(monkeypatch):
    given = task("reinforce", test=TEST)
    weights = np.stack([np.stack([W, -W]), RNG.normal(size=(2, 4)), np.zeros((2, 4))])  # (3, 2, n)
    found = given.of_weights(weights)
    rows, held_out = given.X.values, given.test[0].values
    direction = given.direction
    for place in np.ndindex(2, 2):
        w = weights[place]
        right = [np.sign(w @ x) == y for x, y in zip(rows, Y, strict=True)]
        assert found["accuracy"][place] == sum(right) / 30
        right = [np.sign(w @ x) == y for x, y in zip(held_out, TEST[1], strict=True)]
        assert found["test_accuracy"][place] == sum(right) / 7
        rewards = [2 * phi(y * (w @ x), "logistic") - 1 for x, y in zip(rows, Y, strict=True)]
        assert found["loss"][place] == pytest.approx(-np.mean(rewards), abs=1e-14)
        cosine = w @ direction / np.sqrt((w @ w) * (direction @ direction))
        assert found["alignment"][place] == pytest.approx(cosine, abs=1e-14)
    assert found["accuracy"][2].tolist() == found["test_accuracy"][2].tolist() == [0.5, 0.5]  # w = 0 knows nothing
    assert found["w_norm"].shape == (3, 2)
    monkeypatch.setattr("learndyn.scenarios.classification.data.BLOCK", 40)  # one vector at a time
    parts = given.of_weights(weights)
    for name, value in found.items():
        np.testing.assert_allclose(parts[name], value, rtol=0, atol=1e-14)
    assert "test_accuracy" not in task().of_weights(W)
    assert "test_accuracy" not in task().quantities()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"X": np.where(np.arange(120).reshape(30, 4) == 7, np.nan, X)},
            r"`X` must be finite, but 1 of its 30 rows.*infinity: 1\. Leave",
        ),
        ({"X": np.where(np.arange(30)[:, None] > 20, np.inf, X)}, r"9 of its 30 rows.*: 21, 22, 23, \.\.\.\. Leave"),
        ({"y": (Y + 1 > 0).astype("uint8") * 2 - np.uint8(1)}, r"dtype uint8 .* 2 \* y\.astype\(int\) - 1"),
        ({"y": Y > 0}, r"dtype bool\. .*np\.where\(y, 1, -1\)"),
        ({"y": np.where(Y > 0, "go", "stop")}, r"np\.where\(y == '(go|stop)', 1, -1\)"),
        ({"test": (TEST[0], TEST[1] > 0)}, r"np\.where\(test\[1\], 1, -1\)"),
        ({"X": X[0]}, r"`X` must have shape \(rows, n\)"),
        ({"X": X[:, :0]}, r"`X` must have shape \(rows, n\)"),
        ({"y": Y[:-1]}, r"`y` must have shape \(30,\), one label for each row of `X`, but it has shape \(29,\)"),
        ({"y": (Y + 1) / 2}, r"\+1 and -1 alone, but 20 of them are others, such as 0"),
        ({"y": np.ones(30)}, r"both labels, \+1 and -1, but all of its 30 labels are \+1"),
        ({"X": np.ones((30, 4))}, "must have classes with different means"),
        ({"test": (TEST[0][:, :3], TEST[1])}, "rows of 4 inputs, as `X` has, but they have 3"),
        ({"test": TEST[0]}, r"`test` must be a pair \(X, y\)"),
        ({"test": (TEST[0], TEST[1][:-1])}, r"`test\[1\]` must have shape \(7,\)"),
        ({"test": (np.full((7, 4), np.inf), TEST[1])}, r"`test\[0\]` must be finite"),
        ({"center": "median"}, '`center` must be "mean", "midpoint" or "none"'),
        ({"rule": "hebb"}, "`rule` must be a learning rule"),
        ({"weight_decay": -1}, "`weight_decay` must be a finite number of at least 0"),
        ({"learning_rate": 0}, "`learning_rate` must be a finite number above 0"),
        ({"activation": "relu"}, "`activation` must be"),
    ],
)
def test_mistakes_are_named(change, sentence):
    with pytest.raises(InputError, match=sentence):
        ld.DataClassification(**({"X": X, "y": Y, "rule": "supervised"} | change))


def test_bad_starts_are_refused():
    with pytest.raises(InputError, match="must have 4 weights"):
        ld.solve(task(), np.zeros(3), 1.0)
    with pytest.raises(InputError, match=r"must be a point for the flow of an ld\.DataClassification"):
        ld.solve(task(), ld.GaussianWeights(W, 0.1), 1.0)
    with pytest.raises(InputError, match="`samples` must be left out"):
        task().flow(samples=100)


def test_the_staircase_of_the_perceptron_rule_is_not_integrated():
    steps = task("perceptron")
    with pytest.raises(InputError, match=r"drift .* of the perceptron rule over rows is a staircase"):
        ld.solve(steps, W, until=20)
    with pytest.warns(UserWarning, match="2 refused"):
        swept = ld.sweep(steps, W, over={"weight_decay": [0.0, 0.1]}, until=1)
    assert "staircase" in str(swept.message.values[0])


def test_a_new_row_count_with_old_labels_is_refused():
    with pytest.raises(InputError, match=r"`y` must have shape \(20,\)"):
        task().replace(X=X[:20])
