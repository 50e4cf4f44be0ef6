"""A leg goes on from what is stored, and first reports what its driver did not live to hear."""

import json
import threading
from contextlib import nullcontext
from dataclasses import asdict, replace

import pytest

from trainable.dataset import load_data, loaded_as
from trainable.experiment import Asked, start_experiment
from trainable.node_check import expected_of
from trainable.patience import PATIENCE_VARIABLE
from trainable.ray_peers import Place
from trainable.ray_trial import (
    BASE,
    BEST,
    EPOCH,
    EXPECTED,
    EXPERIMENT,
    FAILURE,
    KNOWN,
    NODES,
    NOTICE,
    OUT_OF_MEMORY,
    RELIEF,
    STEP,
    TRIAL,
    UNFIT,
    RayTrial,
)
from trainable.recorded import RecordedFit
from trainable.store import ExperimentFolder

EPOCHS = 3


class Beside:
    """Another process of a trial, which does nothing."""

    def __init__(self, unfit):
        self.places = [Place("its node", "10.0.0.2", unfit)]

    def look(self, config, experiment, expected):
        return self.places

    def begin(self, fit):
        pass

    def following(self, step):
        return nullcontext()


@pytest.fixture
def folder(tmp_path, tiny) -> ExperimentFolder:
    folder = ExperimentFolder(tmp_path / "experiment")
    folder.path.mkdir()
    start_experiment(folder, Asked("", "", [], {}, {}), [load_data(tiny.data)])
    return folder


@pytest.fixture
def leg(tiny, folder):
    """Starts a leg of trial-001 whose first steps are known."""
    base = tiny.with_values({"train.epochs": EPOCHS})
    expected = asdict(expected_of(folder, base))

    def start(known, *, relief=0, other=None, **values):
        shared = {
            BASE: base.model_dump_json(),
            EXPERIMENT: str(folder.path),
            EXPECTED: json.dumps(expected | (other or {})),
        }
        changed = {path.replace("_", ".", 1): value for path, value in values.items()}
        own = {TRIAL: "trial-001", KNOWN: known, RELIEF: relief}
        return RayTrial({**changed, **shared, **own})

    return start


def test_stored_epochs_that_are_not_known_are_reported_before_any_is_trained(leg, tiny, folder):
    config = tiny.with_values({"train.epochs": EPOCHS})
    stored = RecordedFit(config, folder.trial("trial-001"), {})
    epochs = [stored.step(), stored.step()]
    stored.close()
    trial = leg(known=1)
    again = trial.train()
    assert again[STEP] == 2
    assert json.loads(again[EPOCH]) == json.loads(epochs[1].model_dump_json())
    assert trial.train()[STEP] == 3
    assert [epoch.epoch for epoch in folder.trial("trial-001").read_epochs()] == [1, 2, 3]


def test_best_score_is_that_of_the_steps_up_to_the_reported_one(leg, tiny, folder):
    trial = leg(known=0)
    results = [trial.train() for _ in range(EPOCHS)]
    scores = [json.loads(result[EPOCH])["metrics"]["macro_f1"] for result in results]
    assert [result[BEST] for result in results] == [
        max(scores[:count]) for count in range(1, EPOCHS + 1)
    ]


def test_next_leg_of_the_same_process_takes_up_another_trial(leg, folder):
    trial = leg(known=0)
    first = trial.train()
    config = {**trial.config, TRIAL: "trial-002"}
    assert trial.reset_config(config)
    assert trial.train()[STEP] == 1
    assert trial.reset_config({**trial.config, TRIAL: "trial-001", KNOWN: 1})
    assert trial.train()[STEP] == first[STEP] + 1
    assert {found.name for found in folder.trials()} == {"trial-001", "trial-002"}


def test_damaged_state_is_told_with_the_next_result_and_once(leg, folder):
    trial = leg(known=0)
    trial.train()
    trial.train()
    folder.trial("trial-001").state_file.write_bytes(b"half a state")
    again = leg(known=2)
    result = again.train()
    assert "goes on from the state before it" in result[NOTICE]
    assert result[STEP] == 2
    assert again.train()[NOTICE] == ""


