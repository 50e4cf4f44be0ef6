"""With cv.fidelity=folds the folds come in turn, and are what they would be beside each other."""

import gc
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from trainable import final
from trainable import fit as command
from trainable.arrays import Probabilities
from trainable.checkpoint import load_state, save_state
from trainable.config import TrialConfig
from trainable.dataset import load_data
from trainable.experiment import Asked, start_experiment
from trainable.fitting import Fit
from trainable.fold_fit import FoldFit
from trainable.networks import Networks
from trainable.predict import predict_eval
from trainable.recorded import RecordedFit
from trainable.records import EpochRecord
from trainable.settings import UserError, setting_paths
from trainable.store import create_experiment, open_experiment
from trainable.trial_folder import TrialFolder

EPOCHS, BEST, FOLDS = 3, 2, 3
STEPS = [(1, 1), (2, 1), (3, 1), (4, 1), (6, 2), (7, 2), (9, 3)]
"""(step, folds that are scored) of each record where the second epoch of the first fold is best."""


@dataclass(frozen=True)
class InTurn:
    """A trial whose folds came in turn: what was stored of it after each step."""

    fit: Fit
    folder: TrialFolder
    epochs: Sequence[EpochRecord]
    validation: Sequence[Probabilities]
    weights: Sequence[dict[str, torch.Tensor]]
    alive: Sequence[int]


@pytest.fixture(scope="module")
def config(tiny) -> TrialConfig:
    return tiny.with_values(
        {
            "cv.folds": FOLDS,
            "cv.fidelity": "folds",
            "train.epochs": EPOCHS,
            "train.seed": 2,
            "optim.lr": 3e-2,
        }
    )


@pytest.fixture(scope="module")
def in_turn(config, tmp_path_factory) -> InTurn:
    folder = TrialFolder(tmp_path_factory.mktemp("experiment") / "trial-001")
    epochs, validation, weights, alive = [], [], [], []
    before = networks_alive()
    with closing(RecordedFit(config, folder, {})) as recorded:
        while not recorded.fit.finished:
            epochs.append(recorded.step())
            validation.append(folder.read_validation())
            weights.append(load_file(folder.weights_file))
            alive.append(networks_alive() - before)
    return InTurn(recorded.fit, folder, epochs, validation, weights, alive)


@pytest.fixture(scope="module")
def together(config) -> tuple[Fit, Sequence[EpochRecord]]:
    """The same trial with its folds side by side, after the epoch that is best in the first."""
    fit = Fit(side_by_side(config))
    return fit, [fit.step() for _ in range(BEST)]


def side_by_side(config: TrialConfig) -> TrialConfig:
    return config.with_values({"cv.fidelity": "epochs"})


def networks_alive() -> int:
    gc.collect()
    return sum(type(found) is FoldFit for found in gc.get_objects())


