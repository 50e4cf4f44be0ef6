"""Cores and GPUs are divided among trials so that no share spans two GPUs and every one fits."""

import pytest

from orchestrator.config import ClusterSection
from orchestrator.slots import Slots, share_out
from trainable.settings import UserError


def test_without_gpus_each_trial_takes_one_core():
    assert share_out(ClusterSection(), 12, [{"CPU": 8}]) == Slots(cpus=1, gpus=0, count=8)


def test_fewer_trials_than_cores_share_all_cores():
    assert share_out(ClusterSection(), 3, [{"CPU": 8}]) == Slots(cpus=2, gpus=0, count=3)


def test_each_trial_takes_a_gpu_and_an_even_share_of_the_cores():
    assert share_out(ClusterSection(), 12, [{"CPU": 9, "GPU": 4}]) == Slots(2, 1, count=4)


def test_more_gpus_than_cores_run_as_many_trials_as_there_are_cores():
    assert share_out(ClusterSection(), 12, [{"CPU": 2, "GPU": 4}]) == Slots(1, 1, count=2)


@pytest.mark.parametrize(
    ("gpus_per_trial", "count"), [(0.5, 4), (0.4, 4), (0.3, 6), (0.6, 2), (1, 2), (2, 1)]
)
def test_share_of_a_gpu_never_spans_two(gpus_per_trial, count):
    config = ClusterSection(gpus_per_trial=gpus_per_trial)
    slots = share_out(config, 12, [{"CPU": 16, "GPU": 2}])
    assert (slots.gpus, slots.count) == (gpus_per_trial, count)


def test_given_cores_count_as_given():
    config = ClusterSection(cpus_per_trial=3)
    assert share_out(config, 12, [{"CPU": 8}]) == Slots(cpus=3, gpus=0, count=2)


def test_trials_may_be_kept_off_the_gpus():
    config = ClusterSection(gpus_per_trial=0)
    assert share_out(config, 12, [{"CPU": 4, "GPU": 1}]) == Slots(cpus=1, gpus=0, count=4)


def test_most_trials_at_once_leaves_the_others_more_cores():
    config = ClusterSection(max_concurrent=2)
    assert share_out(config, 12, [{"CPU": 8}]) == Slots(cpus=4, gpus=0, count=2)


@pytest.mark.parametrize(
    ("words", "resources"),
    [
        ({"cpus_per_trial": 3}, {"CPU": 2}),
        ({"gpus_per_trial": 0.5}, {"CPU": 2}),
        ({"gpus_per_trial": 2}, {"CPU": 8, "GPU": 1}),
        ({}, {"GPU": 1}),
    ],
)
def test_where_not_one_trial_fits_the_words_to_lower_are_named(words, resources):
    with pytest.raises(UserError, match=r"no trial fits.*lower cluster\.cpus_per_trial"):
        share_out(ClusterSection(**words), 12, [resources])


def test_half_a_core_each_runs_two_trials_a_core():
    config = ClusterSection(cpus_per_trial=0.5)
    assert share_out(config, 12, [{"CPU": 2}]) == Slots(cpus=0.5, gpus=0, count=4)


@pytest.mark.parametrize("word", ["cpus_per_trial", "gpus_per_trial"])
def test_share_above_one_that_is_not_whole_is_refused_by_name(word):
    with pytest.raises(ValueError, match=word):
        ClusterSection(**{word: 1.5})


def test_trial_never_spans_two_machines():
    assert share_out(ClusterSection(), 2, [{"CPU": 4}] * 3) == Slots(cpus=4, gpus=0, count=2)


def test_machine_without_gpus_gets_no_trial_that_needs_one():
    nodes = [{"CPU": 8}, {"CPU": 4, "GPU": 1}, {"CPU": 4, "GPU": 1}]
    assert share_out(ClusterSection(), 12, nodes) == Slots(cpus=4, gpus=1, count=2)


def test_cluster_that_only_drives_so_far_is_waited_for():
    with pytest.raises(UserError, match="no machine that trains has joined the cluster yet"):
        share_out(ClusterSection(), 4, [{"CPU": 0}])
