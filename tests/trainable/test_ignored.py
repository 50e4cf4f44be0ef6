"""A typed setting that changes nothing is pointed out."""

import pytest

from trainable.config import TrialConfig
from trainable.ignored import CONDITIONS, ignored_settings


@pytest.mark.parametrize("path", [*CONDITIONS, "loss.gamma"])
def test_setting_without_effect_is_named_with_its_reason(path):
    config = TrialConfig().with_values({"cv.folds": 2})
    [note] = ignored_settings(config, {path})
    assert note.startswith(f"{path} has no effect with ")


def test_gamma_counts_where_focal_loss_is_mixed_in():
    config = TrialConfig().with_values({"loss.mix.focal": 0.5})
    assert ignored_settings(config, {"loss.gamma"}) == []


def test_setting_counts_where_the_other_one_is_searched():
    assert ignored_settings(TrialConfig(), {"loss.gamma"}, {"loss.name"}) == []


def test_untyped_settings_are_not_mentioned():
    assert ignored_settings(TrialConfig(), set()) == []
