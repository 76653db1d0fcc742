"""Means and spreads of the exact finite-size process, computed once elsewhere, for the engines to meet."""

import numpy as np

from law import order_parameters


def finite_size_cases():
    """Mean and standard deviation over replicas of R (row by row) and the upper triangle of Q, with standard errors.

    Source: reference vectors finite_N-001, -002 and -005, the exact finite-size chain of the order parameters
    (8 000 to 10 000 replicas), which was itself verified against microscopic descent (largest |z| 2.2).
    """
    perceptron = np.diag([0.25, 1.0])
    committee = np.array([[0.2, 0.0, 0.1, 0.0], [0.0, 0.3, 0.0, 0.1], [0.1, 0.0, 1.0, 0.0], [0.0, 0.1, 0.0, 1.0]])
    return {
        "perceptron N=50": {
            "C": perceptron, "K": 1, "N": 50, "eta": 0.5, "alpha": 20, "replicas": 4000,
            "mean": [0.989521224086885, 0.9808816832690421],
            "std": [0.006415215129782623, 0.012230821495553016],
            "se_mean": [6.415215129782623e-05, 0.00012230821495553016],
            "se_std": [5.581182559565586e-05, 0.00010348758270837497],
        },
        "perceptron N=200": {
            "C": perceptron, "K": 1, "N": 200, "eta": 0.5, "alpha": 20, "replicas": 600,
            "mean": [0.9895569078291784, 0.9808387778667566],
            "std": [0.0031733331595333865, 0.00606142108533235],
            "se_mean": [3.5478943299854184e-05, 6.776874793526844e-05],
            "se_std": [2.7275229130682126e-05, 5.1530676757049045e-05],
        },
        "committee N=50": {
            "C": committee, "K": 2, "N": 50, "eta": 0.3, "alpha": 10, "replicas": 6000,
            "mean": [0.5960753490816822, 0.35614299552618384, 0.34451283960989953, 0.5789455799421181,
                     0.7072154518865638, 0.2519532992909082, 0.7002078680925862],
            "std": [0.06256230213336957, 0.0679016679497179, 0.06500485057210592, 0.06282821638168117,
                    0.06804959577974046, 0.044477383566303166, 0.06610638194288143],
            "se_mean": [0.0006994678019954723, 0.00075916372660594, 0.0007267763237322247, 0.0007024408136725248,
                        0.0007608176100244123, 0.0004972722655779295, 0.0007390918188542374],
            "se_std": [0.0005025356241634497, 0.0005246709174776046, 0.0005123842415476639, 0.0005113616594813217,
                       0.000556377021491087, 0.00034649566329637886, 0.0005349495083122154],
        },
    }  # fmt: skip


FINITE_SIZE = finite_size_cases()


def assert_mean_and_spread(run, case):
    """Means and standard deviations of R and Q within four combined standard errors (two-sided: 6.3e-5 each)."""
    sample = order_parameters(run.R, run.Q)[:, 0]
    replicas = len(sample)
    deviation = sample - sample.mean(axis=0)
    kurtosis = (deviation**4).mean(axis=0) / (deviation**2).mean(axis=0) ** 2
    std = sample.std(axis=0, ddof=1)
    z_mean = (sample.mean(axis=0) - case["mean"]) / np.hypot(std / np.sqrt(replicas), case["se_mean"])
    # Var(s) = s^2 (kurtosis - 1) / (4 n)
    z_std = (std - case["std"]) / np.hypot(std * np.sqrt((kurtosis - 1) / (4 * replicas)), case["se_std"])
    assert np.abs(z_mean).max() < 4, z_mean
    assert np.abs(z_std).max() < 4, z_std
