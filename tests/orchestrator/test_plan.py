"""The words of a search become a checked plan: which paths are searched, and in which values."""

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from orchestrator.config import SCHEMA, SearchConfig
from orchestrator.plan import distinct_configs, make_plan
from orchestrator.rules import Fifo
from orchestrator.tuning import make_proposals
from search_spaces.catalogue import SPACES
from search_spaces.language import When
from trainable.config import TrialConfig
from trainable.settings import UserError, setting_paths

WORDS = [
    *("space", "recipe", "scale", "resume"),
    *("log.wandb", "log.mlflow"),
    *("search.runs", "search.name", "search.trials", "search.budget", "search.finish_by"),
    *(
        "search.seed",
        "search.keep",
        "search.sampler",
        "search.history",
        "search.final_folds",
        "search.anyway",
    ),
    *("cluster.address", "cluster.cpus_per_trial", "cluster.gpus_per_trial"),
    "cluster.max_concurrent",
    *("scheduler.name", "scheduler.promote", "scheduler.grace_epochs", "scheduler.reduction"),
]
"""Scripts and notes of other people hold these words: renaming one breaks them."""


def first_draw(plan):
    return make_proposals(plan, Fifo()).propose("trial-001").values


def refusal(*words):
    with pytest.raises(UserError) as error:
        make_plan(words)
    return str(error.value)


def test_words_of_a_search_stay_as_they_are():
    assert sorted(set(setting_paths(SearchConfig)) - set(setting_paths(TrialConfig))) == sorted(
        WORDS
    )


def test_words_that_stand_for_several_settings_stay_as_they_are():
    assert set(SCHEMA.groups) == {"recipe", "scale", "scheduler"}
    assert list(SCHEMA.groups["scheduler"]) == ["halving", "asha", "fifo", "median"]


def test_same_words_make_the_same_plan_and_draw_the_same_trials():
    words = ["space=loss_aug,age_cutoff", "optim.lr=interval(1e-4,1e-2)", "search.seed=3"]
    first, second = make_plan(words), make_plan(words)
    assert first == second
    draws = [first_draw(plan) for plan in (first, second)]
    assert draws[0] == draws[1]


def test_another_seed_draws_other_trials():
    draws = [first_draw(make_plan([f"search.seed={seed}"])) for seed in (0, 1)]
    assert draws[0] != draws[1]


def test_spaces_are_composed_with_or_without_brackets():
    plain = make_plan(["space=loss_aug,age_cutoff"])
    bracketed = make_plan(["space=[loss_aug,age_cutoff]"])
    assert plain.space == bracketed.space
    assert plain.config == bracketed.config
    assert set(plain.space.parameters) == {
        *SPACES["loss_aug"].parameters,
        *SPACES["age_cutoff"].parameters,
    }


def test_pinned_path_is_not_searched_and_counts_for_every_trial():
    plan = make_plan(["augment.flip=0.25"])
    assert "augment.flip" in SPACES["loss_aug"].parameters
    assert "augment.flip" not in plan.space.parameters
    assert plan.base.augment.flip == 0.25


def test_pinning_a_path_that_two_spaces_search_lets_them_compose():
    assert "leave one of them out" in refusal("space=loss_aug,backbone_small")
    plan = make_plan(["space=loss_aug,backbone_small", "optim.lr=0.001"])
    assert "optim.lr" not in plan.space.parameters


def test_values_with_commas_between_narrow_a_choice():
    domain = make_plan(["loss.name=cross_entropy,focal"]).space.parameters["loss.name"]
    assert domain == CategoricalDistribution(("cross_entropy", "focal"))


def test_interval_keeps_the_logarithm_of_the_space():
    parameters = make_plan(["optim.lr=interval(1e-4,1e-3)"]).space.parameters
    assert parameters["optim.lr"] == FloatDistribution(1e-4, 1e-3, log=True)


def test_interval_of_a_linear_path_is_linear():
    parameters = make_plan(["augment.flip=interval(0.1,0.2)"]).space.parameters
    assert parameters["augment.flip"] == FloatDistribution(0.1, 0.2)


def test_swept_path_that_the_space_lacks_is_added():
    assert "model.dropout" not in SPACES["loss_aug"].parameters
    parameters = make_plan(["model.dropout=0.0,0.2"]).space.parameters
    assert parameters["model.dropout"] == CategoricalDistribution((0.0, 0.2))


def test_interval_of_whole_numbers_draws_whole_numbers():
    parameters = make_plan(["train.batch_size=interval(16,64)"]).space.parameters
    assert parameters["train.batch_size"] == IntDistribution(16, 64)


def test_narrowed_parameter_keeps_its_condition():
    domain = make_plan(["loss.gamma=interval(1,2)"]).space.parameters["loss.gamma"]
    assert isinstance(domain, When)
    assert domain.cases == {"focal": FloatDistribution(1, 2)}


@pytest.mark.parametrize(
    ("word", "named"),
    [
        ("loss.nmae=focal", "did you mean loss.name"),
        ("loss.name=focall", "did you mean focal"),
        ("loss.name=focal,focall", "did you mean focal"),
        ("optim.lr=interval(-1,1)", "a logarithmic range starts above 0"),
        ("optim.lr=interval(2,1)", "the first end must be below the second"),
        ("augment.flip=interval(0,2)", "augment.flip=2.0: should be less than or equal to 1"),
        ("space=loss_agu", "did you mean loss_aug"),
        ("space=[]", "known: age_cutoff, "),
        ("scheduler=ahsa", "did you mean asha"),
        ("search.trails=3", "did you mean search.trials"),
        ("search.trials=0", "search.trials=0: should be greater than or equal to 1"),
        ("search.budget=soon", "write a duration such as 90m"),
        ("search.finish_by=noon", "write a time of day such as 18:00"),
        ("loss_aug", "is no word=value"),
        ("+loss.gama=1", "without"),
    ],
)
def test_bad_word_is_named_with_what_is_allowed(word, named):
    assert named in refusal(word)


def test_several_schedulers_are_refused_by_name():
    assert "scheduler" in refusal("scheduler=asha,fifo")


def test_several_values_of_a_word_of_the_search_are_refused_by_its_own_name():
    assert "unknown" not in refusal("search.trials=2,4")


def test_budget_without_a_unit_is_told_how_to_write_one():
    assert "90m" in refusal("search.budget=90")


def test_each_backbone_and_image_size_is_checked_once():
    plan = make_plan(["space=backbone", "model.heads=multi", "optim.lr=0.001"])
    found = {(c.model.backbone, c.data.image_height) for c in distinct_configs(plan)}
    assert ("tf_efficientnet_b4", 380) in found
    assert (
        len(found)
        == len(distinct_configs(plan))
        == 1 + len(SPACES["backbone"].parameters["model.backbone"].choices)
    )


def test_trials_for_different_tasks_are_not_compared():
    said = refusal("model.heads=age,joint")
    assert "the trials would answer age or mask and gender and age" in said
    assert make_plan(["model.heads=joint,multi"]).space.parameters


def test_settings_that_contradict_each_other_only_together_are_refused():
    words = ["augment.cutmix=interval(0,0.9)", "augment.mixup=interval(0,0.9)"]
    assert "a batch takes one of the two" in refusal(*words)


def test_sweep_of_another_kind_says_how_values_are_written():
    assert "optim.lr: write several values as a,b,c" in refusal("optim.lr=glob(*)")
