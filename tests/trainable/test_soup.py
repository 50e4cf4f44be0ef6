"""Weights are averaged where that is better, and the mean is a trial like any other."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torchvision.transforms.v2.functional import normalize
from typer.testing import CliRunner

from analysis import ensemble, leaderboard
from trainable import final, fit, predict
from trainable.config import TrialConfig
from trainable.dataset import load_data
from trainable.experiment import Asked, start_experiment
from trainable.fitting import Fit
from trainable.model import make_model
from trainable.normalization import normalization
from trainable.recorded import machine_record, write_weights
from trainable.records import ConfirmedTrial, EpochRecord, Outcome, TrialRecord
from trainable.settings import UserError
from trainable.soup.__main__ import main
from trainable.soup.ingredients import find_ingredients
from trainable.soup.mixer import Mixer, Weights, mean_weights
from trainable.store import ExperimentFolder, create_experiment, now
from trainable.trial_folder import TrialFolder

EPOCHS, NOISE = 15, 0.3
"""A network that has learnt something, and the share of its weights' spread that spoils it."""


@pytest.fixture(scope="module")
def learnt(two_folds: TrialConfig) -> tuple[Fit, EpochRecord, Weights]:
    """A fit, its last epoch, and its weights then."""
    fit = Fit(two_folds.with_values({"train.epochs": EPOCHS, "optim.lr": 0.003}))
    epochs = [fit.step() for _ in range(EPOCHS)]
    return fit, epochs[-1], {name: value.clone() for name, value in fit.weights().items()}


@pytest.fixture
def experiment(two_folds, tmp_path) -> ExperimentFolder:
    folder = create_experiment(tmp_path / "runs", "faces")
    start_experiment(folder, Asked("?", "trainable.fit", [], {}, {}), [load_data(two_folds.data)])
    folder.become_latest()
    return folder


@pytest.fixture
def add(experiment, learnt):
    """Store a trial with given weights: what they predict, and what was scored."""

    def added(name: str, weights: Weights, **values: object) -> TrialFolder:
        fit, epoch, _ = learnt
        folder = experiment.trial(name)
        fit.load_weights(weights)
        folder.write_validation(fit.predict_mixed())
        write_weights(fit, folder.weights_file)
        config = fit.config.with_values({path.replace("__", "."): v for path, v in values.items()})
        folder.write_record(_record(name, config, fit))
        folder.write_epochs([epoch])
        folder.write_outcome(Outcome(status="completed"))
        return folder

    return added


@pytest.fixture
def soup(experiment, capsys):
    """What the command says."""

    def said(*words: str) -> str:
        assert main([f"search.runs={experiment.path.parent}", *words]) == 0
        return capsys.readouterr().out

    return said


@pytest.fixture
def mixed(add, learnt, soup, experiment) -> tuple[TrialFolder, str]:
    """The soup of a network with noise added and the same network with it taken away."""
    for name, sign in (("trial-001", 1), ("trial-002", -1)):
        add(name, noisy(learnt[2], sign * NOISE))
    said = soup()
    return experiment.existing_trial("soup-001"), said


def noisy(weights: Weights, size: float) -> Weights:
    """Return weights with noise, ``size`` times their spread: always the same noise."""
    generator = torch.Generator().manual_seed(0)
    return {
        name: value + size * value.std() * torch.randn(value.shape, generator=generator)
        if value.ndim > 1
        else value
        for name, value in weights.items()
    }


def at_random(config: TrialConfig, seed: int) -> Weights:
    return Fit(config.with_values({"train.seed": seed})).weights()


def _record(name: str, config: TrialConfig, fit: Fit) -> TrialRecord:
    return TrialRecord(
        trial=name,
        config=config,
        values={"optim.lr": config.optim.lr},
        machine=machine_record(config),
        identity=config.identity(),
        views=fit.views,
        setup_seconds=1.0,
        started=now(),
    )


def command(app: object, experiment: ExperimentFolder, *words: str) -> str:
    result = CliRunner().invoke(app, ["--runs", str(experiment.path.parent), *words])
    assert result.exit_code == 0, result.output
    return result.output


