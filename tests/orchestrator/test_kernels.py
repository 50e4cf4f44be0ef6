"""Densities are the numbers worked out by hand, and what is drawn stays where values are."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from orchestrator.density import Density
from orchestrator.dimensions import MOST_CELLS, dimension_of
from orchestrator.kernels import Categories, Cells, Interval, rule_of_thumb

NAN = math.nan
NORMAL_PEAK = 0.3989422804
"""Height of the standard normal density at its middle, and one deviation away."""
NORMAL_AT_1 = 0.2419707245


def density(distributions, points, bandwidths, at):
    dimensions = [dimension_of([one]) for one in distributions]
    fitted = Density(dimensions, np.array(points, float), bandwidths)
    return np.exp(fitted.log(np.array(at, float)))


UNIT = FloatDistribution(0.0, 1.0)
LETTERS = CategoricalDistribution(("a", "b", "c"))


def test_one_point_is_a_normal_density():
    assert density([UNIT], [[0.5]], [0.1], [[0.5], [0.6], [0.4]]) == pytest.approx(
        [10 * NORMAL_PEAK, 10 * NORMAL_AT_1, 10 * NORMAL_AT_1], rel=1e-5
    )


def test_two_points_are_the_mean_of_their_kernels():
    at_first = (20 * NORMAL_PEAK + 0.0) / 2
    assert density([UNIT], [[0.3], [0.7]], [0.05], [[0.3]]) == pytest.approx([at_first], rel=1e-5)


def test_a_point_at_the_end_of_the_range_has_all_its_density_inside():
    assert density([UNIT], [[0.0]], [0.1], [[0.0]]) == pytest.approx([20 * NORMAL_PEAK], rel=1e-5)


def test_two_parameters_multiply():
    assert density([UNIT, UNIT], [[0.5, 0.5]], [0.1, 0.05], [[0.6, 0.5]]) == pytest.approx(
        [10 * NORMAL_AT_1 * 20 * NORMAL_PEAK], rel=1e-5
    )


def test_a_category_shares_the_bandwidth_among_all_others():
    assert density([LETTERS], [[0]], [0.4], [[0], [1], [2]]) == pytest.approx(
        [3 * 0.6, 3 * 0.2, 3 * 0.2]
    )


def test_categories_have_the_frequencies_of_the_rule_of_succession():
    letters = dimension_of([LETTERS])
    points = np.array([[0.0], [0.0], [0.0], [1.0]])
    fitted = Density.fitted([letters], points, parameters=1, narrowest=0.03)
    frequencies = np.exp(fitted.log(np.array([[0.0], [1.0], [2.0]]))) / 3
    assert frequencies == pytest.approx([4 / 7, 2 / 7, 1 / 7])


def test_a_few_whole_numbers_have_the_kernels_mass_in_their_cell():
    """Cells are the halves of [0, 1]; the kernel is cut off at -1 and 3 of its deviations."""
    within_one, up_to_three = 0.6826894921, 0.9986501020 - 0.1586552539
    share = within_one / up_to_three
    assert density([IntDistribution(0, 1)], [[0]], [0.25], [[0], [1]]) == pytest.approx(
        [2 * share, 2 * (1 - share)]
    )


@pytest.mark.parametrize(
    ("distribution", "at"),
    [(UNIT, [[0.0], [0.7]]), (LETTERS, [[0], [2]]), (IntDistribution(1, 5), [[0], [4]])],
)
def test_a_parameter_that_a_point_lacks_is_even(distribution, at):
    assert density([distribution], [[NAN]], [0.1], at) == pytest.approx([1.0, 1.0])


def test_a_conditional_parameter_counts_only_where_a_point_has_it():
    """Two points, (a, without) and (b, 0.5): the parent's kernel tells them apart."""
    parent = CategoricalDistribution(("a", "b"))
    points, widths = [[0, NAN], [1, 0.5]], [0.2, 0.1]
    own, other = 2 * 0.8, 2 * 0.2
    assert density([parent, UNIT], points, widths, [[0, 0.5], [1, 0.5], [0, 0.0]]) == pytest.approx(
        [
            (own * 1 + other * 10 * NORMAL_PEAK) / 2,
            (other * 1 + own * 10 * NORMAL_PEAK) / 2,
            (own * 1 + other * 0) / 2,
        ],
        rel=1e-5,
    )


