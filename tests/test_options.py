"""When a run is recorded."""

import numpy as np
import pytest

import learndyn as ld
from learndyn.options import DEFAULT_POINTS, save_times


def test_evenly_spaced_unless_told_otherwise():
    times = save_times(None, 2.0, 5)
    assert len(times) == DEFAULT_POINTS
    assert (times[0], times[-1]) == (2.0, 5.0)
    np.testing.assert_allclose(np.diff(times), 3 / (DEFAULT_POINTS - 1), rtol=1e-12)


def test_a_number_of_points():
    for number in (4, np.int64(4)):
        np.testing.assert_array_equal(save_times(number, 0.0, 3.0), [0, 1, 2, 3])


def test_times_are_taken_as_they_are():
    given = [0.1, 0.5, 2]
    np.testing.assert_array_equal(save_times(given, 0.0, 3.0), given)
    np.testing.assert_array_equal(save_times(np.array(given), 0.0, 2.0), given)
    np.testing.assert_array_equal(save_times([2.0], 2.0, 3.0), [2.0])
    # Negative times are times; a last time that is `until` up to rounding is not refused.
    np.testing.assert_array_equal(save_times([-5, -1], -5.0, -1.0), [-5, -1])
    assert save_times([0.1 + 0.2], 0.0, 0.3)[0] == 0.1 + 0.2


def test_logspaced_times():
    np.testing.assert_allclose(save_times(ld.logspaced(3, first=0.1), 1.0, 11.0), [1, 1.1, 2, 11], rtol=1e-14)
    times = save_times(ld.logspaced(5), 0.0, 100.0)
    np.testing.assert_allclose(times, [0, 1e-2, 1e-1, 1, 10, 100], rtol=1e-12)
    assert times[-1] == 100.0
    assert ld.logspaced(np.int64(3)) == ld.logspaced(3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: save_times(None, 1.0, 1.0), "`until` must be later than the start, which is at 1, but it is 1."),
        (lambda: save_times(None, 0.0, -3), "`until` must be later than the start, which is at 0, but it is -3."),
        (lambda: save_times(None, 0.0, "10"), "`until` must be a finite number, but it is '10'."),
        (lambda: save_times(None, 0.0, np.inf), "`until` must be a finite number, but it is inf."),
        (lambda: save_times(None, 0.0, None), "`until` must be given, the time at which the run ends"),
        (lambda: save_times(1, 0.0, 1.0), "`save_at` must be a whole number of at least 2, but it is 1."),
        (lambda: save_times(-4, 0.0, 1.0), "`save_at` must be a whole number of at least 2, but it is -4."),
        (lambda: save_times(True, 0.0, 1.0), "`save_at` must be an array of numbers"),
        (lambda: save_times(2.5, 0.0, 1.0), "`save_at` must be a list of times, a number of points or ld.logspaced(n)"),
        (lambda: save_times("all", 0.0, 1.0), "`save_at` must be an array of numbers"),
        (lambda: save_times([], 0.0, 1.0), "`save_at` must be a list of times"),
        (lambda: save_times([[0.0, 1.0]], 0.0, 1.0), "`save_at` must be a list of times"),
        (lambda: save_times([0.0, 1.0, 0.5], 0.0, 1.0), "`save_at` must increase, but it does not. Sort it"),
        (lambda: save_times([0.5, 0.5], 0.0, 1.0), "`save_at` must increase, but it does not. Sort it"),
        (
            lambda: save_times([-0.5, 0.5], 0.0, 1.0),
            "`save_at` must lie between the start, 0, and `until`, 1",
        ),
        (lambda: save_times([0.5, 1.5], 0.0, 1.0), "from 0.5 to 1.5."),
        (lambda: save_times([0.5, np.nan], 0.0, 1.0), "`save_at` must be finite, but it contains NaN or infinity."),
        (
            lambda: save_times(ld.logspaced(3, first=2.0), 0.0, 1.0),
            "`first` of logspaced must be below the run's length",
        ),
        (lambda: ld.logspaced(1), "`points` must be a whole number of at least 2, but it is 1."),
        (lambda: ld.logspaced(3, first=0), "`first` must be a finite number above 0, but it is 0."),
    ],
)
def test_bad_times_are_refused_in_a_sentence(make, message):
    with pytest.raises(ld.InputError) as caught:
        make()
    assert message in str(caught.value)
    assert str(caught.value).startswith("Argument `")
