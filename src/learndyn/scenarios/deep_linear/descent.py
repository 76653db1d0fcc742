"""Gradient descent on the matrices of a linear network, as an engine repeats it.

    W_l <- (1 - r lambda) W_l + r (W_D ... W_{l+1})^T G (W_{l-1} ... W_1)^T,   r = eta / tau

expected   G = E[y x^T] - W (E[x x^T] + sigma^2), the whole population: nothing is random
samples    G = mean of (y - W x~) x~^T over `batch_size` examples, x ~ N(0, E[x x^T]), y = W* x, x~ = x + sigma n
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from learndyn.scenarios.covariance import times
from learndyn.scenarios.deep_linear.flow import unpack
from learndyn.scenarios.gradient_steps import Descent

if TYPE_CHECKING:
    from learndyn.scenarios.deep_linear.scenario import DeepLinear

# Seconds of a call of NumPy, and of a product in it.
CALL, PRODUCT = 1.5e-6, 2e-10

Gradients = Callable[[list[np.ndarray], np.random.Generator], list[np.ndarray]]


def descent_of(scenario: DeepLinear, start: Any, method: str) -> Descent:
    """The descent of a scenario from a start, by the expected gradient or drawn examples."""
    gradients = sampled(scenario) if method == "samples" else expected(scenario)
    begin, widths = scenario.initial_state(start), scenario.widths
    rate = scenario.learning_rate / scenario.time_scale
    kept = 1.0 - rate * scenario.weight_decay

    def update(state: np.ndarray, count: int, rng: np.random.Generator) -> None:
        layers = unpack(widths, state)
        for _ in range(count):
            changes = gradients(layers, rng)
            for layer, change in zip(layers, changes, strict=True):
                if kept != 1.0:
                    layer *= kept
                change *= rate
                layer += change

    products = (
        3 * len(begin) * (scenario.batch_size if method == "samples" else max(scenario.hidden, default=1) + scenario.n)
    )
    seconds = CALL * (8 * scenario.depth + 6) + PRODUCT * products
    return Descent(begin, update, scenario.learning_rate, method == "samples", seconds, scenario.scale(begin))


def expected(scenario: DeepLinear) -> Gradients:
    """Minus the gradient of half the mean squared error of the whole population."""
    target, inputs, noise = scenario.correlation.values, scenario.inputs.numbers(), scenario.input_noise**2

    def gradients(layers: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
        maps = layers[:1]  # of each layer's outputs, from the inputs
        for layer in layers[1:]:
            maps.append(layer @ maps[-1])
        return _back(layers, maps, target - times(inputs, maps[-1], np) - noise * maps[-1])

    return gradients


def _back(layers: list[np.ndarray], maps: list[np.ndarray], G: np.ndarray) -> list[np.ndarray]:
    """(W_D ... W_{l+1})^T G (W_{l-1} ... W_1)^T of every layer."""
    found = []
    for place in range(len(layers) - 1, 0, -1):
        found.append(G @ maps[place - 1].T)
        G = layers[place].T @ G
    return [G, *reversed(found)]


def sampled(scenario: DeepLinear) -> Gradients:
    """Minus the gradient of the mean squared error, halved, of examples that are drawn anew in each step."""
    values, sigma, batch, n = scenario.values(), scenario.input_noise, scenario.batch_size, scenario.n
    root, best = values["root"].T, values["best"].T

    def gradients(layers: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
        x = rng.standard_normal((batch, len(root))) @ root
        y = x @ best
        outputs = [x if sigma == 0.0 else x + sigma * rng.standard_normal((batch, n))]
        for layer in layers:
            outputs.append(outputs[-1] @ layer.T)
        delta, found = (y - outputs.pop()) / batch, []
        for layer in reversed(layers):
            found.append(delta.T @ outputs.pop())
            delta = delta @ layer
        return found[::-1]

    return gradients
