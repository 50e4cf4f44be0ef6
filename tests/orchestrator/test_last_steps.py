"""A driver's last steps: the final training on folds, and what is remembered for later searches."""

import time

import pytest

from orchestrator import driver, nodes
from orchestrator.deadline import End
from orchestrator.estimates import CLOSING_SECONDS
from orchestrator.journal import Journal
from orchestrator.launch import new_experiment
from orchestrator.memory import MemoryKept
from orchestrator.nodes import Node
from orchestrator.pace import Pace
from orchestrator.plan import make_plan
from orchestrator.progress import SearchGoal, SearchProgress
from orchestrator.tuning import Session, Trained
from trainable.check import check_trial
from trainable.patience import PATIENCE_VARIABLE, patience
from trainable.settings import UserError
from trainable.storage_errors import StorageError

UNFIT = "unfit"
THERE = {
    UNFIT: Node(UNFIT, "10.0.0.1", {"CPU": 64, "GPU": 1}),
    "fit": Node("fit", "10.0.0.2", {"CPU": 2, "GPU": 1}),
}


@pytest.fixture
def session(tiny_words, tmp_path) -> Session:
    plan = make_plan([*tiny_words, "space=loss_aug", f"search.runs={tmp_path / 'runs'}"])
    folder = new_experiment(plan, check_trial(plan.base))
    end = End(time.time() + 3600, "search.budget=1h")
    return Session(plan, folder, end, Pace(), Journal(folder.journal))


class Done:
    """A driver's steps that need a cluster: what they were told, and what they found."""

    def __init__(self, session):
        self.folder = session.folder
        self.slots, self.where, self.is_locked = [], [], False

    def run_trials(self, session, slots, onlookers):
        self.slots.append(slots)
        self.is_locked = is_searched(session.folder)
        progress = SearchProgress(SearchGoal("an experiment", 1, 1, 0.0))
        return Trained(progress, is_over=True, avoid=frozenset({UNFIT}))

    def predict_all(self, folder, trials, where):
        self.where.append(where)
        return trials


@pytest.fixture
def done(session, monkeypatch) -> Done:
    done = Done(session)
    monkeypatch.setattr(nodes, "alive_nodes", lambda: THERE)
    for name, step in {
        "run_trials": done.run_trials,
        "predict_all": done.predict_all,
        "best_trials": lambda progress, folder, count: ["trial-001"],
        "start_ray": lambda cluster: None,
        "shared_gpus": lambda plan: 1.0,
    }.items():
        monkeypatch.setattr(driver, name, step)
    return done


def is_searched(folder) -> bool:
    try:
        with folder.searched():
            return False
    except UserError:
        return True


@pytest.fixture
def finally_trained(session, done, monkeypatch) -> Done:
    monkeypatch.setattr(driver, "final_experiment", lambda asked, trial: (asked.plan, done.folder))
    driver.train_final(session, "trial-001", frozenset({UNFIT}))
    return done


def test_no_other_driver_takes_up_a_final_training_meanwhile(finally_trained):
    assert finally_trained.is_locked
    assert not is_searched(finally_trained.folder)


def test_final_training_counts_on_no_machine_that_cannot_train(finally_trained):
    (slots,) = finally_trained.slots
    assert slots.cpus == THERE["fit"].resources["CPU"]


def test_final_predictions_keep_to_the_deadline_and_to_fit_machines(finally_trained, session):
    (where,) = finally_trained.where
    assert where.end == session.end.at - CLOSING_SECONDS
    assert where.avoid == {UNFIT}


def test_full_cache_costs_no_predictions_and_no_waiting(session, done, monkeypatch, capsys):
    monkeypatch.setenv(PATIENCE_VARIABLE, "120")

    def learn(kept, folder):
        assert done.where, "nothing is predicted yet"
        assert patience() == 0
        raise StorageError("cannot store memory.json: No space left on device")

    monkeypatch.setattr(MemoryKept, "learn", learn)
    assert driver.tune_and_predict(session) == 0
    assert "measures anew what trials take: cannot store memory.json" in capsys.readouterr().err
