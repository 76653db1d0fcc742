"""Random streams: one for every engine, N, replica and part of a run, whatever else runs beside it.

    stream = SFC64(SeedSequence(seed, spawn_key=(engine, N, replica, part)))

Runs of different N, engines and replicas are therefore independent at one seed, and a run in a list of N is the run
with that N alone. A stream's state is six whole numbers, which a checkpoint keeps.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SFC64_ROUNDS = 12  # that mix a seed, as NumPy does
ENGINES = ("weights", "overlaps", "diffusion", "descent")  # the order is part of every stream: append, never reorder


def stream(seed: int, engine: str, N: int, replica: int, part: int = 0) -> np.random.Generator:
    """The random numbers of one part of one replica.

    Parameters
    ----------
    seed
        A non-negative integer, the seed of the whole run.
    engine
        One of `ENGINES`.
    N
        Dimension of the inputs; below 2^64.
    replica, part
        Number of the replica; number of the part where a replica needs several streams. Below 2^32.

    Examples
    --------
    >>> from learndyn.engines.streams import stream
    >>> alone, again, other = stream(1, "weights", 100, 0), stream(1, "weights", 100, 0), stream(1, "weights", 200, 0)
    >>> first = alone.random()
    >>> first == again.random(), first == other.random()
    (True, False)
    """
    key = (ENGINES.index(engine), int(N), int(replica), int(part))
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=key)))


def lane_states(seed: int, engine: str, N: int, replicas: Sequence[int], streams: int) -> np.ndarray:
    """States of several streams of several replicas: four words of each stream below each other, (4 streams, lanes).

    The first stream of a replica is that of `stream` (part 0); the others are seeded with the words after its own.

    Parameters
    ----------
    seed, engine, N
        As for `stream`.
    replicas
        Number of the replica of each lane.
    streams
        Streams of a replica.
    """
    index = ENGINES.index(engine)
    keys = [(index, int(N), int(replica), 0) for replica in replicas]
    seeds = np.array(
        [np.random.SeedSequence(seed, spawn_key=key).generate_state(3 * streams, np.uint64) for key in keys]
    )
    a, b, c = np.moveaxis(seeds.reshape(len(keys), streams, 3), -1, 0)
    counter = np.ones_like(a)
    with np.errstate(over="ignore"):
        for _ in range(SFC64_ROUNDS):
            word = a + b + counter
            a, b, c = b ^ (b >> 11), c + (c << 3), ((c << 24) | (c >> 40)) + word
            counter = counter + np.uint64(1)
    return np.ascontiguousarray(np.stack([a, b, c, counter], axis=-1).reshape(len(keys), 4 * streams).T)


def generator_state(rng: np.random.Generator) -> np.ndarray:
    """The state of a stream as six unsigned 64-bit integers: SFC64's four words, then the buffered half of a word."""
    state = rng.bit_generator.state
    return np.array([*state["state"]["state"], state["has_uint32"], state["uinteger"]], dtype=np.uint64)


def generator_from(state: np.ndarray) -> np.random.Generator:
    """A stream that goes on where `generator_state` was taken."""
    bits = np.random.SFC64(0)
    bits.state = {
        "bit_generator": "SFC64",
        "state": {"state": np.array(state[:4], dtype=np.uint64)},
        "has_uint32": int(state[4]),
        "uinteger": int(state[5]),
    }
    return np.random.Generator(bits)
