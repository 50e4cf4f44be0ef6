"""Trials of one kind cost alike; what makes a step longer makes another kind."""

import pytest

from orchestrator.kind import kind_of, times_as_long
from trainable.config import TrialConfig

BASE = TrialConfig()


def kind(**values):
    return kind_of(BASE.with_values({path.replace("__", "."): v for path, v in values.items()}))


@pytest.mark.parametrize(
    "values",
    [
        {"optim.lr": 1e-4},
        {"loss.name": "focal"},
        {"augment.flip": 0.5},
        {"train.seed": 3},
        {"train.batch_size": 48},
        {"machine.threads": 2},
        {"cv.seed": 3},
        {"data.crop": "center"},
    ],
)
def test_what_a_step_does_not_cost_is_no_part_of_a_kind(values):
    assert kind_of(BASE.with_values(values)) == kind()


@pytest.mark.parametrize(
    "values",
    [
        {"model.backbone": "resnet10t"},
        {"data.image_height": 128},
        {"train.batch_size": 64},
        {"train.sampler": "one_per_person"},
        {"train.old_copies": 2},
        {"train.drop_below_60": 3},
        {"optim.sam_rho": 0.05},
        {"predict.crops": 5},
        {"optim.freeze_epochs": 1},
        {"cv.folds": 5},
    ],
)
def test_what_a_step_costs_is_part_of_a_kind(values):
    assert kind_of(BASE.with_values(values)) != kind()


def test_networks_of_a_trial_make_its_kind_together():
    tree = BASE.model_dump()
    tree["members"]["settings"] = {"small": {}, "large": {"model.backbone": "resnet10t"}}
    small, large = kind_of(TrialConfig.model_validate(tree))
    assert (small,) == kind()
    assert (large,) == kind(model__backbone="resnet10t")


@pytest.mark.parametrize(
    ("folds", "share"), [(0, 1.0), (1, 0.8), (2, 1.0), (5, 4.0)], ids="{} folds".format
)
def test_share_of_persons_trained_on_adds_up_over_the_folds(folds, share):
    assert kind(cv__folds=folds)[0].share == pytest.approx(share)


def test_of_folds_in_turn_a_step_trains_one():
    assert kind(cv__folds=5, cv__fidelity="folds")[0].share == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("values", "times"),
    [
        ({"data.image_height": 192}, 2),
        ({"data.image_height": 192, "data.image_width": 144}, 4),
        ({"data.image_height": 48}, 1),
        ({"optim.sam_rho": 0.05}, 2),
        ({"train.batch_size": 8}, 4),
        ({"train.batch_size": 128}, 1),
        ({"train.sampler": "one_per_person"}, 1),
        ({"train.old_copies": 2}, 3),
        ({"cv.folds": 5}, 5),
    ],
)
def test_a_kind_takes_at_most_its_share_of_the_work_and_never_less(values, times):
    assert times_as_long(kind_of(BASE.with_values(values)), kind()) == pytest.approx(times)
