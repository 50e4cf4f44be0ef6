"""The network sees colours with the mean and standard deviation that the settings say."""

import json

import numpy as np
import pytest
import timm
import torchvision
from timm.data.constants import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD

from trainable.config import TrialConfig
from trainable.dataset import FaceData, load_data
from trainable.normalization import Normalization, colour_sums, normalization

COMPETITION = Normalization((0.548, 0.504, 0.479), (0.237, 0.247, 0.246))


def of(config: TrialConfig, name: str, **model: object) -> Normalization:
    values = {f"model.{path}": value for path, value in model.items()}
    config = config.with_values({"data.normalization": name, **values})
    return normalization(config, load_data(config.data))


def as_numpy_says(data: FaceData) -> tuple[np.ndarray, np.ndarray]:
    caches = (data.cache, data.eval_cache)
    readable = [np.delete(cache.pixels, list(cache.unreadable), axis=0) for cache in caches]
    colours = np.concatenate(readable).reshape(-1, 3) / 255
    return colours.mean(axis=0), colours.std(axis=0)


def test_auto_is_the_competition_s_without_pretrained_weights(tiny):
    assert of(tiny, "auto") == COMPETITION


def test_auto_is_what_pretrained_weights_expect(tiny):
    backbone = "tf_efficientnet_lite0"
    known = timm.get_pretrained_cfg(backbone)
    found = of(tiny, "auto", backbone=backbone, pretrained=True)
    assert found == Normalization(known.mean, known.std)
    assert found != COMPETITION


@pytest.mark.parametrize("pretrained", [True, False])
def test_named_normalizations_do_not_depend_on_the_weights(tiny, pretrained):
    assert of(tiny, "competition", pretrained=pretrained) == COMPETITION
    imagenet = Normalization(IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD)
    assert of(tiny, "imagenet", pretrained=pretrained) == imagenet


def test_imagenet_is_also_what_torchvision_calls_so():
    preset = torchvision.models.ResNet18_Weights.IMAGENET1K_V1.transforms()
    assert list(IMAGENET_DEFAULT_MEAN) == preset.mean
    assert list(IMAGENET_DEFAULT_STD) == preset.std


def test_none_leaves_shares_of_255(tiny):
    assert of(tiny, "none") == Normalization((0, 0, 0), (1, 1, 1))


@pytest.mark.parametrize("crop", ["none", "lower_center"])
def test_data_s_mean_and_deviation_are_numpy_s_of_all_pixels_as_framed(tiny, crop):
    config = tiny.with_values({"data.crop": crop, "data.crop_height": 0.4})
    mean, std = as_numpy_says(load_data(config.data))
    found = of(config, "data")
    assert np.allclose(found.mean, mean, rtol=1e-12)
    assert np.allclose(found.std, std, rtol=1e-9)


def test_unreadable_images_do_not_darken_the_mean(tiny, own_faces):
    for image in sorted(own_faces.glob("train/images/000000_male_Asian_19/*")):
        image.write_bytes(b"")
    config = tiny.with_values({"data.root": str(own_faces), "data.skip_unreadable": True})
    mean, std = as_numpy_says(load_data(config.data))
    assert len(load_data(config.data).cache.unreadable) == 7
    assert np.allclose(of(config, "data").mean, mean, rtol=1e-12)
    assert np.allclose(of(config, "data").std, std, rtol=1e-9)


def test_colours_are_summed_once_for_all_trials(tiny):
    cache = load_data(tiny.data).cache
    first = colour_sums(cache)
    file = cache.folder / "colours.json"
    kept = file.read_text()
    assert first.pixels == 24 * 7 * 32 * 32
    try:
        file.write_text(json.dumps({**json.loads(kept), "pixels": 7}))
        assert colour_sums(cache).pixels == 7
    finally:
        file.write_text(kept)
