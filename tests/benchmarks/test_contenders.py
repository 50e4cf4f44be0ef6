"""Every way to search keeps to one contract, and Ray's own rules do what they are known for."""

import pytest

from benchmarks.schedulers.contenders import CONTENDERS
from benchmarks.schedulers.history import earlier_experiment, of_other_tasks
from benchmarks.schedulers.load import measure_throughput, measure_worst_order, search_all
from benchmarks.schedulers.synthetic import RisingTask


@pytest.mark.parametrize("name", CONTENDERS)
def test_contender_tries_as_many_configurations_as_asked(name):
    log = search_all(name, RisingTask(), trials=7, workers=3)
    assert log.trainings == 7
    assert 7 * 3 <= log.epochs <= 7 * 52


@pytest.mark.parametrize("name", CONTENDERS)
def test_contender_does_the_same_with_the_same_seed(name):
    logs = [search_all(name, RisingTask(), trials=15, workers=3) for _ in range(2)]
    assert logs[0] == logs[1]


def test_random_search_trains_fully():
    assert measure_throughput("random", trials=20, workers=8).log.epochs == 20 * 52


def test_stopping_saves_epochs_of_random_configurations():
    assert search_all("stopping", RisingTask(), trials=27, workers=4).epochs < 27 * 52 / 2


def test_rays_rule_saves_nothing_when_each_trial_is_better_than_the_last():
    assert measure_worst_order("stopping", workers=1).share == 1.0


def test_earlier_experiment_is_the_same_for_the_same_seed():
    first, again = (earlier_experiment(RisingTask(), seed=3, count=5) for _ in range(2))
    assert first == again
    assert first != earlier_experiment(RisingTask(), seed=4, count=5)


def test_history_holds_no_trial_of_the_same_task():
    names = ("first", "second", "third")
    experiments = [earlier_experiment(RisingTask(name), seed=0, count=2) for name in names]
    known = of_other_tasks(experiments, RisingTask("second"))
    assert [experiment.name for experiment in known] == ["first", "third"]
