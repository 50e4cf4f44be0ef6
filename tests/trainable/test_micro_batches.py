"""A batch in parts takes less memory and gives the gradient, and so the step, of the whole one."""

import pytest
import torch

from trainable.batches import parts_of
from trainable.config import TrialConfig
from trainable.dataset import load_data
from trainable.fold_fit import FoldFit
from trainable.heads import class_targets
from trainable.losses import TrialLoss

WITHOUT_BATCH_NORMS = "test_convnext"
LABELS = torch.tensor([0, 5, 17, 5, 9, 2, 5])
TARGETS = class_targets(LABELS)


@pytest.fixture
def plain(tiny) -> TrialConfig:
    """Plain descent of a network without batch norms, in seven batches of 16 and one of 14."""
    values = {
        "model.backbone": WITHOUT_BATCH_NORMS,
        "optim.name": "sgd",
        "optim.lr": 0.01,
        "augment.cutmix": 0.5,
        "augment.flip": 0.5,
    }
    return tiny.with_values(values)


def trained(config: TrialConfig) -> tuple[float, dict[str, torch.Tensor]]:
    """Return the loss of an epoch, and the weights that predict after it."""
    data = load_data(config.data)
    fit = FoldFit(config, data, data.folds(config.cv)[0], 0)
    return fit.train_epoch(0).loss, fit.weights()


def assert_same(config: TrialConfig, parts: int, tolerance: float = 1e-6) -> None:
    """Assert that an epoch in so many parts a batch ends with the weights of whole batches."""
    loss, weights = trained(config)
    in_parts = trained(config.with_values({"machine.micro_batches": parts}))
    assert in_parts[0] == pytest.approx(loss, abs=tolerance)
    for name, value in weights.items():
        torch.testing.assert_close(in_parts[1][name], value, rtol=0, atol=tolerance)


@pytest.mark.parametrize("parts", [2, 3, 8])
def test_parts_move_the_weights_as_the_whole_batch(plain, parts):
    assert_same(plain, parts)


@pytest.mark.parametrize(
    "values",
    [
        {"optim.accumulate": 3},
        {"optim.sam_rho": 0.05},
        {"optim.ema_decay": 0.9},
        {"optim.clip_norm": 0.1},
        {"loss.class_weights": "inverse", "loss.name": "focal"},
        {"model.heads": "multi", "loss.weighting": "uncertainty"},
    ],
)
def test_parts_change_no_other_technique(plain, values):
    assert_same(plain.with_values(values), 4)


def test_scaled_losses_of_parts_add_up(plain):
    assert_same(plain.with_values({"machine.precision": "float16"}), 2, tolerance=2e-3)


@pytest.mark.parametrize(
    "values",
    [
        {"loss.name": "focal", "loss.smoothing": 0.1},
        {"loss.class_weights": "inverse"},
        {"model.heads": "multi", "loss.class_weights": "effective"},
        {"model.heads": "multi", "loss.weighting": "uncertainty"},
    ],
)
def test_losses_of_parts_add_up_to_the_batch_s(values):
    config = TrialConfig().with_values(values)
    loss = TrialLoss(config, TARGETS)
    outputs = torch.randn(7, 8 if config.model.heads == "multi" else 18)
    parts = [loss(outputs[part], TARGETS[part], TARGETS) for part in parts_of(7, 3)]
    torch.testing.assert_close(torch.stack(parts).sum(), loss(outputs, TARGETS))


@pytest.mark.parametrize("images", range(2, 40))
@pytest.mark.parametrize("count", [1, 2, 3, 5, 64])
def test_parts_are_the_batch_and_none_is_one_image(images, count):
    parts = parts_of(images, count)
    assert [i for part in parts for i in range(images)[part]] == list(range(images))
    sizes = [part.stop - part.start for part in parts]
    assert min(sizes) >= 2
    assert max(sizes) - min(sizes) <= 1
    assert len(parts) == min(count, images // 2)


def test_part_is_all_that_a_network_sees_at_once(tiny):
    data = load_data(tiny.data)
    config = tiny.with_values({"machine.micro_batches": 4})
    fit = FoldFit(config, data, data.folds(config.cv)[0], 0)
    seen: list[int] = []
    fit.model.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    fit.train_epoch(0)
    assert set(seen) == {3, 4}
