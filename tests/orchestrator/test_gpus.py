"""Trials share a GPU where the memory that the largest of them takes allows it."""

from contextlib import closing
from dataclasses import replace

import pytest

from orchestrator.config import ClusterSection
from orchestrator.gpus import shared_gpus
from orchestrator.memory import MemoryKept, largest
from orchestrator.plan import make_plan
from orchestrator.slots import Slots, gpu_share, share_out
from search_spaces.backbone import INPUT_SIZES
from trainable.config import TrialConfig
from trainable.device import processor_name
from trainable.footprint import footprint
from trainable.recorded import RecordedFit
from trainable.store import ExperimentFolder

EIGHT_CORES = {"CPU": 8, "GPU": 2}


@pytest.mark.parametrize(
    ("trials", "nodes", "fitting", "share", "count"),
    [
        (40, [EIGHT_CORES], 1, 1, 2),
        (40, [EIGHT_CORES], 3, 0.3333, 6),
        (40, [EIGHT_CORES], 9, 0.25, 8),  # a core each
        (3, [EIGHT_CORES], 9, 0.5, 3),
        (2, [EIGHT_CORES], 9, 1, 2),
        (40, [EIGHT_CORES, {"CPU": 2, "GPU": 1}], 4, 0.25, 10),
    ],
)
def test_share_is_the_largest_with_which_as_many_run_at_once(trials, nodes, fitting, share, count):
    found = gpu_share(ClusterSection(), trials, nodes, fitting)
    assert found == share
    assert share_out(ClusterSection(), trials, nodes, found).count == count


def test_cores_that_each_trial_is_given_leave_fewer_a_share():
    four_cores = ClusterSection(cpus_per_trial=4)
    share = gpu_share(four_cores, 40, [EIGHT_CORES], 9)
    assert share_out(four_cores, 40, [EIGHT_CORES], share) == Slots(4, 1, 2)


def test_share_of_a_gpu_that_is_asked_for_counts():
    half = ClusterSection(gpus_per_trial=0.5)
    assert share_out(half, 40, [EIGHT_CORES], 0.25).gpus == 0.5


def test_largest_trial_of_all_backbones_is_that_of_the_largest_images():
    found = largest(make_plan(["space=backbone", "optim.name=adamw,sgd"]))
    assert found.model.backbone == "tf_efficientnet_b4"
    assert found.data.image_height == INPUT_SIZES["tf_efficientnet_b4"]
    assert found.optim.name == "adamw"


def test_largest_trial_has_the_largest_batch_of_the_largest_network():
    words = ["space=backbone_small", "train.batch_size=64,256,16", "optim.sam_rho=0,0.05"]
    found = largest(make_plan(words))
    assert (found.train.batch_size, found.optim.sam_rho) == (256, 0.05)


def test_listed_trials_have_a_largest_too():
    plan = make_plan(["space=backbone_small"])
    points = ({"train.batch_size": 8}, {"train.batch_size": 128}, {"train.batch_size": 32})
    assert largest(replace(plan, points=points)).train.batch_size == 128


@pytest.mark.parametrize(
    ("less", "more"),
    [
        ({"machine.micro_batches": 4}, {}),
        ({"optim.name": "sgd"}, {}),
        ({}, {"optim.ema_decay": 0.9}),
        ({}, {"cv.folds": 5}),
        ({"cv.folds": 5, "cv.fidelity": "folds"}, {"cv.folds": 5}),
    ],
)
def test_footprint_follows_what_memory_depends_on(less, more):
    least, most = (TrialConfig().with_values(values) for values in (less, more))
    assert footprint(least) < footprint(most)


def test_most_that_a_kind_of_trial_took_is_remembered_for_a_type_of_gpu(tmp_path):
    kept, config = MemoryKept(tmp_path / "memory.json"), TrialConfig()
    for found in (5, 7, 6):
        kept.keep(config, "T4", found)
    other_rate = config.with_values({"optim.lr": 0.1, "train.seed": 3})
    assert MemoryKept(tmp_path / "memory.json").bytes_of(other_rate, "T4") == 7
    assert kept.bytes_of(config, "A100") is None
    assert kept.bytes_of(config.with_values({"train.batch_size": 128}), "T4") is None


def test_damaged_memory_is_measured_anew(tmp_path):
    file = tmp_path / "memory.json"
    file.write_text("{")
    MemoryKept(file).keep(TrialConfig(), "T4", 5)
    assert MemoryKept(file).bytes_of(TrialConfig(), "T4") == 5


def test_trials_tell_what_they_took(tiny, tmp_path):
    (tmp_path / "experiment").mkdir()
    folder = ExperimentFolder(tmp_path / "experiment")
    with closing(RecordedFit(tiny, folder.trial("trial-001"), {})) as fit:
        taken = fit.step().memory_bytes
    assert taken > 100e6  # torch alone
    kept = MemoryKept(tmp_path / "memory.json")
    kept.learn(folder)
    assert kept.bytes_of(tiny, processor_name("cpu")) == taken


@pytest.mark.usefixtures("joined")
def test_a_trial_is_measured_on_the_cluster_once_and_shares_its_gpu(tiny_words, capsys):
    words = ["space=loss_aug", "search.trials=12", "cluster.cpus_per_trial=0.25", *tiny_words]
    plan = make_plan([*words, "train.batch_size=12"])
    assert shared_gpus(plan) == 0.5  # eight at once for want of cores
    told = capsys.readouterr().out
    assert "2 trial(s) at once on each GPU: the largest takes" in told
    taken = MemoryKept().bytes_of(largest(plan), processor_name("cpu"))
    assert 100e6 < taken < 3e9
    MemoryKept().keep(largest(plan), processor_name("cpu"), 10**12)
    assert shared_gpus(plan) == 1  # what is remembered is not measured again
    assert "takes 1000.0 of" in capsys.readouterr().out


@pytest.mark.usefixtures("joined")
def test_trial_that_cannot_be_measured_takes_a_whole_gpu(tiny_words, capsys, tmp_path):
    plan = make_plan(["space=loss_aug", *tiny_words, "train.batch_size=11"])
    gone = plan.base.with_values({"data.root": str(tmp_path)})
    assert shared_gpus(replace(plan, base=gone)) == 1
    assert "each trial takes a whole GPU: what it needs could not be" in capsys.readouterr().out
