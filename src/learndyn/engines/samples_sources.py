"""Where the inputs of a replica come from: drawn in blocks, or rows of a table in an order drawn for each epoch.

    x = mu_y + d_y z + F_y u                                  `learndyn.scenarios.samples.GaussianInputs`

A block begins at a multiple of its length, whatever the run is asked for, and is drawn whole: what an update sees does
not depend on rows, chunks or interruptions. In a block the inputs of class +1 lie before those of class -1, so that
F_y u is one product of matrices for each class; `rows` tells the place of each update's input.

A source remembers its streams as they were before the newest block (and epoch), which is what a checkpoint needs: the
block is then drawn again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np

from learndyn.engines.samples_kernels import PARTS, draw_inputs, fill_normals
from learndyn.engines.streams import generator_from, generator_state, lane_states, stream
from learndyn.lanes.types import LANES
from learndyn.scenarios.samples import DataInputs, GaussianInputs

START, LUCK, SHUFFLE = 1, 2, 3  # parts of a replica's stream; the normals of inputs have part 0
WORDS = 4  # of the state of a stream

# Numbers in a block that stay in the second-level cache (512 KiB) ...
CACHED = 2**16
# ... as long as the block is no longer than what makes Python's 20 us small, ...
LONGEST = 1024
# ... and no shorter than what products of matrices need to be fast: at n = 784, 23 us an input in blocks of 64, 19 of
# 128, 18 of 256 (a product with a vector: 180).
SHORTEST = 128


class Source(ABC):
    """The inputs of one replica.

    ``X`` (m, n), ``y`` (m,) and ``luck`` (block,) hold those of the block that `seek` was called for; update number mu
    has row ``rows[mu - first]`` of X and y, and number ``luck[mu % block]``.
    """

    block: int
    X: np.ndarray
    y: np.ndarray

    def __init__(self, seed: int, n: int, replica: int) -> None:
        self._luck_stream = stream(seed, "weights", n, replica, LUCK)
        self._luck_before = generator_state(self._luck_stream)
        self._drawn = -1  # number of the newest block
        self.luck = np.empty(0)

    @abstractmethod
    def seek(self, update: int) -> int:
        """Have at hand what this update needs; returns the first update that needs more."""

    @abstractmethod
    def rows(self, first: int, last: int) -> np.ndarray:
        """The rows of X of updates first ... last - 1, which lie in what is at hand."""

    @abstractmethod
    def snapshot(self) -> dict[str, np.ndarray]:
        """What `restore` needs; copies."""

    @abstractmethod
    def restore(self, snapshot: Mapping[str, np.ndarray]) -> None:
        """Go on where `snapshot` was taken."""


class GaussianSource(Source):
    """Inputs of two Gaussian classes."""

    def __init__(self, inputs: GaussianInputs, seed: int, replica: int) -> None:
        super().__init__(seed, inputs.n, replica)
        self._inputs = inputs
        self.block = block_length(inputs)
        states = lane_states(seed, "weights", inputs.n, [replica], LANES)
        self._words = np.ascontiguousarray(states.reshape(LANES, WORDS).T)
        self._words_before = self._words.copy()
        rank = max((factor.shape[1] for factor in inputs.factors), default=0)
        self._normals = _normals(self.block * rank)
        self._u = self._normals.reshape(-1)[: self.block * rank].reshape(self.block, rank)
        self._room = _normals(inputs.n)  # for those of one input
        self._inputs_drawn, self._labels = np.zeros((self.block, inputs.n)), np.empty(self.block)
        self._rows = np.empty(self.block, dtype=np.int64)
        self.X, self.y = _read_only(self._inputs_drawn), _read_only(self._labels)

    def seek(self, update: int) -> int:
        """Draw the block of this update."""
        wanted = update // self.block
        while self._drawn < wanted:
            self._draw()
        return (wanted + 1) * self.block

    def rows(self, first: int, last: int) -> np.ndarray:
        """The places in the block."""
        begin = self._drawn * self.block
        return self._rows[first - begin : last - begin]

    def snapshot(self) -> dict[str, np.ndarray]:
        """The streams before the newest block, and its number."""
        return {
            "streams of inputs": self._words_before.copy(),
            "stream of labels": self._luck_before,
            "block": np.array([self._drawn]),
        }

    def restore(self, snapshot: Mapping[str, np.ndarray]) -> None:
        """Draw the newest block again."""
        self._words = snapshot["streams of inputs"].copy()
        self._luck_stream = generator_from(snapshot["stream of labels"])
        block = int(snapshot["block"][0])
        self._drawn = max(block - 1, -1)
        if block >= 0:
            self._draw()

    def _draw(self) -> None:
        self._words_before = self._words.copy()
        self._luck_before = generator_state(self._luck_stream)
        self._drawn += 1
        labels, self.luck = self._luck_stream.random((2, self.block))
        positive = labels < self._inputs.prior
        count = int(positive.sum())
        self._rows[positive] = np.arange(count)
        self._rows[~positive] = np.arange(count, self.block)
        self._labels[:count], self._labels[count:] = 1.0, -1.0
        self._make(count)

    def _make(self, count: int) -> None:
        """The inputs, the first ``count`` of class +1."""
        inputs, X, classes = self._inputs, self._inputs_drawn, (slice(0, count), slice(count, self.block))
        if inputs.factors:
            fill_normals(PARTS, self._words, self._normals)
            parts = classes if len(inputs.factors) == 2 else (slice(None),)
            for factor, part in zip(inputs.factors, parts, strict=True):
                np.matmul(self._u[part, : factor.shape[1]], factor.T, out=X[part])
        if inputs.scales is not None:
            draw_inputs(PARTS, self._words, self._room, inputs.means, inputs.scales, count, X, bool(inputs.factors))
            return
        for mean, part in zip(inputs.means, classes, strict=True):
            X[part] = X[part] + mean if inputs.factors else mean


class DataSource(Source):
    """The rows of a table, epoch by epoch."""

    def __init__(self, inputs: DataInputs, seed: int, replica: int) -> None:
        super().__init__(seed, inputs.n, replica)
        self.block = LONGEST
        self.X, self.y = _read_only(inputs.X), _read_only(inputs.y)
        self._shuffles = stream(seed, "weights", inputs.n, replica, SHUFFLE)
        self._shuffles_before = generator_state(self._shuffles)
        self._epoch = -1
        self._order = np.empty(0, dtype=np.int64)

    def seek(self, update: int) -> int:
        """Draw the luck of the block and the order of the epoch of this update."""
        wanted, epoch = update // self.block, update // len(self.y)
        while self._drawn < wanted:
            self._draw()
        while self._epoch < epoch:
            self._shuffle()
        return min((wanted + 1) * self.block, (epoch + 1) * len(self.y))

    def rows(self, first: int, last: int) -> np.ndarray:
        """The next rows in the order of the epoch."""
        begin = self._epoch * len(self.y)
        return self._order[first - begin : last - begin]

    def snapshot(self) -> dict[str, np.ndarray]:
        """The streams before the newest block and epoch, and their numbers."""
        return {
            "stream of luck": self._luck_before,
            "stream of orders": self._shuffles_before,
            "block and epoch": np.array([self._drawn, self._epoch]),
        }

    def restore(self, snapshot: Mapping[str, np.ndarray]) -> None:
        """Draw the newest block and order again."""
        self._luck_stream = generator_from(snapshot["stream of luck"])
        self._shuffles = generator_from(snapshot["stream of orders"])
        block, epoch = snapshot["block and epoch"].tolist()
        self._drawn, self._epoch = max(block - 1, -1), max(epoch - 1, -1)
        if block >= 0:
            self._draw()
        if epoch >= 0:
            self._shuffle()

    def _draw(self) -> None:
        self._luck_before = generator_state(self._luck_stream)
        self._drawn += 1
        self.luck = self._luck_stream.random(self.block)

    def _shuffle(self) -> None:
        self._shuffles_before = generator_state(self._shuffles)
        self._epoch += 1
        self._order = self._shuffles.permutation(len(self.y))


def source_of(inputs: GaussianInputs | DataInputs, seed: int, replica: int) -> Source:
    """The inputs of one replica from its own streams."""
    if isinstance(inputs, DataInputs):
        return DataSource(inputs, seed, replica)
    return GaussianSource(inputs, seed, replica)


def block_length(inputs: GaussianInputs) -> int:
    """Inputs in a block."""
    return min(max(CACHED // inputs.n, SHORTEST if inputs.factors else 1), LONGEST)


def _normals(count: int) -> np.ndarray:
    """Room for so many normals, filled by pairs of `LANES`."""
    return np.empty((2 * -(-count // (2 * LANES)), LANES))


def _read_only(values: np.ndarray) -> np.ndarray:
    """A view that cannot be written to, as frozen data cannot: kernels are compiled for one kind alone."""
    view = values.view()
    view.setflags(write=False)
    return view
