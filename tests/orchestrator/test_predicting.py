"""The eval images are predicted by as many processes as there are slots, and in time."""

import os
import time

import pytest

from orchestrator import predicting
from orchestrator.predicting import Predicting, Share, predict_all, predict_there
from orchestrator.slots import Slots
from trainable.store import ExperimentFolder

TRIALS = ("a", "b", "c", "d")


@pytest.fixture
def folder(tmp_path) -> ExperimentFolder:
    for name in TRIALS:
        (tmp_path / name).mkdir()
    return ExperimentFolder(tmp_path)


@pytest.fixture
def predicted(monkeypatch):
    """The trials that are predicted, as who predicts is replaced by who only notes it down."""
    names = []

    def predict(trial) -> None:
        if trial.name == "b":
            raise RuntimeError("damaged weights")
        (trial.path / "eval.npz").write_text(str(os.getpid()))
        names.append(trial.name)

    monkeypatch.setattr(predicting, "_predict_as_begun", predict)
    return names


def share_of(folder, end=None) -> Share:
    return Share([folder.trial(name) for name in TRIALS], "a", end)


def test_trial_that_cannot_be_predicted_leaves_the_others(folder, predicted):
    assert share_of(folder).predict() == {"b": "damaged weights"}
    assert predicted == ["a", "c", "d"]


def test_best_is_predicted_however_late_and_the_others_in_time_alone(folder, predicted):
    failures = share_of(folder, end=time.time() - 1).predict()
    assert predicted == ["a"]
    assert list(failures) == ["b", "c", "d"]
    assert f"python -m trainable.predict trial={folder.path / 'c'}" in failures["c"]


def test_what_is_predicted_is_not_predicted_again(folder, predicted, capsys):
    for name in ("a", "c"):
        (folder.path / name / "eval.npz").touch()
    where = Predicting(Slots(cpus=1, gpus=0, count=2), is_joined=False)
    assert predict_all(folder, TRIALS, where) == ["a", "c", "d"]
    assert predicted == ["d"]
    assert "b: the eval images could not be predicted: damaged weights" in capsys.readouterr().err


@pytest.mark.usefixtures("joined")
def test_on_a_cluster_each_slot_predicts_in_one_process():
    class Telling:
        """A trial that cannot be predicted, because of the process that tries to."""

        def __init__(self, name):
            self.name = name

        def has_eval(self):
            return False

        @property
        def path(self):
            raise RuntimeError(f"process {os.getpid()}")

    shares = [Share([Telling(name) for name in names], "a", None) for names in ("ac", "bd")]
    told = predict_there(shares, Predicting(Slots(cpus=1, gpus=0.5, count=2), is_joined=True))
    assert told["a"] == told["c"] != told["b"] == told["d"]