def test_mean_of_weights_with_opposite_noise_is_the_weights(add, learnt):
    both = [add(name, noisy(learnt[2], sign)).weights_file for name, sign in (("a", 1), ("b", -1))]
    mean = mean_weights(both)
    for name, value in learnt[2].items():
        if value.ndim > 1:
            torch.testing.assert_close(mean[name], value, rtol=0, atol=1e-5)


def test_third_weights_count_a_third_in_the_mean(add, learnt):
    files = [
        add(f"trial-{i}", noisy(learnt[2], size)).weights_file for i, size in enumerate((0, 1, 5))
    ]
    stored = [load_file(file) for file in files]
    for name, value in mean_weights(files).items():
        if value.is_floating_point():
            torch.testing.assert_close(value, torch.stack([one[name] for one in stored]).mean(0))


def test_stored_statistics_do_not_count_in_a_mixture(learnt):
    fit, _, weights = learnt
    fit.load_weights(weights)
    expected = fit.predict_mixed().values
    spoilt = {
        name: torch.full_like(value, 7.0) if "running" in name else value
        for name, value in weights.items()
    }
    fit.load_weights(spoilt)
    assert np.array_equal(fit.predict_mixed().values, expected)


def test_statistics_are_measured_on_the_training_side_of_each_fold(two_folds, learnt):
    """Those of the first batch norm are the mean of what reaches it, as all batches are full."""
    config = two_folds.with_values({"train.batch_size": 28})
    fit, model, data = Fit(config), make_model(config.model), load_data(config.data)
    fit.load_weights(learnt[2])
    fit.predict_mixed()
    known, found = normalization(config, data), fit.weights()
    for number, fold in enumerate(data.folds(config.cv)):
        assert len(fold.train) % config.train.batch_size == 0
        own = {name: value for name, value in found.items() if name.startswith(f"{number}.")}
        model.load_state_dict({name.partition(".")[2]: value for name, value in own.items()})
        images = torch.from_numpy(data.cache.pixels[fold.train]).permute(0, 3, 1, 2) / 255
        seen = model.get_submodule("conv_stem")(normalize(images, known.mean, known.std))
        measured = found[f"{number}.bn1.running_mean"]
        torch.testing.assert_close(measured, seen.mean((0, 2, 3)).detach(), rtol=1e-3, atol=1e-4)


def test_mixture_predicts_with_each_fold_what_its_own_folds_mean_predicts(add, learnt, experiment):
    both = [add(name, noisy(learnt[2], size)) for name, size in (("a", 0.05), ("b", 0.1))]
    fit = learnt[0]
    fit.load_weights(mean_weights([one.weights_file for one in both]))
    expected = fit.predict_mixed()
    ingredients, _ = find_ingredients(experiment, ())
    assert np.array_equal(Mixer(ingredients).mix(frozenset({0, 1})).values, expected.values)


def test_soup_that_wins_is_stored_with_its_predictions(mixed, experiment):
    folder, said = mixed
    results = folder.read()
    assert results.record.mixed_from == ["trial-001", "trial-002"]
    assert results.outcome == Outcome(status="completed", reason="mixed from trial-001, trial-002")
    assert "judged on the other" in said
    assert f"stored in {folder.path}" in said
    validation = folder.read_validation()
    labels = experiment.read_images()["label"].to_numpy()[validation.rows]
    accuracy = (validation.values.argmax(axis=1) == labels).mean()
    assert results.best
    assert results.best.metrics["accuracy"] == accuracy
    assert len(folder.read_eval().rows) == len(experiment.read_eval_images())


def test_stored_weights_of_a_soup_predict_what_is_stored(mixed):
    folder, _ = mixed
    stored = folder.read_eval()
    folder.discard_eval()
    predict.main([f"trial={folder.path}"])
    assert np.array_equal(folder.read_eval().values, stored.values)


def test_soup_is_on_the_leaderboard_and_votes(mixed, experiment):
    board = command(leaderboard.app, experiment)
    assert "soup-001: mixed from trial-001, trial-002" in board
    assert "soup-001" in command(ensemble.app, experiment, "--trials", "soup-001")


