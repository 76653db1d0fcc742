"""One update of each option, written out with weight vectors and inputs, and averaged over drawn inputs.

Independent of the flow: vectors are rows of a root of their overlaps, inputs are drawn, and every increment is formed
from dot products. Only |xi|^2 = N in the eta^2 term is taken from the limit of large N.
"""

import numpy as np

import learndyn as ld

BATCHES = 40


def root(C):
    values, vectors = np.linalg.eigh(C)
    return vectors * np.sqrt(np.maximum(values, 0.0))


def joint(Q, R, T):
    return np.block([[Q, R], [R.T, T]])


class Update:
    """The mean increments of the blocks of a state, divided by 1 / N, with standard errors."""

    def __init__(self, scenario, start, samples, seed):
        self.s, self.samples = scenario, samples
        self.start = scenario.as_start(start)
        self.parts = self.start.parts(scenario)
        self.rng = np.random.default_rng(seed)
        self.K, self.M = scenario.K, scenario.M
        self.eta = float(self.parts["eta"]) if "eta" in self.parts else scenario.learning_rate
        self.seen = np.empty(0)

    def means(self):
        sums = {}
        for _ in range(BATCHES):
            for name, value in self._batch(self.samples // BATCHES).items():
                sums.setdefault(name, []).append(value)
        return {
            name: (np.mean(values, axis=0), np.std(values, axis=0, ddof=1) / np.sqrt(BATCHES))
            for name, values in sums.items()
        }

    # ---- The network

    def _signal(self, x, y):
        """F (S, K), and the directions of w and theta."""
        s, K = self.s, self.K
        w = np.array(self.start.w if self.start.w is not None else np.ones(K))
        theta = np.array(self.start.theta if self.start.theta is not None else np.zeros(K))
        v = np.array(s.teacher.output_weights or np.ones(self.M))
        phi = np.array(s.teacher.biases or np.zeros(self.M))
        student = [ld.activation(name) for name in s.student.unit_activations]
        teacher = [ld.activation(name) for name in s.teacher.unit_activations]
        mask = self.rng.random(x.shape) < s.dropout_keep
        g = mask * np.stack([a.g(x[:, i] + theta[i]) for i, a in enumerate(student)], axis=1)
        dg = mask * np.stack([a.dg(x[:, i] + theta[i]) for i, a in enumerate(student)], axis=1)
        tau = sum(v[n] * a.g(y[:, n] + phi[n]) for n, a in enumerate(teacher))
        tau = tau + s.label_noise * self.rng.standard_normal(len(x))
        error = tau - g @ w
        delta = w * dg * error[:, None]
        self.seen = error**2 / 2
        return delta, error[:, None] * g - s.output_weight_decay * w, delta

    def _own(self, w, theta):
        rates = {"w": (self.s.output_learning_rate, w), "theta": (self.s.bias_learning_rate, theta)}
        found = {name: rate * change.mean(0) for name, (rate, change) in rates.items() if rate is not None}
        if "eta" in self.parts:
            h = self.s.learning_rate.h
            found["eta"] = (h.a * self.eta * (h.b * (self.seen - h.floor) - self.eta)).mean()
        return found

    # ---- The arrangements

    def _batch(self, S):
        s, eta, decay, b = self.s, self.eta, self.s.weight_decay, self.s.batch_size
        K, parts = self.K, self.parts
        if s.inputs is not None and not s.inputs.plain and s.inputs.mean_length == 0.0:
            return self._spectrum(S)
        if s.connectivity == "tree":
            return self._tree(S)
        T = parts.get("T", s.values()["T"])
        rows = joint(parts["Q"], parts["R"], T)
        if "QV" in parts:  # J, V, B
            JV = np.block([[parts["Q"], parts["QJV"]], [parts["QJV"].T, parts["QV"]]])
            rows = joint(JV, np.concatenate([parts["R"], parts["RV"]]), T)
        if "d" in parts:  # J, B, mu
            values = s.values()
            column = np.concatenate([parts["d"], values["mean_overlap"]])[:, None]
            rows = joint(rows, column, np.array([[values["mean_square"]]]))
        W = root(rows)
        xi = self.rng.standard_normal((S, len(W)))
        if "d" in parts:
            xi = xi + W[-1]
        J, B = W[:K], W[2 * K :] if "QV" in parts else W[K : K + len(T)]
        x, e = xi @ J.T, xi @ B.T
        combination = getattr(s.teacher_drift, "weights", None)
        y = e if combination is None else e @ combination(self.start.at, self.M).T
        F, change_w, change_theta = self._signal(x, y)
        push = eta * F.T / S
        square = 0.0 if s.dynamics == "gradient_flow" else eta * push @ F / b
        own = self._own(change_w, change_theta)
        if "QV" in parts:
            V, gamma = W[K : 2 * K], s.rule.damping
            u = xi @ V.T
            step = lambda t, kept: push @ t - eta * decay * kept  # noqa: E731
            moved = step(u, parts["QJV"])
            return own | {
                "R": parts["RV"],
                "Q": parts["QJV"] + parts["QJV"].T,
                "RV": step(e, parts["R"]) - gamma * parts["RV"],
                "QJV": parts["QV"] + step(x, parts["Q"]).T - gamma * parts["QJV"],
                "QV": moved + moved.T - 2 * gamma * parts["QV"] + square,
            }
        walk = s.teacher_drift.rate if isinstance(s.teacher_drift, ld.RandomWalk) else 0.0
        own_Q = push @ x
        found = own | {
            "R": push @ e - (eta * decay + walk) * parts["R"],
            "Q": own_Q + own_Q.T + square - 2 * eta * decay * parts["Q"],
        }
        if "T" in parts:
            found["T"] = -2 * walk * (T - np.diag(np.diag(T)))
        if "d" in parts:
            found["d"] = push @ (xi @ W[-1]) - eta * decay * parts["d"]
        return found

    def _spectrum(self, S):
        s, parts, K = self.s, self.parts, self.K
        x, y, inputs = 0.0, 0.0, []
        for Q, R, value, share in zip(parts["Q"], parts["R"], s.inputs.eigenvalues, s.inputs.shares, strict=True):
            W = root(joint(Q, R, share * s.T))
            xi = np.sqrt(value) * self.rng.standard_normal((S, len(W)))
            inputs.append((xi @ W[:K].T, xi @ W[K:].T, value * share))
            x, y = x + inputs[-1][0], y + inputs[-1][1]
        F, change_w, change_theta = self._signal(x, y)
        push = self.eta * F.T / S
        R = [push @ of_space for _, of_space, _ in inputs]
        Q = [push @ own for own, _, _ in inputs]
        square = [self.eta * trace / s.batch_size * push @ F for _, _, trace in inputs]
        eta_lambda = self.eta * s.weight_decay
        return self._own(change_w, change_theta) | {
            "R": np.array(R) - eta_lambda * parts["R"],
            "Q": np.array([q + q.T + more for q, more in zip(Q, square, strict=True)]) - 2 * eta_lambda * parts["Q"],
        }

    def _tree(self, S):
        s, parts, K = self.s, self.parts, self.K
        x, y = np.empty((S, K)), np.empty((S, K))
        for i in range(K):
            W = root(np.array([[parts["Q"][i], parts["R"][i]], [parts["R"][i], s.T[i, i]]]))
            x[:, i], y[:, i] = (self.rng.standard_normal((S, 2)) @ W.T).T
        F, change_w, change_theta = self._signal(x, y)
        eta, eta_lambda = self.eta, self.eta * s.weight_decay
        square = eta**2 * (F * F).mean(0) / s.batch_size
        return self._own(change_w, change_theta) | {
            "R": eta * (F * y).mean(0) - eta_lambda * parts["R"],
            "Q": 2 * eta * (F * x).mean(0) + square - 2 * eta_lambda * parts["Q"],
        }
