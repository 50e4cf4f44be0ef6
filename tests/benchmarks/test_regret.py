"""Regret, its mean over tasks, and the time to a target, against numbers worked out by hand."""

import math

import pytest

from benchmarks.schedulers.figures import (
    Estimate,
    difference,
    estimate,
    make_rows,
    mean_regret,
    speed,
)
from benchmarks.schedulers.regret import Found, Scale, found_on, measure_scale
from benchmarks.schedulers.runs import Run
from benchmarks.schedulers.synthetic import RisingTask, rising

SCALE = Scale(best=0.9, median=0.5, full_seconds=10.0)


def run(contender: str, task: str, *found: tuple[float, float], seed: int = 0) -> Run:
    times, regrets = zip(*found, strict=True)
    return Run(contender, task, seed, Found(times, regrets), 1, 52, 0.1)


def test_regret_is_one_at_the_median_and_none_at_the_best():
    assert [SCALE.regret(score) for score in (0.5, 0.9)] == [1.0, 0.0]
    assert SCALE.regret(0.7) == pytest.approx(0.5)
    assert SCALE.regret(1.0) == pytest.approx(-0.25)


def test_regret_at_a_time_is_of_what_was_found_by_then():
    found = found_on(SCALE, [(5.0, 0.5), (20.0, 0.7)])
    assert found.times == (0.5, 2.0)
    assert [found.regret_at(time) for time in (0.5, 1.9)] == [1.0, 1.0]
    assert found.regret_at(2.0) == pytest.approx(0.5)
    assert math.isnan(found.regret_at(0.4))


def test_time_to_a_regret_is_when_it_was_first_as_low():
    found = Found((1.0, 3.0, 8.0), (0.9, 0.4, 0.1))
    assert [found.time_to(regret) for regret in (1.0, 0.4, 0.2, 0.0)] == [1.0, 3.0, 8.0, math.inf]


def test_seeds_are_averaged_before_tasks():
    runs = [
        run("a", "first", (1.0, 0.2), seed=0),
        run("a", "first", (1.0, 0.4), seed=1),
        run("a", "second", (1.0, 0.5)),
    ]
    # Task means 0.3 and 0.5: mean 0.4, standard deviation 0.1 * sqrt(2), error 0.1.
    found = mean_regret(runs, 1.0)
    assert (found.mean, found.error) == (pytest.approx(0.4), pytest.approx(0.1))


def test_difference_is_paired_by_task():
    easy, hard = 0.0, 0.8
    ours = [run("a", "easy", (1.0, easy + 0.1)), run("a", "hard", (1.0, hard + 0.1))]
    others = [run("b", "hard", (1.0, hard)), run("b", "easy", (1.0, easy))]
    found = difference(ours, others, 1.0)
    assert (found.mean, found.error) == (pytest.approx(0.1), pytest.approx(0.0))


@pytest.mark.parametrize(
    ("mean", "verdict"), [(-0.21, "better"), (0.21, "worse"), (0.19, "cannot tell")]
)
def test_verdict_takes_more_than_two_standard_errors(mean, verdict):
    assert Estimate(mean, error=0.1).verdict == verdict


def test_single_task_has_no_known_error():
    assert math.isnan(estimate({"only": 0.3}).error)


def test_scale_of_a_known_task_is_as_known():
    scale = measure_scale(RisingTask(), seed=0, count=1000)
    risen = 1 - math.exp(-52 / 5)
    assert scale.best == pytest.approx(risen, abs=0.01)
    assert scale.median == pytest.approx(risen / 2, abs=0.05)
    assert scale.full_seconds == 52


class OneStandsOut(RisingTask):
    def curves(self, configurations):
        return [rising(quality, self.epochs) for quality in (0.1, 0.2, 0.9)]


def test_median_configuration_is_not_the_mean_one():
    scale = measure_scale(OneStandsOut(), seed=0, count=3)
    assert (scale.best, scale.median) == pytest.approx((0.9, 0.2), abs=1e-4)


def test_sooner_is_the_median_ratio_of_times_to_random_searchs_median_final_score():
    random = [
        run("random", "easy", (8.0, 0.4), seed=0),
        run("random", "easy", (4.0, 0.6), (6.0, 0.5), seed=1),  # the target is 0.5
        run("random", "easy", (2.0, 0.9), seed=2),  # never
        run("random", "hard", (10.0, 1.0), seed=0),
    ]
    runs = [
        run("a", "easy", (1.0, 0.6), (4.0, 0.3), seed=0),  # 8 / 4
        run("a", "easy", (0.5, 0.5), seed=1),  # 6 / 0.5
        run("a", "easy", (5.0, 0.1), seed=2),  # 20 / 5
        run("a", "hard", (0.1, 1.1), seed=0),  # 10 / 20
    ]
    found = speed(runs, random)
    assert (found.sooner, found.never) == ((2.0 + 4.0) / 2, 0.25)
    assert speed(random, random).sooner == 1.0


def test_rows_compare_only_with_contenders_that_ran():
    (row,) = make_rows([run("stopping", "first", (1.0, 0.2))])
    assert (row.speed, row.against) == (None, None)
