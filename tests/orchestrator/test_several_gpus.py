"""A trial on two GPUs is two processes that train what one would, and end together."""

import json
import os
import signal

import psutil
import pytest
from searches import Searched, meanwhile, run_search

from orchestrator.config import ClusterSection
from orchestrator.elastic import group_of
from orchestrator.slots import Slots, share_out
from trainable.fitting import Fit
from trainable.leg_keys import PLACE
from trainable.settings import UserError
from trainable.store import ExperimentFolder

EPOCHS = 4
TWO = ClusterSection(gpus_per_trial=2)


@pytest.mark.parametrize(
    ("nodes", "slots"),
    [
        ([{"CPU": 8, "GPU": 4}], Slots(4, 2, 2)),
        ([{"CPU": 8, "GPU": 3}] * 2, Slots(4, 2, 3)),  # the third is on both machines
        ([{"CPU": 2, "GPU": 1}] * 2, Slots(4, 2, 1)),
        ([{"CPU": 3, "GPU": 4}], Slots(2, 2, 1)),
        ([{"CPU": 64}, {"CPU": 4, "GPU": 2}], Slots(4, 2, 1)),
    ],
)
def test_trial_of_two_gpus_has_a_process_and_cores_for_each(nodes, slots):
    assert share_out(TWO, 12, nodes) == slots


def test_trial_of_more_gpus_than_there_are_is_refused():
    with pytest.raises(UserError, match="no trial fits"):
        share_out(TWO, 12, [{"CPU": 64, "GPU": 1}])


def test_each_process_has_its_own_reservation():
    group = group_of({PLACE: {"cpus": 6, "gpus": 2, "avoid": []}})
    assert group.bundles == [{"CPU": 3, "GPU": 1}] * 2
    assert group.strategy == "PACK"


@pytest.fixture(scope="module")
def killed(cluster_words, ray_cluster, tmp_path_factory) -> Searched:
    """A trial on two of four GPUs loses its second process after two epochs."""
    runs = tmp_path_factory.mktemp("runs-of-pairs")
    folder = ExperimentFolder(runs / "pairs")
    killing = []

    def kill() -> bool:
        ready = [trial for trial in folder.trials() if len(trial.read_epochs()) == 2]
        for trial in ready[:1]:
            killing.append(trial.name)
            os.kill(second_processes(ray_cluster)[0].pid, signal.SIGKILL)
        return bool(killing)

    words = [
        *(*cluster_words, "cluster.gpus_per_trial=2", "model.backbone=test_convnext"),
        *("scheduler=fifo", "search.trials=1", f"train.epochs={EPOCHS}", "search.keep=1"),
        *("optim.name=sgd", "optim.lr=0.01", "search.name=pairs", f"search.runs={runs}"),
    ]
    with meanwhile(kill):
        found = run_search(words)
    assert killing, found.printed
    return found


def second_processes(address: str) -> list[psutil.Process]:
    """Return the processes on a cluster that train beside a trial's first one."""
    return [
        process
        for process in psutil.process_iter()
        if process.name().startswith("ray::Peer")
        and any(address in word for word in process.parent().cmdline())
    ]


def test_search_finishes_though_a_second_process_was_killed(killed):
    assert killed.code == 0
    assert "1 completed, 0 stopped early, 0 failed" in killed.printed


def test_trial_without_its_second_process_is_tried_again(killed):
    lines = (killed.folder.path / "search.jsonl").read_text().splitlines()
    (broke,) = [event for event in map(json.loads, lines) if event["event"] == "broke"]
    assert "a process of it ended" in broke["reason"]


def test_two_processes_score_what_one_does(killed):
    for trial in killed.trials.values():
        fit = Fit(trial.record.config)
        alone = [fit.step() for _ in range(EPOCHS)]
        assert [epoch.train_loss for epoch in trial.epochs] == pytest.approx(
            [epoch.train_loss for epoch in alone], abs=1e-4
        )
        assert [epoch.score for epoch in trial.epochs] == pytest.approx(
            [epoch.score for epoch in alone], abs=0.02
        )


def test_no_process_is_left_when_the_search_is_over(killed, ray_cluster):
    assert second_processes(ray_cluster) == []
