"""A space is drawn from with parents first; spaces merge unless they search the same path."""

import json

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import (
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    json_to_distribution,
)

from search_spaces.language import Space, choice, integers, log_uniform, merge, uniform, when
from trainable.config import TrialConfig
from trainable.settings import UserError

LOSSES = Space(
    question="Which loss?",
    parameters={
        "loss.name": choice("cross_entropy", "focal", "f1"),
        "loss.gamma": when("loss.name", {"focal": uniform(0.5, 4.0)}),
        "train.epochs": integers(2, 9),
        "optim.lr": log_uniform(1e-4, 1e-2),
        "model.heads": choice("multi"),
    },
)


def drawn(space: Space, seed: int, base: TrialConfig | None = None) -> dict[str, object]:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed))
    return space.suggest(study.ask(), base or TrialConfig())


def test_words_are_optuna_s_distributions():
    assert choice(1, "a") == CategoricalDistribution([1, "a"])
    assert uniform(0, 1) == FloatDistribution(0, 1)
    assert log_uniform(0.1, 1) == FloatDistribution(0.1, 1, log=True)
    assert integers(2, 9) == IntDistribution(2, 9)


@given(st.integers(0, 2**31 - 1))
def test_drawn_values_are_in_their_ranges_and_a_trial_takes_them(seed):
    values = drawn(LOSSES, seed)
    config = TrialConfig().with_values(values)
    assert 2 <= config.train.epochs <= 9
    assert 1e-4 <= config.optim.lr <= 1e-2
    assert config.model.heads == "multi"


@given(st.integers(0, 2**31 - 1))
def test_conditional_parameter_is_drawn_only_where_its_parent_asks_for_it(seed):
    values = drawn(LOSSES, seed)
    assert ("loss.gamma" in values) is (values["loss.name"] == "focal")
    assert 0.5 <= values.get("loss.gamma", 1) <= 4


def test_both_ends_of_a_whole_number_are_drawn():
    epochs = {drawn(LOSSES, seed)["train.epochs"] for seed in range(100)}
    assert {2, 9} <= epochs


@pytest.mark.parametrize(("loss", "has_gamma"), [("focal", True), ("f1", False)])
def test_pinned_parent_decides_with_the_value_it_is_pinned_to(loss, has_gamma):
    base = TrialConfig().with_values({"loss.name": loss})
    values = drawn(LOSSES.without({"loss.name"}), 0, base)
    assert "loss.name" not in values
    assert ("loss.gamma" in values) is has_gamma


def test_parent_counts_though_it_is_written_below():
    space = Space("?", dict(reversed(LOSSES.parameters.items())))
    values = [drawn(space, seed) for seed in range(20)]
    assert all(("loss.gamma" in found) is (found["loss.name"] == "focal") for found in values)


def test_single_choice_is_set_without_asking_the_sampler():
    study = optuna.create_study()
    trial = study.ask()
    assert LOSSES.suggest(trial, TrialConfig())["model.heads"] == "multi"
    assert "model.heads" not in trial.params


def test_merged_space_asks_both_questions_and_searches_both():
    other = Space("Which size?", {"train.batch_size": choice(16, 32)})
    merged = merge({"losses": LOSSES, "sizes": other})
    assert merged.question == "Which loss? Which size?"
    assert merged.parameters == {**LOSSES.parameters, **other.parameters}


def test_path_in_two_spaces_is_an_error_that_names_both():
    other = Space("Which rate?", {"optim.lr": uniform(0.1, 0.2)})
    with pytest.raises(
        UserError, match=r"spaces losses and rates both search optim.lr; .*=<value>"
    ):
        merge({"losses": LOSSES, "rates": other})


def test_narrowed_parameter_keeps_its_place_and_the_others():
    narrowed = LOSSES.narrowed("loss.name", choice("focal"))
    assert list(narrowed.parameters) == list(LOSSES.parameters)
    assert drawn(narrowed, 0)["loss.name"] == "focal"
    assert LOSSES.parameters["loss.name"] == choice("cross_entropy", "focal", "f1")


def test_parameter_may_be_added():
    added = LOSSES.narrowed("augment.flip", uniform(0, 0.5))
    assert set(added.parameters) - set(LOSSES.parameters) == {"augment.flip"}


def test_domains_list_every_case():
    sizes = when("model.backbone", {"a": choice(1), "b": choice(2)})
    assert Space("?", {"data.image_height": sizes}).domains() == {
        "data.image_height": [choice(1), choice(2)]
    }
    assert LOSSES.domains()["train.epochs"] == [integers(2, 9)]


def test_space_as_text_can_be_read_back():
    text = LOSSES.as_json()
    assert json.loads(text["loss.name"])["attributes"]["choices"] == [
        "cross_entropy",
        "focal",
        "f1",
    ]
    assert json_to_distribution(text["optim.lr"]) == log_uniform(1e-4, 1e-2)
    assert text["loss.gamma"].startswith("when loss.name: {'focal': ")