def test_bandwidth_is_the_rule_of_thumb():
    deviation = math.sqrt(0.02)
    assert rule_of_thumb(np.array([0.2, 0.4, NAN]), 3, 0.03) == pytest.approx(
        1.06 * deviation * 2 ** (-1 / 7)
    )


def test_equal_points_have_the_narrowest_bandwidth():
    assert rule_of_thumb(np.array([0.2, 0.2]), 3, 0.03) == 0.03


def test_one_point_has_the_spread_of_random_ones():
    assert rule_of_thumb(np.array([0.2]), 3, 0.03) == pytest.approx(1.06 / math.sqrt(12))


def test_few_whole_numbers_are_as_wide_as_their_places_in_the_range():
    few = dimension_of([IntDistribution(0, 9)])
    assert few.bandwidth(np.array([0.0, 9.0]), 1, 0.03) == pytest.approx(
        rule_of_thumb(np.array([0.05, 0.95]), 1, 0.03)
    )


def test_smoothing_of_categories_shrinks_with_the_number_of_points():
    letters = dimension_of([LETTERS])
    widths = [letters.bandwidth(np.zeros(n), 1, 0.03) for n in (0, 1, 10, 1000)]
    assert widths == pytest.approx([2 / 3, 2 / 4, 2 / 13, 2 / 1003])


def test_the_middle_of_a_logarithmic_range_is_its_geometric_mean():
    rate = dimension_of([FloatDistribution(1e-4, 1e-2, log=True)])
    assert rate.coordinate(1e-3) == pytest.approx(0.5)
    assert rate.value(0.5) == pytest.approx(1e-3)


def test_ranges_join_to_the_widest():
    joined = dimension_of([FloatDistribution(0.0, 1.0), FloatDistribution(0.5, 2.0)])
    assert [joined.value(0.0), joined.value(1.0)] == [0.0, 2.0]


def test_choices_join_in_an_order_that_does_not_depend_on_theirs():
    one, two = CategoricalDistribution(("b", "a")), CategoricalDistribution((None, 3, "b"))
    assert dimension_of([one, two]).choices == dimension_of([two, one]).choices
    assert set(dimension_of([one, two]).choices) == {"a", "b", None, 3}


def test_true_and_1_are_two_choices():
    assert len(dimension_of([CategoricalDistribution((True, 1, 1.0))]).choices) == 3


@pytest.mark.parametrize(
    "distributions",
    [
        [FloatDistribution(0.0, 1.0), CategoricalDistribution(("a", "b"))],
        [FloatDistribution(1.0, 2.0), FloatDistribution(1.0, 2.0, log=True)],
        [FloatDistribution(1.0, 1.0)],
        [CategoricalDistribution(("a",))],
        [IntDistribution(3, 3)],
    ],
)
def test_what_no_kernel_joins_is_no_dimension(distributions):
    assert dimension_of(distributions) is None


@pytest.mark.parametrize(
    ("distributions", "kind"),
    [
        ([FloatDistribution(0.0, 1.0)], Interval),
        ([FloatDistribution(0.0, 1.0, step=0.25)], Cells),
        ([IntDistribution(1, 5)], Cells),
        ([IntDistribution(1, 5), IntDistribution(3, 9)], Cells),
        ([IntDistribution(1, 9, step=2), IntDistribution(2, 8, step=2)], Interval),
        ([IntDistribution(1, 5), FloatDistribution(1.0, 5.0)], Interval),
        ([IntDistribution(1, MOST_CELLS + 1)], Interval),
        ([CategoricalDistribution(("a", "b"))], Categories),
    ],
)
def test_kinds_of_dimensions(distributions, kind):
    assert type(dimension_of(distributions)) is kind


