"""A few batches tell how long a trial takes, and leave nothing behind."""

import time
from functools import partial

import pytest
import torch

from trainable.config import MembersConfig
from trainable.dataset import load_data
from trainable.fitting import Fit
from trainable.fold_fit import FoldFit
from trainable.probe import probe


@pytest.fixture
def in_seconds_of_work(monkeypatch):
    """Let time be what this process works, however busy the machine is."""
    monkeypatch.setattr(time, "perf_counter", time.process_time)


@pytest.fixture(scope="module")
def larger(tiny):
    """Batches that take long enough to be told from what surrounds them."""
    size = {
        "data.image_height": 96,
        "data.image_width": 96,
        "train.batch_size": 32,
        "train.epochs": 4,
    }
    return tiny.with_values({**size, "cv.folds": 2})


@pytest.mark.usefixtures("in_seconds_of_work")
def test_a_step_takes_about_as_long_as_was_probed(larger):
    fit = Fit(larger)
    fit.step()
    # Others' work only adds to either: the least is what it takes.
    probed = min(probe(larger).step_seconds for _ in range(3))
    measured = min(fit.step().epoch_seconds for _ in range(3))
    assert probed == pytest.approx(measured, rel=0.35)


@pytest.mark.usefixtures("in_seconds_of_work")
def test_a_step_of_folds_in_turn_is_an_epoch_of_one(larger):
    together, in_turn = (
        probe(larger.with_values({"cv.fidelity": by})) for by in ("epochs", "folds")
    )
    assert in_turn.step_seconds == pytest.approx(together.step_seconds / 2, rel=0.35)


@pytest.mark.usefixtures("in_seconds_of_work")
def test_two_networks_of_a_trial_take_the_time_of_both(larger):
    alone, both = (
        probe(larger.model_copy(update={"members": MembersConfig(settings=settings)}))
        for settings in ({}, {"a": {"loss.smoothing": 0.1}, "b": {"loss.smoothing": 0.2}})
    )
    for name in ("step_seconds", "validation_seconds_per_image"):
        assert getattr(both, name) == pytest.approx(2 * getattr(alone, name), rel=0.35)


@pytest.mark.usefixtures("in_seconds_of_work")
def test_every_view_of_a_predicted_image_is_timed(larger):
    plain, ten_views = (
        probe(larger.with_values(values)).validation_seconds_per_image
        for values in ({}, {"predict.crops": 5, "predict.flip": True})
    )
    assert 5 < ten_views / plain < 20


def test_an_epoch_is_probed_with_its_backbone_learning(tiny, monkeypatch):
    probed, train = set(), FoldFit.train_epoch

    def noting(fit, epoch, **words):
        probed.add(epoch)
        train(fit, epoch, **words)

    monkeypatch.setattr(FoldFit, "train_epoch", noting)
    probe(tiny.with_values({"train.epochs": 4, "optim.freeze_epochs": 2}))
    assert probed == {2}, "the first after the frozen ones"


def test_a_rate_that_loses_the_loss_is_probed_like_any_other(tiny):
    assert probe(tiny.with_values({"optim.lr": 1e30})).step_seconds > 0


def test_process_keeps_its_threads(tiny, request):
    request.addfinalizer(partial(torch.set_num_threads, torch.get_num_threads()))
    torch.set_num_threads(2)
    probe(tiny.with_values({"machine.threads": 1}))
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize(("at_most", "batches"), [(3, 3), (100, 8), (None, 8)])
def test_part_of_an_epoch_are_its_first_batches(tiny, at_most, batches):
    data = load_data(tiny.data)
    fit = FoldFit(tiny, data, data.folds(tiny.cv)[0], 0)
    fit.train_epoch(0, at_most=at_most)
    passes = {int(value) for name, value in fit.weights().items() if "num_batches" in name}
    assert passes == {batches}
