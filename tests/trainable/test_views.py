"""An image is predicted from views that can be worked out by hand."""

import pytest
import torch

from trainable.sections.network import PredictConfig
from trainable.views import views_of


def ramp() -> torch.Tensor:
    """Return an image (1, 3, 10, 10) that gains 20 from each column to the next."""
    return (20 * torch.arange(10)).to(torch.uint8).expand(1, 3, 10, 10)


def test_plain_view_is_the_image():
    (view,) = views_of(ramp(), PredictConfig())
    assert torch.equal(view, ramp())


def test_flip_adds_the_mirror_image():
    image, mirrored = views_of(ramp(), PredictConfig(flip=True))
    assert torch.equal(image, ramp())
    assert mirrored[0, 0, 0].tolist() == [180, 160, 140, 120, 100, 80, 60, 40, 20, 0]


def test_crops_are_the_corners_and_the_centre_stretched_to_the_image():
    crops = list(views_of(ramp(), PredictConfig(crops=5)))
    # Column i of a crop of 9 lies at (i + 0.5) * 0.9 - 0.5 of it, its ends are repeated.
    left = [0, 17, 35, 53, 71, 89, 107, 125, 143, 160]
    starts = [0, 1, 0, 1, 0]  # top left, top right, bottom left, bottom right, centre
    assert [crop[0, 0, 0].tolist() for crop in crops] == [
        [value + 20 * start for value in left] for start in starts
    ]


def test_crops_move_down_as_they_move_right():
    crops = [crop[0, 0, :, 0] for crop in views_of(ramp().mT, PredictConfig(crops=5))]
    assert [int(crop[0]) for crop in crops] == [0, 0, 20, 20, 0]


def test_centre_leaves_as_much_on_each_side():
    image = torch.zeros(1, 3, 20, 20, dtype=torch.uint8)
    image[:, :, 1:19, 1:19] = 100
    *corners, centre = views_of(image, PredictConfig(crops=5))
    assert set(centre.unique().tolist()) == {100}
    assert all(0 in corner for corner in corners)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (96, 72), (33, 47)])
def test_each_crop_is_followed_by_its_mirror_image(height, width):
    images = torch.randint(256, (2, 3, height, width), dtype=torch.uint8)
    views = list(views_of(images, PredictConfig(crops=5, flip=True)))
    assert len(views) == 10
    for view, mirrored in zip(views[::2], views[1::2], strict=True):
        assert view.shape == images.shape
        assert torch.equal(view.flip(3), mirrored)
