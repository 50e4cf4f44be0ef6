"""A grid is every combination of listed values, each once."""

import pytest

from orchestrator.grid import grid_points
from orchestrator.plan import make_plan
from search_spaces.language import Space, choice, integers, uniform, when
from trainable.config import TrialConfig
from trainable.settings import UserError


def points(limit=100, **parameters):
    space = Space("?", {path.replace("_", "."): domain for path, domain in parameters.items()})
    return grid_points(lambda trial: space.suggest(trial, TrialConfig()), limit)


def test_every_combination_comes_once_the_last_choice_changing_first():
    assert points(a=choice(1, 2), b=choice("x", "y")) == [
        {"a": 1, "b": "x"},
        {"a": 1, "b": "y"},
        {"a": 2, "b": "x"},
        {"a": 2, "b": "y"},
    ]


def test_integers_are_listed_with_both_ends():
    assert [point["a"] for point in points(a=integers(2, 4))] == [2, 3, 4]


def test_parameter_that_exists_for_some_values_only_multiplies_those_alone():
    gamma = when("loss.name", {"focal": choice(1.0, 2.0)})
    found = points(loss_name=choice("focal", "f1"), loss_gamma=gamma)
    focal = [{"loss.name": "focal", "loss.gamma": gamma} for gamma in (1.0, 2.0)]
    assert found == [*focal, {"loss.name": "f1"}]


def test_range_is_refused_with_what_to_type():
    with pytest.raises(UserError, match=r"a is a range: list its values \(a=0,1\)"):
        points(a=uniform(0, 1))


def test_grid_of_a_search_is_its_list_of_trials():
    words = ["space=learning_rate", "search.sampler=grid", "search.trials=4"]
    listed = {
        "optim.lr": "1e-3,2e-3",
        "optim.schedule": "cosine,step",
        "optim.weight_decay": "0.01",
        "optim.warmup_epochs": "0",
        "train.batch_size": "16,32",
    }
    plan = make_plan([*words, *(f"{path}={values}" for path, values in listed.items())])
    assert len(plan.points) == 4
    assert any("more combinations than search.trials=4" in note for note in plan.notes)
