"""W&B and MLflow hold one run for each trial, however often it paused, and nothing is sent."""

import shutil
from contextlib import closing

import pytest
from searches import run_search

from orchestrator.plan import make_plan
from orchestrator.run_logs import run_logs
from trainable.settings import UserError
from trainable.store import ExperimentFolder

wandb = pytest.importorskip("wandb", reason="needs the extra wandb")
mlflow = pytest.importorskip("mlflow", reason="needs the extra mlflow")

TRIALS, EPOCHS = 3, 4


@pytest.fixture(scope="module")
def logged(cluster_words, tmp_path_factory):
    """Three trials that pause after their first epoch and go on, told to both."""
    words = [
        *(*cluster_words, f"train.epochs={EPOCHS}", "scheduler.grace_epochs=1"),
        *(f"search.trials={TRIALS}", "search.history=none", "loss.name=cross_entropy"),
        *("augment.erasing=0", "optim.lr=interval(1e-4,1e-3)", "log.wandb=true", "log.mlflow=true"),
    ]
    return run_search([*words, f"search.runs={tmp_path_factory.mktemp('runs-logged')}"])


def client_of(folder):
    return mlflow.MlflowClient(f"sqlite:///{folder.path / 'mlflow.db'}")


def mlflow_runs(folder):
    """Return the runs by their names; two of one name are a failure."""
    client = client_of(folder)
    experiment = client.get_experiment_by_name(folder.name)
    runs = client.search_runs([experiment.experiment_id])
    found = {run.info.run_name: run for run in runs}
    assert len(found) == len(runs)
    return found


def wandb_files(folder):
    return sorted((folder.path / "wandb").glob("offline-run-*/*.wandb"))


def test_trials_paused_and_went_on(logged):
    legs = logged.folder.journal.read_text().count('"event":"began"')
    assert legs > TRIALS


def test_mlflow_holds_the_parameters_and_every_epoch_of_each_trial(logged):
    runs, client = mlflow_runs(logged.folder), client_of(logged.folder)
    assert set(runs) == set(logged.trials)
    for name, trial in logged.trials.items():
        run = runs[name]
        assert run.data.params == {path: str(v) for path, v in trial.record.values.items()}
        assert run.data.metrics["best/macro_f1"] == pytest.approx(trial.best.score)
        points = client.get_metric_history(run.info.run_id, "validation/macro_f1")
        assert [(point.step, point.value) for point in points] == [
            (epoch.epoch, pytest.approx(epoch.score)) for epoch in trial.epochs
        ]
        assert run.info.status == "FINISHED"


def test_wandb_holds_one_offline_run_of_each_trial(logged):
    names = sorted(file.name for file in wandb_files(logged.folder))
    assert names == sorted(f"run-{logged.folder.name}-{name}.wandb" for name in logged.trials)
    assert all(file.stat().st_size > 1000 for file in wandb_files(logged.folder))


def test_no_key_is_asked_and_nothing_is_sent(logged):
    assert not list(logged.folder.path.rglob("*.netrc"))
    assert not list((logged.folder.path / "wandb").glob("run-*"))


@pytest.mark.parametrize("word", ["wandb", "mlflow"])
def test_an_extra_that_is_not_installed_is_named_before_ray_starts(word, monkeypatch):
    monkeypatch.setattr("orchestrator.log_words.find_spec", lambda name: None)
    with pytest.raises(
        UserError, match=rf"log.{word}=true needs the extra {word}, .*'\.\[{word}\]'"
    ):
        make_plan([f"log.{word}=true"])


def test_a_trial_that_ends_again_takes_the_place_of_its_run(logged, tmp_path):
    folder = ExperimentFolder(tmp_path / logged.folder.name)
    shutil.copytree(logged.folder.path, folder.path)
    (folder.path / "mlflow.db").unlink()
    [log] = run_logs(folder, make_plan(["log.mlflow=true"]).config.log)
    first = next(iter(logged.trials))
    with closing(log):
        log.ended(first, [])
        log.ended(first, [])
        log.finish([])
    assert set(mlflow_runs(folder)) == set(logged.trials)
