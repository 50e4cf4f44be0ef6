"""`python -m trainable.fit` trains and stores a trial, and trains it again to the last digit."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from trainable import final, fit
from trainable.config import TrialConfig
from trainable.dataset import load_data
from trainable.fit import as_it_was, main
from trainable.settings import UserError, setting_paths
from trainable.store import create_experiment, open_experiment
from trainable.trial_folder import TrialFolder


@pytest.fixture(scope="module")
def tiny_words(tiny) -> list[str]:
    return [
        f"{path}={tiny.value(path)}"
        for path in setting_paths(TrialConfig)
        if tiny.value(path) != TrialConfig().value(path)
    ]


@pytest.fixture(scope="module")
def runs(tiny_words, tmp_path_factory) -> Path:
    """A folder of runs in which another process has trained `first/trial-001`."""
    runs = tmp_path_factory.mktemp("runs")
    printed = fit_in_a_process(*tiny_words, f"search.runs={runs}", "search.name=first")
    assert printed.splitlines()[-1] == f"stored in {runs / 'first' / 'trial-001'}"
    return runs


@pytest.fixture
def own_runs(runs: Path, tmp_path: Path) -> Path:
    """A folder of runs of the test's own, its `first` being that of ``runs``."""
    (tmp_path / "first").mkdir()
    for file in (runs / "first").rglob("*.*"):
        (tmp_path / file.relative_to(runs)).parent.mkdir(exist_ok=True)
        (tmp_path / file.relative_to(runs)).write_bytes(file.read_bytes())
    return tmp_path


