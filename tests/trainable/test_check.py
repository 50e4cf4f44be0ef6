"""What would stop a trial is found before it is started."""

import pytest

from trainable.check import check_trial
from trainable.settings import UserError


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"model.backbone": "resnet_18"}, "unknown backbone"),
        ({"model.pretrained": True}, "cannot be had here"),
        ({"data.root": "nowhere"}, "data.root=nowhere: there is no such folder"),
        ({"cv.folds": 5}, "lower cv.folds"),
        ({"cv.folds": 0}, "python -m trainable.final"),
        (
            {"augment.horizontal_cutmix": 0.5, "train.sampler": "one_per_person"},
            "augment.horizontal_cutmix=0.5 .* train.sampler=one_per_person",
        ),
    ],
)
def test_trial_is_checked_before_it_is_started(tiny, values, complaint):
    with pytest.raises(UserError, match=complaint):
        check_trial(tiny.with_values(values))


def test_backbone_that_does_not_take_the_image_size_is_refused(tiny):
    config = tiny.with_values({"model.backbone": "vit_tiny_patch16_224"})
    with pytest.raises(UserError, match="224"):
        check_trial(config)
