"""Random streams: which numbers are the same, which are independent, and how a stream is kept and gone on with."""

import itertools

import numpy as np
import pytest

from learndyn.engines.streams import ENGINES, generator_from, generator_state, lane_states, stream

BIG = 2**32  # N above this takes two words of the key


def test_the_key_is_what_the_module_says():
    """Frozen here: results of a seed must not move when somebody tidies up."""
    assert ENGINES[:3] == ("weights", "overlaps", "diffusion")
    key = np.random.SeedSequence(11, spawn_key=(2, 1000, 3, 1))
    expected = np.random.Generator(np.random.SFC64(key)).standard_normal(5)
    np.testing.assert_array_equal(stream(11, "diffusion", 1000, 3, 1).standard_normal(5), expected)


def test_different_keys_give_different_streams():
    keys = list(itertools.product((0, 1), ENGINES, (1, 2, 5, BIG, BIG + 1, BIG + 5), (0, 1, 5), (0, 1)))
    first = {stream(*key).integers(2**63) for key in keys}
    assert len(first) == len(keys)  # chance of two equal among 216: 216^2 / 2^64 = 3e-15


def test_streams_are_uncorrelated():
    """Correlation of the first 4096 normals of neighbouring streams: 5 standard errors, 15 pairs, false alarm 9e-6."""
    keys = [("weights", 100, 0), ("weights", 100, 1), ("weights", 101, 0), ("overlaps", 100, 0), ("diffusion", 100, 0)]
    normals = [stream(7, *key).standard_normal(4096) for key in keys] + [
        stream(7, "weights", 100, 0, 1).standard_normal(4096)
    ]
    for a, b in itertools.combinations(normals, 2):
        assert abs(np.mean(a * b)) < 5 / np.sqrt(4096)  # a product of independent standard normals has variance 1


@pytest.mark.parametrize("drawn", [0, 1, 2, 3])
def test_a_kept_stream_goes_on_as_if_nothing_had_happened(drawn):
    """32-bit integers leave half a word in the generator's buffer, which is part of its state."""
    rng = stream(3, "overlaps", 10, 0)
    rng.integers(2**32, size=drawn, dtype=np.uint32)
    rng.standard_normal(7)
    state = generator_state(rng)
    assert (state.shape, state.dtype) == ((6,), np.uint64)
    assert state[4] == drawn % 2
    again = generator_from(state)
    np.testing.assert_array_equal(
        again.integers(2**32, size=3, dtype=np.uint32), rng.integers(2**32, size=3, dtype=np.uint32)
    )
    np.testing.assert_array_equal(again.standard_normal(100), rng.standard_normal(100))
    np.testing.assert_array_equal(generator_state(again), generator_state(rng))


def test_an_unknown_engine_has_no_stream():
    with pytest.raises(ValueError, match="tuple"):
        stream(1, "theory", 10, 0)


@pytest.mark.parametrize("streams", [1, 2, 3])
def test_states_of_lanes_are_those_of_the_streams(streams):
    states = lane_states(5, "overlaps", 1000, [3, 0, 7], streams)
    assert states.shape == (4 * streams, 3)
    for lane, replica in enumerate([3, 0, 7]):
        np.testing.assert_array_equal(states[:4, lane], generator_state(stream(5, "overlaps", 1000, replica))[:4])
    # All words differ, but for the counters, which begin at 13 as NumPy's do.
    assert len(np.unique(states)) == 9 * streams + 1
    assert (states[3::4] == 13).all()
