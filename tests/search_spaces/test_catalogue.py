"""Every search space can be named, tried at both ends of its ranges, and loaded without torch."""

import subprocess
import sys

import pytest

from search_spaces.catalogue import SPACES, space_named
from search_spaces.ends import check_space, end_values, ends
from search_spaces.language import Space, choice, integers, uniform, when
from trainable.config import TrialConfig
from trainable.settings import UserError

NAMES = sorted(SPACES)
LOSSES = choice("cross_entropy", "focal")
GAMMA_TOO_HIGH = when("loss.name", {"cross_entropy": uniform(1, 20)})
MISSPELT = when("loss.name", {"fokal": uniform(1, 2)})


@pytest.mark.parametrize("name", NAMES)
def test_trial_takes_both_ends_of_every_range(name):
    taken = [
        TrialConfig().with_values(values) for values in end_values(SPACES[name], TrialConfig())
    ]
    for path, domains in SPACES[name].domains().items():
        found = {config.value(path) for config in taken}
        assert {end for domain in domains for end in ends(domain)} <= found


@pytest.mark.parametrize("name", NAMES)
def test_space_passes_its_check_and_asks_a_question(name):
    check_space(SPACES[name], TrialConfig())
    assert SPACES[name].question.endswith("?")


@pytest.mark.parametrize("name", NAMES)
def test_space_searches_at_least_one_value_against_another(name):
    domains = SPACES[name].domains().values()
    assert any(not domain.single() for cases in domains for domain in cases)


def test_spaces_are_composed_by_name():
    composed = space_named(["loss_aug", "backbone"], {"optim.lr"})
    assert {"loss.name", "model.backbone"} <= set(composed.parameters)
    check_space(composed, TrialConfig())


def test_spaces_that_search_the_same_path_are_named():
    with pytest.raises(UserError, match=r"loss_aug and learning_rate both search optim.lr; .* pin"):
        space_named(["loss_aug", "learning_rate"])


def test_pinned_path_is_searched_by_neither_space():
    composed = space_named(["loss_aug", "learning_rate"], {"optim.lr"})
    assert "optim.lr" not in composed.parameters
    assert {"loss.name", "optim.weight_decay"} <= set(composed.parameters)


def test_unknown_space_names_near_ones():
    with pytest.raises(UserError, match="unknown search space 'loss-aug'; did you mean loss_aug"):
        space_named(["loss-aug"])


def test_no_space_names_all():
    with pytest.raises(UserError, match=r"known: age_cutoff, .*loss_aug"):
        space_named([])


def test_dropping_ages_is_searched_only_beside_the_true_cutoff():
    values = list(end_values(SPACES["age_cutoff"], TrialConfig()))
    assert {58, 59, 60} == {found["train.age_cutoff"] for found in values}
    assert all(
        ("train.drop_below_60" in found) is (found["train.age_cutoff"] == 60) for found in values
    )


def test_step_factor_is_searched_only_with_steps():
    for values in end_values(SPACES["learning_rate"], TrialConfig()):
        assert ("optim.step_factor" in values) is (values["optim.schedule"] == "step")


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        (
            {"optim.lrr": uniform(0.1, 1)},
            "unknown setting in the search space 'optim.lrr'; did you",
        ),
        ({"augment.flip": uniform(0, 1.5)}, "augment.flip=1.5: should be less than or equal to 1"),
        ({"train.epochs": integers(0, 5)}, "train.epochs=0: should be greater than or equal to 1"),
        ({"loss.name": choice("focal", "fokal")}, "loss.name='fokal': .*did you mean focal"),
        ({"loss.gamma": GAMMA_TOO_HIGH}, "loss.gamma=20.0: should be less than or equal to 10"),
        ({"loss.name": LOSSES, "loss.gamma": MISSPELT}, "loss.name='fokal': .*did you mean focal"),
    ],
)
def test_space_that_no_trial_can_take_is_refused_before_it_is_searched(parameters, complaint):
    with pytest.raises(UserError, match=complaint):
        check_space(Space("?", parameters), TrialConfig())


def test_misspelt_parent_is_refused():
    gamma = when("loss.nam", {"focal": uniform(1, 2)})
    with pytest.raises(UserError, match=r"did you mean loss\.name"):
        check_space(Space("?", {"loss.gamma": gamma}), TrialConfig())


def test_space_that_contradicts_a_pinned_setting_is_refused():
    base = TrialConfig().with_values({"train.drop_below_60": 3})
    with pytest.raises(UserError, match="choose one of the two"):
        check_space(SPACES["age_cutoff"].without({"train.drop_below_60"}), base)


def test_search_spaces_load_no_torch():
    words = "import sys, search_spaces.catalogue, search_spaces.ends; print(*sys.modules)"
    command = [sys.executable, "-c", words]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert "optuna" in loaded
    assert not {"torch", "ray", "timm"} & set(loaded)
