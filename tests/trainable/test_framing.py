"""The part of an image that is kept is the one that the settings say, at every scale and turn."""

import io

import numpy as np
import pytest
from PIL import Image
from torchvision.transforms.v2 import functional as library

from trainable.framing import (
    WHOLE,
    Box,
    CentralPart,
    FacePart,
    ImageSize,
    decode_image,
    upright_size,
)

COMPETITION = ImageSize(height=512, width=384)
UPRIGHT, HALF_TURN, QUARTER_TURN, OTHER_QUARTER_TURN = 1, 3, 6, 8
"""Values of the EXIF orientation."""
TURNS = {HALF_TURN: 180, QUARTER_TURN: 90, OTHER_QUARTER_TURN: -90}
"""How far an upright image is turned, counter-clockwise, to be stored under a value."""


def encoded(pixels: np.ndarray, kind: str = "png", orientation: int = UPRIGHT) -> bytes:
    buffer, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(pixels).rotate(TURNS.get(orientation, 0), expand=True)
    quality = {"quality": 100, "subsampling": 0} if kind == "jpeg" else {}
    stored.save(buffer, kind, exif=exif, **quality)
    return buffer.getvalue()


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def smooth(height: int, width: int) -> np.ndarray:
    """A different colour at each place, without edges."""
    y, x = np.mgrid[:height, :width]
    return np.stack([255 * x / width, 255 * y / height, 0 * x], axis=2).astype(np.uint8)


def test_center_is_the_middle_part():
    part = CentralPart(height=0.5, width=0.25)
    assert part.box(COMPETITION) == Box(left=144, top=128, right=240, bottom=384)


def test_lower_center_touches_the_bottom_edge():
    part = CentralPart(height=0.5, width=0.25, at_bottom=True)
    assert part.box(COMPETITION) == Box(left=144, top=256, right=240, bottom=512)


def test_center_crop_is_that_of_torchvision():
    pixels = noise(51, 40)
    cropped = decode_image(encoded(pixels), ImageSize(31, 18), CentralPart(31 / 51, 18 / 40))
    expected = library.center_crop(Image.fromarray(pixels), [31, 18])
    assert np.array_equal(cropped, np.asarray(expected))


def test_whole_image_is_resized_only():
    pixels = noise(50, 40)
    expected = Image.fromarray(pixels).resize((16, 20), Image.Resampling.BILINEAR)
    assert np.array_equal(decode_image(encoded(pixels), ImageSize(20, 16)), np.asarray(expected))


def test_face_grows_by_the_margin_on_each_side():
    part = FacePart(Box(100, 200, 200, 240), margin=0.25)
    assert part.box(COMPETITION) == Box(left=75, top=190, right=225, bottom=250)


def test_margin_ends_at_the_frame():
    part = FacePart(Box(10, -5, 380, 500), margin=0.5)
    assert part.box(COMPETITION) == Box(left=0, top=0, right=384, bottom=512)


def test_part_is_cropped_before_it_is_resized():
    pixels = noise(50, 40)
    part = FacePart(Box(10, 20, 30, 40), margin=0.2)
    expected = Image.fromarray(pixels[16:44, 6:34]).resize((7, 14), Image.Resampling.BILINEAR)
    found = decode_image(encoded(pixels), ImageSize(height=14, width=7), part)
    assert np.array_equal(found, np.asarray(expected))


@pytest.mark.parametrize("orientation", [UPRIGHT, HALF_TURN, QUARTER_TURN, OTHER_QUARTER_TURN])
@pytest.mark.parametrize(
    "part", [CentralPart(0.5, 0.5, at_bottom=True), FacePart(Box(2, 3, 9, 20), 0)]
)
def test_parts_are_of_the_upright_image(orientation, part):
    pixels = noise(50, 40)
    turned = encoded(pixels, orientation=orientation)
    size = ImageSize(height=17, width=7)
    assert np.array_equal(
        decode_image(turned, size, part), decode_image(encoded(pixels), size, part)
    )
    with Image.open(io.BytesIO(turned)) as image:
        assert upright_size(image) == ImageSize(height=50, width=40)


@pytest.mark.parametrize("orientation", [UPRIGHT, QUARTER_TURN])
@pytest.mark.parametrize(
    "part", [WHOLE, CentralPart(0.5, 0.25), FacePart(Box(500, 100, 700, 400), 0.1)]
)
def test_large_photograph_that_is_decoded_reduced_shows_the_same_part(orientation, part):
    pixels = smooth(1027, 771)
    size = ImageSize(height=32, width=24)
    left, top, right, bottom = (round(edge) for edge in part.box(ImageSize(1027, 771)))
    kept = Image.fromarray(pixels[top:bottom, left:right])
    expected = np.asarray(kept.resize((24, 32), Image.Resampling.BILINEAR), int)
    found = decode_image(encoded(pixels, "jpeg", orientation), size, part)
    assert np.abs(found - expected).max() <= 3


@pytest.mark.parametrize("orientation", [UPRIGHT, QUARTER_TURN])
@pytest.mark.parametrize(
    ("part", "reduced_by"),
    [
        (WHOLE, 8),
        (CentralPart(height=0.5, width=1), 4),
        (CentralPart(height=1, width=0.5), 4),
        (FacePart(Box(100, 100, 124, 132), 0), 1),
    ],
)
def test_photograph_is_reduced_only_while_the_part_has_enough_pixels(orientation, part, reduced_by):
    content, size = encoded(noise(256, 192), "jpeg", orientation), ImageSize(32, 24)
    with Image.open(io.BytesIO(content)) as image:
        image.draft("RGB", (image.width // reduced_by, image.height // reduced_by))
        upright = image.rotate(-TURNS.get(orientation, 0), expand=True)
    box = [round(edge / reduced_by) for edge in part.box(ImageSize(256, 192))]
    kept = upright.crop(box).resize((24, 32), Image.Resampling.BILINEAR)
    assert np.array_equal(decode_image(content, size, part), np.asarray(kept))


@pytest.mark.parametrize(
    ("part", "y", "x"),
    [(CentralPart(0.01, 0.01), 20, 16), (FacePart(Box(31.9, 39.9, 32, 40), 0), 39, 31)],
)
def test_part_of_less_than_a_pixel_is_a_pixel(part, y, x):
    pixels = noise(40, 32)
    found = decode_image(encoded(pixels), ImageSize(height=2, width=2), part)
    assert (found == pixels[y, x]).all()


def test_photograph_is_turned_upright():
    lying = np.zeros((32, 40, 3), np.uint8)
    lying[:, :20] = 255
    buffer, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = QUARTER_TURN
    Image.fromarray(lying).save(buffer, "png", exif=exif)
    upright = decode_image(buffer.getvalue(), ImageSize(height=40, width=32))
    assert (upright[:20] == 255).all()
    assert (upright[20:] == 0).all()


def test_transparent_and_grey_images_become_rgb():
    for mode in ("L", "P", "RGBA", "1"):
        buffer = io.BytesIO()
        Image.new(mode, (32, 40), 1).save(buffer, "png")
        assert decode_image(buffer.getvalue(), ImageSize(40, 32)).shape == (40, 32, 3)


@pytest.mark.filterwarnings("ignore:Image size")
def test_image_larger_than_any_camera_makes_is_refused_unread():
    buffer = io.BytesIO()
    Image.new("1", (20_000, 6_000)).save(buffer, "png")
    with pytest.raises(ValueError, match="20000 x 6000 pixels"):
        decode_image(buffer.getvalue(), ImageSize(40, 32))