DISTRIBUTIONS = st.sampled_from(
    [
        FloatDistribution(-3.0, 7.0),
        FloatDistribution(1e-5, 0.1, log=True),
        FloatDistribution(0.1, 0.7, step=0.2),
        IntDistribution(-2, 2),
        IntDistribution(1, 9, step=4),
        IntDistribution(1, 8, log=True),
        IntDistribution(16, 1024, log=True),
        IntDistribution(0, 10_000, step=10),
        CategoricalDistribution((None, True, "x", 0.5)),
    ]
)


def values_of(distribution):
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)
    if distribution.step is None:
        return list(np.linspace(distribution.low, distribution.high, 7))
    count = round((distribution.high - distribution.low) / distribution.step) + 1
    return [distribution.low + distribution.step * place for place in range(count)]


@given(DISTRIBUTIONS)
def test_a_value_comes_back_from_its_coordinate(distribution):
    dimension = dimension_of([distribution])
    for value in values_of(distribution):
        back = dimension.value(dimension.coordinate(value))
        assert back == (pytest.approx(value) if isinstance(back, float) else value)


@given(DISTRIBUTIONS, st.integers(0, 10**6), st.floats(0.01, 5.0), st.floats(0.0, 1.0))
def test_what_is_drawn_is_a_value_of_the_parameter(distribution, seed, bandwidth, quantile):
    dimension, allowed = dimension_of([distribution]), values_of(distribution)
    centre = dimension.coordinate(allowed[round(quantile * (len(allowed) - 1))])
    centres = np.array([centre, NAN] * 10)
    for coordinate in dimension.draw(centres, bandwidth, np.random.default_rng(seed)):
        value = dimension.value(coordinate)
        if isinstance(distribution, CategoricalDistribution):
            assert value in allowed
        else:
            assert distribution.low <= value <= distribution.high


@given(DISTRIBUTIONS, st.floats(0.02, 0.6), st.floats(0.0, 1.0))
def test_a_kernel_is_a_density(distribution, bandwidth, quantile):
    """The mean over evenly drawn coordinates is 1, wherever the kernel's centre is."""
    dimension, allowed = dimension_of([distribution]), values_of(distribution)
    centre = dimension.coordinate(allowed[round(quantile * (len(allowed) - 1))])
    if isinstance(dimension, Interval):
        at, weights = (np.arange(4000) + 0.5) / 4000, np.full(4000, 1 / 4000)
    elif isinstance(dimension, Cells):
        at, weights = np.arange(len(allowed), dtype=float), np.diff(dimension.edges)
    else:
        at, weights = np.arange(len(allowed), dtype=float), np.full(len(allowed), 1 / len(allowed))
    heights = np.exp(dimension.log_kernel(at, np.array([centre]), bandwidth))[:, 0]
    assert heights @ weights == pytest.approx(1.0, rel=1e-4)


def test_even_draws_of_whole_numbers_are_as_likely_each():
    few = dimension_of([IntDistribution(1, 4)])
    drawn = few.draw(np.full(4000, NAN), 0.1, np.random.default_rng(0))
    assert np.bincount(drawn.astype(int)) == pytest.approx([1000] * 4, rel=0.1)


def test_a_category_is_left_as_often_as_its_bandwidth_says():
    letters = dimension_of([LETTERS])
    drawn = letters.draw(np.zeros(4000), 0.3, np.random.default_rng(0))
    assert np.bincount(drawn.astype(int)) / 4000 == pytest.approx([0.7, 0.15, 0.15], abs=0.02)


def test_what_would_be_drawn_outside_a_range_lies_on_its_end():
    unit = dimension_of([UNIT])
    drawn = unit.draw(np.zeros(4000), 0.1, np.random.default_rng(0))
    assert np.mean(drawn == 0) == pytest.approx(0.5, abs=0.03)
    assert drawn.max() < 0.5


def test_draws_spread_as_much_wider_as_they_are_told():
    narrow = Density([dimension_of([UNIT])], np.array([[0.5]]), [0.05])
    drawn = narrow.draw(4000, 2.0, np.random.default_rng(0))
    assert drawn.std() == pytest.approx(0.1, rel=0.05)