def test_soup_is_not_trained_again(mixed, experiment):
    folder, _ = mixed
    runs = f"search.runs={experiment.path.parent}"
    with pytest.raises(UserError, match="soup-001 was mixed from the weights of trial-001, trial"):
        fit.main(["replay=faces/soup-001", runs])
    with pytest.raises(UserError, match="and not trained"):
        final.main([f"trial={folder.path}"])
    folder.weights_file.unlink()
    with pytest.raises(UserError, match=r"mix them with python -m trainable\.soup"):
        predict.main([f"trial={folder.path}"])


def test_soup_is_no_ingredient_of_another(mixed, experiment):
    ingredients, notes = find_ingredients(experiment, ())
    assert {one.folder.name for one in ingredients} == {"trial-001", "trial-002"}
    assert notes == ["soup-001 is a mixture itself"]


def test_soup_of_random_starts_does_not_win_and_writes_nothing(add, learnt, soup, experiment):
    add("trial-001", learnt[2])
    add("trial-002", at_random(learnt[0].config, 7))
    said = soup()
    assert "no soup wins: trial-001 loses 0." in said
    assert "even with trial-002" in said
    assert {folder.name for folder in experiment.path.iterdir() if folder.is_dir()} == {
        "trial-001",
        "trial-002",
    }


def test_random_starts_are_named_before_they_are_mixed(add, learnt, experiment, capsys):
    for name in ("trial-001", "trial-002"):
        add(name, learnt[2])
    main([f"search.runs={experiment.path.parent}"])
    assert "note: model.pretrained=false" in capsys.readouterr().err


def test_trials_of_other_networks_or_folds_are_left_out_with_a_sentence(add, learnt, experiment):
    add("trial-001", learnt[2])
    add("trial-002", learnt[2])
    add("trial-003", learnt[2], model__backbone="resnet10t")
    add("trial-004", learnt[2], cv__seed=1)
    ingredients, notes = find_ingredients(experiment, ())
    assert [one.folder.name for one in ingredients] == ["trial-001", "trial-002"]
    assert notes == [
        "trial-003 cannot be mixed with trial-001: model.backbone is resnet10t, not "
        "mobilenetv3_small_050",
        "trial-004 cannot be mixed with trial-001: cv.seed is 1, not 0",
    ]
    with pytest.raises(UserError, match="trial-003 cannot be mixed with trial-001"):
        find_ingredients(experiment, ["trial-001", "trial-003"])


def test_trials_without_weights_are_refused(add, learnt, soup):
    for name in ("trial-001", "trial-002"):
        add(name, learnt[2]).weights_file.unlink()
    with pytest.raises(UserError, match="a soup takes two trials, and faces has no trial that can"):
        soup()
    with pytest.raises(UserError, match="trial-001 keeps no weights"):
        soup("trials=trial-001,trial-002")
    with pytest.raises(UserError, match="name each trial once"):
        soup("trials=trial-001,trial-001")
    with pytest.raises(UserError, match="did you mean trial-00"):
        soup("trials=trial-0001")


def test_damaged_weights_are_a_sentence(add, learnt, soup):
    for name in ("trial-001", "trial-002"):
        folder = add(name, learnt[2])
    folder.weights_file.write_bytes(b"damaged")
    with pytest.raises(UserError, match=r"cannot read .*trial-002/weights\.safetensors"):
        soup()


def test_trainings_of_a_confirmation_are_not_mixed(experiment, soup):
    confirmed = ConfirmedTrial(trial="faces/trial-001", score=0.5, values={})
    record = experiment.read_record().model_copy(update={"confirms": [confirmed]})
    experiment.write_record(record)
    with pytest.raises(UserError, match="faces is a confirmation"):
        soup()


def test_folds_in_turn_are_mixed_one_after_the_other(tiny, tmp_path):
    config = tiny.with_values({"cv.folds": 2, "cv.fidelity": "folds", "train.epochs": 1})
    trained = Fit(config)
    for _ in range(config.steps):
        trained.step()
    files: list[Path] = []
    for name in "ab":
        files.append(tmp_path / f"{name}.safetensors")
        write_weights(trained, files[-1])
    again = Fit(config, fetch=False)
    again.load_weights(mean_weights(files))
    found = again.predict_mixed()
    assert np.array_equal(found.rows, trained.validation_probabilities().rows)
    assert again.weights().keys() == trained.weights().keys()