def test_lost_loss_is_a_result_and_no_broken_process(leg):
    result = leg(known=0, optim_lr=1e30).train()
    assert "optim.lr=1e+30" in result[FAILURE]


def test_process_that_was_built_and_never_used_leaves_a_trial_as_it_is(leg, folder):
    trial = leg(known=0)
    trial.train()
    folder.trial("trial-001").discard_state()
    before = folder.trial("trial-001").read()
    leg(known=0)
    assert folder.trial("trial-001").read() == before


def test_why_a_process_broke_is_kept(leg, folder):
    trial = leg(known=0, cv_folds=12)
    with pytest.raises(ValueError, match=r"cv\.folds"):
        trial.train()
    outcome = folder.trial("trial-001").read_outcome()
    assert outcome.status == "failed"
    assert "lower cv.folds" in outcome.reason
    assert "Traceback" in outcome.traceback


def test_machine_with_other_code_trains_nothing(leg, folder):
    result = leg(known=0, other={"code": "0123456789ab"}).train()
    assert "other code" in result[UNFIT]
    assert folder.trials() == []


def test_machine_with_other_images_trains_nothing(leg, folder):
    result = leg(known=0, other={"data": "0123456789abcdef"}).train()
    assert "other images" in result[UNFIT]
    assert folder.trials() == []


def test_machine_of_a_second_process_may_be_unfit_too(leg, folder):
    trial = leg(known=0)
    trial._peers = Beside(unfit="it has other code")
    result = trial.train()
    assert (result[UNFIT], result[NODES]) == ("it has other code", ["its node"])
    assert folder.trials() == []


def test_trial_tells_all_machines_that_it_runs_on(leg):
    trial = leg(known=0)
    trial._peers = Beside(unfit="")
    result = trial.train()
    assert (result[UNFIT], result[STEP]) == ("", 1)
    assert result[NODES] == ["", "its node"]  # the first has no name without Ray


def test_machine_that_was_refused_is_asked_anew_by_the_same_process(leg, tiny):
    trial, data = leg(known=0), load_data(tiny.data)
    loaded_as(tiny.data, replace(data, images=data.images.assign(age=1)))
    assert "other images" in trial.train()[UNFIT]
    assert trial.train()[STEP] == 1


def test_machine_that_does_not_see_the_experiment_trains_nothing(leg, folder):
    folder.path.rename(folder.path.with_name("elsewhere"))
    assert "does not see" in leg(known=0).train()[UNFIT]


@pytest.fixture
def away(folder):
    """Takes the experiment away, as when a share is: for so many seconds, or until it is back."""
    elsewhere = folder.path.with_name("away")

    def take(seconds=None):
        folder.path.rename(elsewhere)
        if seconds:
            threading.Timer(seconds, elsewhere.rename, [folder.path]).start()
        return lambda: elsewhere.rename(folder.path)

    return take


def test_leg_that_begins_waits_for_storage(leg, away, monkeypatch):
    monkeypatch.setenv(PATIENCE_VARIABLE, "20")
    away(0.3)
    result = leg(known=0).train()
    assert (result[UNFIT], result[STEP]) == ("", 1)
    assert "cannot see" in result[NOTICE]


def test_storage_that_stays_away_is_the_machines_fault_and_costs_no_epoch(leg, away, folder):
    trial = leg(known=0)
    trial.train()
    bring_back = away()
    assert "cannot store" in trial.train()[UNFIT]
    bring_back()
    assert folder.trial("trial-001").read_outcome().status == "running"
    assert trial.train()[STEP] == 2


def test_trial_that_ran_out_of_memory_trains_its_batches_in_parts(leg, folder):
    relieved = leg(known=0, relief=1).train()
    assert relieved[OUT_OF_MEMORY] == ""
    assert folder.trial("trial-001").read().record.config.machine.micro_batches == 2