def fit_in_a_process(*words: str) -> str:
    command = [sys.executable, "-m", "trainable.fit", *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def first_trial(runs: Path, experiment: str = "first") -> TrialFolder:
    return open_experiment(runs, experiment).existing_trial("trial-001")


def test_command_trains_and_stores_one_trial(runs, tiny):
    results = first_trial(runs).read()
    assert results.record.config == tiny
    assert [epoch.epoch for epoch in results.epochs] == [1, 2]
    assert results.outcome.status == "completed"
    assert len(first_trial(runs).read_validation().rows) == 6 * 7


def test_trial_that_cannot_go_on_from_what_is_stored_says_so(
    tiny_words, tmp_path, monkeypatch, capsys
):
    experiment = create_experiment(tmp_path, "damaged")
    state = experiment.trial("trial-001").state_file
    state.parent.mkdir()
    state.write_bytes(b"half a state")
    monkeypatch.setattr(fit, "create_experiment", lambda runs, name: experiment)
    main(tiny_words)
    assert f"note: cannot read {state}: " in capsys.readouterr().err


def test_eval_images_are_predicted_with_the_best_epoch(runs):
    eval_probabilities = first_trial(runs).read_eval()
    names = open_experiment(runs, "first").read_eval_images()["ImageID"]
    assert len(eval_probabilities.values) == len(names) == 36
    assert eval_probabilities.values.sum(axis=1) == pytest.approx(1, abs=0.01)


def test_experiment_keeps_the_words_that_were_typed(runs, tiny_words):
    record = open_experiment(runs, "first").read_record()
    assert record.words[: len(tiny_words)] == tiny_words
    assert record.question == "How good is this one configuration?"


def test_replay_in_another_process_gives_the_same_metrics(runs):
    words = ["replay=first/trial-001", f"search.runs={runs}", "search.name=again"]
    assert "first/trial-001: all 2 epochs gave the same metrics" in fit_in_a_process(*words)
    probabilities = [first_trial(runs, name).read_eval().values for name in ("first", "again")]
    assert np.array_equal(*probabilities)


def test_replay_that_gives_other_metrics_says_so(own_runs, capsys):
    file = own_runs / "first" / "trial-001" / "epochs.json"
    epochs = json.loads(file.read_text())
    epochs[1]["metrics"]["macro_f1"] += 1e-12
    file.write_text(json.dumps(epochs))
    assert main(["replay=first/trial-001", f"search.runs={own_runs}"]) == 1
    printed = capsys.readouterr().out
    assert "first/trial-001 gave other metrics:\n  epoch 2: macro-F1" in printed
    assert "trained on host=" in printed


def test_trial_may_be_replayed_by_its_folder(own_runs, capsys):
    trial = own_runs / "first" / "trial-001"
    assert main([f"replay={trial}/", f"search.runs={own_runs / 'elsewhere'}"]) == 0
    assert "gave the same metrics" in capsys.readouterr().out


def test_replay_of_an_unknown_trial_names_near_ones(own_runs):
    with pytest.raises(UserError, match="unknown experiment 'frist'; did you mean first"):
        main(["replay=frist/trial-001", f"search.runs={own_runs}"])
    with pytest.raises(UserError, match=r"unknown trial of first .*did you mean trial-001"):
        main(["replay=first/trial-1", f"search.runs={own_runs}"])


def test_replay_with_other_data_is_refused(own_runs):
    record = open_experiment(own_runs, "first").read_record()
    other = record.model_copy(update={"data_fingerprint": "other"})
    open_experiment(own_runs, "first").write_record(other)
    with pytest.raises(UserError, match="have changed since first was started"):
        main(["replay=first/trial-001", f"search.runs={own_runs}"])


def test_replay_pins_what_the_machine_chose(runs):
    original = first_trial(runs).read()
    auto = original.record.config.with_values({"machine.device": "auto", "machine.threads": 0})
    record = original.record.model_copy(update={"config": auto})
    pinned = as_it_was(original.model_copy(update={"record": record}))
    assert pinned.machine.threads == 1
    assert (pinned.machine.device, pinned.machine.precision) == ("cpu", "float32")


def test_trial_that_diverges_is_an_error_that_names_the_learning_rate(tiny_words, tmp_path):
    words = [f"search.runs={tmp_path}", "search.name=lost", "optim.lr=1e30"]
    with pytest.raises(UserError, match=r"lost/trial-001 failed: the loss .*optim.lr=1e\+30"):
        main([*tiny_words, *words])
    assert first_trial(tmp_path, "lost").read_outcome().status == "failed"


def test_trial_that_diverged_diverges_again(tiny_words, tmp_path):
    with pytest.raises(UserError):
        main([*tiny_words, f"search.runs={tmp_path}", "search.name=lost", "optim.lr=1e30"])
    with pytest.raises(UserError, match=r"the loss .*optim.lr=1e\+30"):
        main(["replay=lost/trial-001", f"search.runs={tmp_path}"])


def test_setting_without_effect_is_noted(capsys):
    with pytest.raises(UserError, match="no such folder"):
        main(["data.root=nowhere", "loss.gamma=3"])
    assert capsys.readouterr().err.startswith("note: loss.gamma has no effect without a focal loss")


def test_nothing_is_stored_where_the_words_are_wrong(tiny_words, tmp_path):
    with pytest.raises(UserError):
        main([*tiny_words, f"search.runs={tmp_path}", "cv.folds=5"])
    assert list(tmp_path.iterdir()) == []


def test_runs_folder_that_cannot_be_written_is_an_error(tiny_words, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"cannot write to search.runs="):
        main([*tiny_words, f"search.runs={tmp_path / 'file'}"])


def test_experiment_may_not_be_called_latest(tiny_words, tmp_path):
    with pytest.raises(UserError, match="latest"):
        main([*tiny_words, f"search.runs={tmp_path}", "search.name=latest", "train.epochs=1"])


def test_changed_label_fixes_are_noticed_by_replay_and_final_training(tiny, tiny_words, tmp_path):
    fixes, person = tmp_path / "fixes.csv", load_data(tiny.data).images["person"].iloc[0]
    fixes.write_text(f"id,field,value\n{person},age,44\n")
    runs = [f"search.runs={tmp_path / 'runs'}", "search.name=fixed"]
    fit_in_a_process(*tiny_words, *runs, f"data.label_fixes={fixes}")
    fixes.write_text(f"id,field,value\n{person},age,66\n")
    with pytest.raises(UserError, match="was trained on other labels or crops"):
        main(["replay=fixed/trial-001", runs[0]])
    with pytest.raises(UserError, match="was trained on other labels or crops"):
        final.main([f"trial={tmp_path / 'runs' / 'fixed' / 'trial-001'}"])
