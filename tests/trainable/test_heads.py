"""A network's outputs become probabilities of the 18 classes, whichever head it has."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from trainable.heads import SECTIONS, joint_probabilities, section_labels, section_logits
from trainable.labels import CLASS_COUNT, TASKS, decode, task_probabilities

SEEDS = st.integers(0, 2**31 - 1)


def outputs_of(heads: str, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 5 * torch.randn(4, sum(SECTIONS[heads]), generator=generator)


@pytest.mark.parametrize("heads", SECTIONS)
@given(seed=SEEDS)
def test_joint_probabilities_sum_to_one(heads, seed):
    found = joint_probabilities(outputs_of(heads, seed), heads)
    assert found.shape == (4, CLASS_COUNT)
    assert found.sum(dim=1).tolist() == pytest.approx([1] * 4, abs=1e-5)


@given(seed=SEEDS)
def test_marginals_of_a_multi_head_are_the_softmax_of_each_head(seed):
    outputs = outputs_of("multi", seed)
    marginals = task_probabilities(joint_probabilities(outputs, "multi").numpy())
    for task, logits in zip(TASKS, section_logits(outputs, "multi"), strict=True):
        expected = functional.softmax(logits, dim=1).numpy()
        assert marginals[task] == pytest.approx(expected, abs=1e-6)


def test_joint_head_is_its_softmax():
    outputs = outputs_of("joint")
    assert torch.equal(joint_probabilities(outputs, "joint"), functional.softmax(outputs, dim=1))


def test_multi_head_labels_are_the_decoded_class():
    labels = torch.arange(CLASS_COUNT)
    expected = decode(labels.numpy()).values()
    for found, part in zip(section_labels(labels, "multi"), expected, strict=True):
        assert found.tolist() == part.tolist()


def test_half_precision_outputs_give_full_precision_probabilities():
    assert joint_probabilities(outputs_of("multi").bfloat16(), "multi").dtype == torch.float32
