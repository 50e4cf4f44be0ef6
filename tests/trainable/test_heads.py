"""A network's outputs become probabilities of the 18 classes, and labels targets, for each head."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from torch.nn import functional

from trainable.heads import (
    bracket_logits,
    class_targets,
    joint_probabilities,
    section_outputs,
    section_sizes,
    task_target,
    year_targets,
)
from trainable.labels import CLASS_COUNT, TASK_CLASSES, TASKS, age_class, decode, task_probabilities
from trainable.sections.loss import LossConfig
from trainable.sections.network import ModelConfig

SEEDS = st.integers(0, 2**31 - 1)
CUTOFFS = range(50, 61)
AGES = np.arange(10, 81)
NETWORKS = {
    "joint": ModelConfig(),
    "multi": ModelConfig(heads="multi"),
    "multi by years": ModelConfig(heads="multi", age_head="distribution"),
    "mask": ModelConfig(heads="mask"),
    "gender": ModelConfig(heads="gender"),
    "age": ModelConfig(heads="age"),
    "age by years": ModelConfig(heads="age", age_head="distribution"),
}
"""Every combination of heads that a network may have."""


def outputs_of(network: ModelConfig, seed: int = 0) -> torch.Tensor:
    width = sum(section_sizes(network).values())
    return 5 * torch.randn(4, width, generator=torch.Generator().manual_seed(seed))


def marginals_of(network: ModelConfig, outputs: torch.Tensor) -> dict[str, np.ndarray]:
    return task_probabilities(joint_probabilities(outputs, network, 60).numpy())


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("joint", {"joint": 18}),
        ("multi", {"mask": 3, "gender": 2, "age": 3}),
        ("multi by years", {"mask": 3, "gender": 2, "age": 60}),
        ("gender", {"gender": 2}),
        ("age by years", {"age": 60}),
    ],
)
def test_outputs_are_cut_into_heads_in_the_order_of_the_tasks(name, sizes):
    outputs = outputs_of(NETWORKS[name])
    parts = section_outputs(outputs, NETWORKS[name])
    assert {head: part.shape[1] for head, part in parts.items()} == sizes
    assert torch.equal(torch.cat(list(parts.values()), dim=1), outputs)


@pytest.mark.parametrize("name", NETWORKS)
@given(seed=SEEDS, cutoff=st.sampled_from(CUTOFFS))
def test_joint_probabilities_sum_to_one(name, seed, cutoff):
    found = joint_probabilities(outputs_of(NETWORKS[name], seed), NETWORKS[name], cutoff)
    assert found.shape == (4, CLASS_COUNT)
    assert found.sum(dim=1).tolist() == pytest.approx([1] * 4, abs=1e-5)


@pytest.mark.parametrize("name", ["multi", "mask", "gender", "age"])
@given(seed=SEEDS)
def test_marginals_are_the_softmax_of_each_head(name, seed):
    outputs = outputs_of(NETWORKS[name], seed)
    marginals = marginals_of(NETWORKS[name], outputs)
    for task, logits in section_outputs(outputs, NETWORKS[name]).items():
        expected = functional.softmax(logits, dim=1).numpy()
        assert marginals[task] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("task", TASKS)
def test_network_for_one_task_knows_nothing_of_the_others(task):
    marginals = marginals_of(NETWORKS[task], outputs_of(NETWORKS[task]))
    for other in set(TASKS) - {task}:
        assert marginals[other] == pytest.approx(1 / len(TASK_CLASSES[other]), abs=1e-6)


def test_product_of_heads_by_hand():
    # mask (1, 0, 0), gender (1/4, 3/4), age (1/2, 1/2, 0): classes 0, 1, 3 and 4 occur
    heads = [[1, 1e-30, 1e-30], [0.25, 0.75], [0.5, 0.5, 1e-30]]
    outputs = torch.cat([torch.tensor([head]).log() for head in heads], dim=1)
    found = joint_probabilities(outputs, NETWORKS["multi"], 60)[0]
    assert found[[0, 1, 3, 4]].tolist() == pytest.approx([0.125, 0.125, 0.375, 0.375])


def test_joint_head_is_its_softmax():
    outputs = outputs_of(NETWORKS["joint"])
    found = joint_probabilities(outputs, NETWORKS["joint"], 60)
    assert torch.equal(found, functional.softmax(outputs, dim=1))


@pytest.mark.parametrize("name", NETWORKS)
def test_half_precision_outputs_give_full_precision_probabilities(name):
    outputs = outputs_of(NETWORKS[name]).bfloat16()
    assert joint_probabilities(outputs, NETWORKS[name], 60).dtype == torch.float32


def test_target_of_each_head_is_the_decoded_class():
    labels = torch.arange(CLASS_COUNT)
    for task, classes in decode(labels.numpy()).items():
        assert task_target(class_targets(labels), task).argmax(1).tolist() == classes.tolist()


def test_targets_of_heads_are_the_marginals_of_mixed_labels():
    shares = torch.rand(5, CLASS_COUNT, generator=torch.Generator().manual_seed(0))
    targets = torch.cat([shares / shares.sum(1, keepdim=True), torch.ones(5, 60)], dim=1)
    assert torch.equal(task_target(targets, "joint"), targets[:, :CLASS_COUNT])
    for task, expected in task_probabilities(targets[:, :CLASS_COUNT].numpy()).items():
        assert task_target(targets, task).numpy() == pytest.approx(expected, abs=1e-6)


def test_label_distribution_by_hand():
    # In the middle the ends are far away: shares of exp(-d^2 / 8), of which half are below 30.
    found = year_targets(torch.tensor([45.0]), 2.0)[0]
    weights = np.exp(-((np.arange(15, 75) - 45.0) ** 2) / 8)
    assert found.numpy() == pytest.approx(weights / weights.sum(), abs=1e-7)
    assert found[45 - 15].item() == pytest.approx(norm.pdf(0, scale=2), rel=1e-4)


def test_label_distribution_at_an_end_is_cut_off_there():
    # Of 15 only older years have a share: half the Gaussian and half the bin of 15 itself.
    found = year_targets(torch.tensor([15.0, 74.0]), 1.0)
    years = norm.pdf(np.arange(60))
    assert found[0].numpy() == pytest.approx(years / years.sum(), abs=1e-7)
    assert found[1].numpy() == pytest.approx(found[0].numpy()[::-1], abs=1e-7)


@pytest.mark.parametrize(("age", "as_if"), [(3.0, 15.0), (14.0, 15.0), (75.0, 74.0), (99.0, 74.0)])
def test_ages_beyond_the_bins_count_as_the_ends(age, as_if):
    both = year_targets(torch.tensor([age, as_if]), 4.0)
    assert torch.equal(both[0], both[1])


SPREADS = [LossConfig.model_fields["age_spread"].metadata[i] for i in (0, 1)]


@pytest.mark.parametrize("spread", [SPREADS[0].ge, 1.0, 4.0, SPREADS[1].le])
@pytest.mark.parametrize("cutoff", CUTOFFS)
def test_likeliest_bracket_of_a_label_distribution_is_the_class_it_is_trained_as(cutoff, spread):
    years = year_targets(torch.from_numpy(AGES).double(), spread)
    brackets = bracket_logits(years.log().clamp(min=-1e4), cutoff)
    assert brackets.argmax(1).tolist() == age_class(AGES, cutoff).tolist()


@given(seed=SEEDS, cutoff=st.sampled_from(CUTOFFS))
def test_brackets_are_the_sums_of_their_years(seed, cutoff):
    logits = outputs_of(NETWORKS["age by years"], seed)
    years = functional.softmax(logits, dim=1).numpy()
    of_years = age_class(np.arange(15, 75), cutoff)
    expected = np.stack([years[:, of_years == bracket].sum(1) for bracket in range(3)], axis=1)
    found = functional.softmax(bracket_logits(logits, cutoff), dim=1).numpy()
    assert found == pytest.approx(expected, abs=1e-6)


def test_brackets_of_extreme_logits_are_finite():
    logits = torch.full((2, 60), -1e4)
    logits[0, 0], logits[1] = 1e4, 1e4
    found = functional.softmax(bracket_logits(logits, 60), dim=1)
    assert found.numpy() == pytest.approx(np.array([[1, 0, 0], [15, 30, 15]]) / [[1], [60]])


@pytest.mark.parametrize("name", ["multi by years", "age by years"])
def test_who_looks_58_is_old_to_a_network_that_was_trained_with_that_cutoff(name):
    network = NETWORKS[name]
    outputs = torch.zeros(1, sum(section_sizes(network).values()))
    outputs[0, -60 + 58 - 15] = 20
    ages = [joint_probabilities(outputs, network, cutoff) for cutoff in (58, 59)]
    assert [task_probabilities(one.numpy())["age"].argmax() for one in ages] == [2, 1]
