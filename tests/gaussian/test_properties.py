"""Properties of the averages on the closed set of positive semidefinite covariances."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import learndyn as ld

# For unit variances; a covariance on the border of the set is determined by its entries to half their digits.
SINGULAR = 1e-8
CLOSED_FORMS = ["erf", "linear", "relu"]


@st.composite
def covariances(draw, n):
    """Overlaps of n vectors of few, mostly round components: zeros, copies, opposites and low rank are common."""
    rank = draw(st.integers(1, n + 1))
    component = st.one_of(st.sampled_from([0.0, 1.0, -1.0, 0.5, 2.0]), st.floats(-2.0, 2.0, width=16))
    A = draw(arrays(float, (n, rank), elements=component))
    sources = draw(st.lists(st.integers(0, n - 1), min_size=n, max_size=n))
    signs = draw(st.lists(st.sampled_from([0.0, 1.0, -1.0, 1e-6]), min_size=n, max_size=n))
    if draw(st.booleans()):
        A = A[sources] * np.array(signs)[:, None]
    return A @ A.T


def lengths(C):
    return np.sqrt(np.diagonal(C))


@pytest.mark.parametrize("name", CLOSED_FORMS)
@given(C=covariances(4))
def test_averages_are_finite_and_bounded_on_the_closed_set(name, C):
    act = ld.activation(name)
    size = lengths(C)
    tolerance = SINGULAR * (1 + size.max() ** 2)
    for pair in ((0, 1), (0, 2), (2, 3)):
        value = act.I2(C[np.ix_(pair, pair)])
        # Cauchy-Schwarz with <g^2> <= <x^2> for all three activations.
        assert abs(value) <= size[pair[0]] * size[pair[1]] + tolerance
    third = act.I3(C[:3, :3])
    # |g'| <= 1 and |g(w)| <= |w|.
    assert abs(third) <= size[1] * size[2] + tolerance
    fourth = act.I4(C)
    assert abs(fourth) <= size[2] * size[3] + tolerance
    if name == "relu":
        assert -tolerance <= fourth <= act.I2(C[2:, 2:]) + tolerance


@pytest.mark.parametrize("name", CLOSED_FORMS)
@given(C=covariances(4), scale=arrays(float, 4, elements=st.sampled_from([0.5, 1.0, 2.0, 3.0])))
def test_averages_are_symmetric_and_homogeneous(name, C, scale):
    act = ld.activation(name)
    size = lengths(C)
    value = act.I4(C)
    tolerance = 2 * SINGULAR * (1 + size.max() ** 2)
    for order in ([1, 0, 2, 3], [0, 1, 3, 2], [1, 0, 3, 2]):
        assert abs(act.I4(C[np.ix_(order, order)]) - value) <= tolerance
    if name == "relu":  # g(s x) = s g(x), g'(s x) = g'(x)
        scaled = act.I4(C * np.outer(scale, scale))
        assert abs(scaled - scale[2] * scale[3] * value) <= tolerance * scale.max() ** 2


@given(C=covariances(3))
def test_relu_parts_add_up_to_the_linear_average(C):
    # x = g(x) - g(-x), hence <u v> = I2(u, v) + I2(-u, -v) - I2(u, -v) - I2(-u, v), and so for I3 in w.
    relu, linear = ld.activation("relu"), ld.activation("linear")

    def flipped(*signs):
        sign = np.array(signs)
        return C[: len(sign), : len(sign)] * np.outer(sign, sign)

    total = 2 * (relu.I2(flipped(1, 1)) - relu.I2(flipped(1, -1)))
    assert abs(total - linear.I2(C[:2, :2])) <= 1e-12 * (1 + lengths(C).max() ** 2)
    # theta(u) + theta(-u) = 1: <v w> = sum over the signs of u and w of sign(w) I3(u, v, w).
    total = sum(sw * relu.I3(flipped(su, 1, sw)) for su in (1, -1) for sw in (1, -1))
    assert abs(total - linear.I3(C)) <= 1e-12 * (1 + lengths(C).max() ** 2)


@settings(max_examples=25)
@given(C=covariances(4))
def test_relu_i4_parts_add_up(C):
    # theta(a) + theta(-a) = 1 and g(c) - g(-c) = c: summed over all signs, I4 becomes <c d>.
    relu = ld.activation("relu")
    signs = np.array(np.meshgrid(*[[1, -1]] * 4)).reshape(4, -1).T
    flipped = C * signs[:, :, None] * signs[:, None, :]
    total = (signs[:, 2] * signs[:, 3]) @ relu.I4(flipped)
    assert abs(total - C[2, 3]) <= 16 * SINGULAR * (1 + lengths(C).max() ** 2)


def test_averages_broadcast():
    rng = np.random.default_rng(0)
    A = rng.standard_normal((3, 50, 4, 6))
    C = A @ np.swapaxes(A, -1, -2)
    for name in CLOSED_FORMS:
        act = ld.activation(name)
        for part, n in (("I2", 2), ("I3", 3), ("I4", 4)):
            average = getattr(act, part)
            batch = average(C[..., :n, :n])
            assert batch.shape == (3, 50)
            # The same program on the same number of lanes, or NumPy: the same operations.
            assert batch[2, 49] == pytest.approx(float(average(C[2, 49, :n, :n])), rel=1e-13)
        assert act.I4(np.empty((0, 4, 4))).shape == (0,)


def test_averages_are_float64_whatever_the_flag():
    # All six correlations r: I4 = 1/(8 pi) + r [1/16 + 1/(4 pi^2) + 4/(8 pi)] + O(r^2), from dI4/dr_ij = <d_i d_j ...>.
    r = 1e-7 * np.arange(1, 9)
    value = ld.activation("relu").I4(np.eye(4) + r[:, None, None] * (1 - np.eye(4)))
    expected = 1 / (8 * np.pi) + r * (1 / 16 + 1 / (4 * np.pi**2) + 1 / (2 * np.pi))
    # The accuracy of I4; numbers of this size are 4e-9 apart in float32.
    np.testing.assert_allclose(value, expected, rtol=0, atol=1e-10)
    assert not jax.config.jax_enable_x64


@pytest.mark.parametrize(
    ("C", "message"),
    [
        (np.eye(2), "must have shape (..., 4, 4)"),
        (np.full((4, 4), np.nan), "must be finite"),
        (np.triu(np.ones((4, 4))), "must be symmetric"),
        (np.eye(4) - 0.6 * (1 - np.eye(4)), "must be positive semidefinite, but its smallest eigenvalue is -0.8"),
    ],
)
def test_what_is_no_covariance_is_refused(C, message):
    with pytest.raises(ld.InputError) as caught:
        ld.activation("relu").I4(C)
    assert message in str(caught.value)
    assert "`C` of I4" in str(caught.value)


def test_an_unknown_activation_is_refused():
    with pytest.raises(ld.InputError, match=r"`activation` must be one of erf, .* but it is 'rleu'.*'relu'"):
        ld.activation("rleu")
    with pytest.raises(ld.InputError, match="but it is 3"):
        ld.activation(3)