def equal(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(
        torch.equal(value, second[name]) for name, value in first.items()
    )


def only(folds: range, weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    own = tuple(f"{fold}." for fold in folds)
    return {name: value for name, value in weights.items() if name.startswith(own)}


def test_steps_are_numbered_as_if_each_fold_trained_all_epochs(config, in_turn):
    assert [(epoch.epoch, epoch.folds) for epoch in in_turn.epochs] == STEPS
    assert config.steps == EPOCHS * FOLDS == in_turn.fit.epoch
    assert side_by_side(config).steps == EPOCHS


def test_further_folds_train_up_to_the_epoch_that_was_best_in_the_first(in_turn):
    scores = [epoch.score for epoch in in_turn.epochs[:EPOCHS]]
    assert scores.index(max(scores)) + 1 == BEST
    assert in_turn.folder.read().best_length == BEST


def test_each_folds_network_is_the_one_it_would_be_beside_the_others(in_turn, together):
    assert equal(in_turn.weights[-1], together[0].weights())


def test_each_folds_network_is_the_one_it_would_be_alone(config, in_turn):
    data = in_turn.fit.data
    for number, fold in enumerate(data.folds(config.cv)):
        alone = FoldFit(config, data, fold, number)
        for epoch in range(BEST):
            alone.train_epoch(epoch)
        stored = only(range(number, number + 1), in_turn.weights[-1])
        assert equal({f"{number}.{name}": value for name, value in alone.weights().items()}, stored)


def test_pooled_scores_are_those_of_the_folds_beside_each_other(in_turn, together):
    fit, epochs = together
    assert in_turn.epochs[-1].metrics == epochs[-1].metrics
    assert epochs[-1].folds == FOLDS
    assert np.array_equal(in_turn.validation[-1].rows, fit.rows)
    assert np.array_equal(in_turn.validation[-1].values, fit.validation.astype(np.float16))


def test_record_of_an_unfinished_fold_has_the_scores_of_the_finished_ones(in_turn):
    found = {epoch.epoch: epoch.metrics for epoch in in_turn.epochs}
    assert found[4] == found[BEST] != found[3]
    assert found[7] == found[6] != found[9]


def test_rates_are_those_of_the_same_epochs_of_the_first_fold(in_turn):
    rates = [epoch.lr for epoch in in_turn.epochs]
    assert rates[3:5] == rates[5:7] == rates[:2]
    assert len(set(rates[:3])) == 3


def test_stored_predictions_are_of_the_persons_of_the_finished_folds(config, in_turn):
    sizes = [len(fold.validation) for fold in in_turn.fit.data.folds(config.cv)]
    expected = [sum(sizes[:folds]) for _, folds in STEPS]
    assert [len(found.rows) for found in in_turn.validation] == expected


def test_stored_weights_are_those_of_the_finished_folds_at_their_best(in_turn, together):
    for step, folds in ((2, 1), (3, 1), (4, 1), (6, 2), (7, 2)):
        stored = in_turn.weights[STEPS.index((step, folds))]
        assert equal(stored, only(range(folds), together[0].weights()))


def test_best_is_over_the_most_folds_however_low_its_score(in_turn):
    results = in_turn.folder.read()
    assert results.best == in_turn.epochs[-1]
    until = results.model_copy(update={"epochs": list(in_turn.epochs[:5])})
    assert until.best.epoch == 6
    first = results.model_copy(update={"epochs": list(in_turn.epochs[:4])})
    assert first.best.epoch == BEST


def test_no_more_networks_live_than_those_of_the_fold_in_training(in_turn):
    assert dict(zip((step for step, _ in STEPS), in_turn.alive, strict=True)) == {
        **{1: 1, 2: 1, 3: 0},
        **{4: 1, 6: 0},
        **{7: 1, 9: 0},
    }


def test_folds_predict_the_eval_images_one_at_a_time(config, in_turn, monkeypatch):
    fit, before, alive = Fit(config, fetch=False), networks_alive() - 1, []
    fit.load_weights(in_turn.weights[-1])
    predict_eval_images = Networks.predict_eval

    def counted(networks: Networks):
        alive.append(networks_alive() - before)
        return predict_eval_images(networks)

    monkeypatch.setattr(Networks, "predict_eval", counted)
    fit.eval_probabilities()
    assert alive == [1] * FOLDS


def test_eval_images_are_predicted_by_the_mean_of_the_finished_folds(config, in_turn, together):
    expected = together[0].eval_probabilities()
    assert np.array_equal(in_turn.fit.eval_probabilities().values, expected.values)
    two_folds = Fit(config, fetch=False)
    two_folds.load_weights(in_turn.weights[STEPS.index((6, 2))])
    data = two_folds.data
    rows = np.arange(len(data.eval_images))
    predicted = []
    for number, fold in enumerate(data.folds(config.cv)[:2]):
        network = FoldFit(config, data, fold, number)
        own = only(range(number, number + 1), together[0].weights())
        network.load_weights({name.partition(".")[2]: value for name, value in own.items()})
        predicted.append(network.predict(data.eval_cache.pixels, rows))
    mean = np.mean(predicted, axis=0).astype(np.float16)
    assert np.array_equal(two_folds.eval_probabilities().values, mean)


def test_trial_that_pauses_after_every_step_is_the_same_trial(config, in_turn, tmp_path):
    folder = TrialFolder(tmp_path / "trial-001")
    for step, (epoch, weights) in enumerate(zip(in_turn.epochs, in_turn.weights, strict=True)):
        with closing(RecordedFit(config, folder, {})) as recorded:
            assert recorded.fit.epoch == (STEPS[step - 1][0] if step else 0)
            assert not recorded.fit.finished
            found = recorded.step()
        own = {"seconds": epoch.seconds, "memory_bytes": epoch.memory_bytes}
        assert found.model_copy(update=own) == epoch
        assert equal(load_file(folder.weights_file), weights)
        assert np.array_equal(folder.read_validation().values, in_turn.validation[step].values)
    assert RecordedFit(config, folder, {}).fit.finished


def test_state_of_a_finished_fold_holds_no_optimizer(config, tmp_path):
    with closing(RecordedFit(config, TrialFolder(tmp_path / "trial-001"), {})) as recorded:
        without = []
        for _ in range(EPOCHS):
            recorded.step()
            without.append(recorded.fit.state_dict()["networks"] is None)
    assert without == [False, False, True]


def test_best_score_falls_when_another_fold_is_harder(config, in_turn, tmp_path):
    folder = TrialFolder(tmp_path / "trial-001")
    with closing(RecordedFit(config, folder, {})) as recorded:
        found = []
        for epoch in in_turn.epochs:
            recorded.epochs.append(epoch)
            found.append(recorded.best_score)
    scores = [epoch.score for epoch in in_turn.epochs]
    assert found == [scores[0], *[scores[1]] * 3, *[scores[4]] * 2, scores[6]]


@pytest.fixture(scope="module")
def members(config) -> TrialConfig:
    tree = config.with_values({"cv.folds": 2, "train.epochs": 2}).model_dump()
    voting = {task: {"model.heads": task} for task in ("mask", "gender", "age")}
    tree["members"] = {"settings": voting, "vote": "task"}
    return TrialConfig.model_validate(tree)


def test_all_members_of_a_fold_advance_together(members, tmp_path):
    fit, file = Fit(members), tmp_path / "state"
    epochs = []
    while not fit.finished:
        epochs.append(fit.step())
        save_state(fit.state_dict(), file)
        fit = Fit(members)
        fit.load_state_dict(load_state(file))
    beside = Fit(side_by_side(members))
    best = max(epochs[:2], key=lambda epoch: epoch.score).epoch
    expected = [beside.step() for _ in range(best)][-1]
    assert epochs[-1].folds == 2
    assert (epochs[-1].metrics, epochs[-1].members) == (expected.metrics, expected.members)
    assert equal(fit.weights(), beside.weights())
    assert np.array_equal(fit.eval_probabilities().values, beside.eval_probabilities().values)


@pytest.mark.parametrize("folds", [0, 1])
def test_folds_in_turn_are_several(folds):
    with pytest.raises(UserError, match=f"cv.folds={folds} makes no second one: use cv.folds=2"):
        TrialConfig().with_values({"cv.folds": folds, "cv.fidelity": "folds"})


@pytest.fixture
def stored(config, in_turn, tmp_path) -> TrialFolder:
    """The trial in an experiment of its own."""
    experiment = create_experiment(tmp_path / "runs", "faces")
    start_experiment(experiment, Asked("?", "trainable.fit", [], {}, {}), [load_data(config.data)])
    folder = experiment.trial("trial-001")
    folder.write_record(in_turn.folder.read().record)
    folder.write_epochs(list(in_turn.epochs))
    folder.weights_file.write_bytes(in_turn.folder.weights_file.read_bytes())
    return folder


def test_stored_trial_predicts_as_it_did(stored, in_turn):
    predict_eval(stored)
    expected = in_turn.fit.eval_probabilities().values
    assert np.array_equal(stored.read_eval().values, expected)


def test_training_on_all_persons_takes_the_epochs_that_were_best_and_not_the_step(
    config, stored, capsys
):
    final.main([f"trial={stored.path}"])
    assert capsys.readouterr().out.count(f"of {BEST}  loss") == BEST
    on_all = Fit(side_by_side(config).with_values({"cv.folds": 0}))
    for _ in range(BEST):
        on_all.train_epoch()
    expected = on_all.eval_probabilities().values
    assert np.array_equal(stored.read_final().values, expected)


def test_command_says_which_fold_is_trained_and_what_is_scored(config, tmp_path, capsys):
    words = [
        f"{path}={config.value(path)}"
        for path in setting_paths(TrialConfig)
        if config.value(path) != TrialConfig().value(path)
    ]
    command.main([*words, f"search.runs={tmp_path}", "search.name=first"])
    lines = capsys.readouterr().out.splitlines()
    starts = [line.split("  loss")[0].split("  macro")[0] for line in lines[:7]]
    assert starts == [
        *("fold 1  epoch 1", "fold 1  epoch 2", "fold 1  epoch 3"),
        *("fold 2  epoch 1 of 2", "fold 2  epoch 2 of 2"),
        *("fold 3  epoch 1 of 2", "fold 3  epoch 2 of 2"),
    ]
    assert ["macro_f1" in line for line in lines[:7]] == [
        *(True, True, True),
        *(False, True),
        *(False, True),
    ]
    assert "over 2 folds  macro_f1" in lines[4]
    assert "over 3 folds  macro_f1" in lines[6]
    assert lines[7].startswith("best epoch 2  over 3 folds  macro_f1")
    trial = open_experiment(tmp_path, "first").trial("trial-001")
    assert trial.read_outcome().status == "completed"
    assert not trial.has_state()
    assert command.main(["replay=first/trial-001", f"search.runs={Path(tmp_path)}"]) == 0
    assert "all 7 epochs gave the same metrics" in capsys.readouterr().out
