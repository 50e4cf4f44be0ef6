"""How are training images changed at random?"""

from typing import Self

from pydantic import Field, model_validator

from trainable.settings import Section


class AugmentConfig(Section):
    """With which probability each technique changes a training image, and by how much.

    Greyscale, equalize, clahe and canny draw nothing but whether: with a probability of 1 they
    are how the network sees every image, and predicted images are changed too.
    """

    flip: float = Field(default=0.0, ge=0, le=1, description="horizontal flip")
    flip_old: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="horizontal flip of persons of 60 and over; the larger counts",
    )
    vertical_flip: float = Field(default=0.0, ge=0, le=1, description="vertical flip")
    random_crop: float = Field(
        default=0.0, ge=0, le=1, description="random part of the image, resized to the whole"
    )
    crop_scale: float = Field(
        default=0.8, gt=0, lt=1, description="smallest part of random_crop, share of the area"
    )
    brightness_contrast: float = Field(
        default=0.0, ge=0, le=1, description="brightness and contrast shifted"
    )
    shift: float = Field(
        default=0.2, gt=0, lt=1, description="largest shift of brightness_contrast"
    )
    colour_jitter: float = Field(
        default=0.0, ge=0, le=1, description="brightness, contrast, saturation and hue shifted"
    )
    hls: float = Field(default=0.0, ge=0, le=1, description="hue, lightness and saturation shifted")
    blur: float = Field(default=0.0, ge=0, le=1, description="Gaussian blur")
    noise: float = Field(default=0.0, ge=0, le=1, description="Gaussian noise")
    sharpen: float = Field(default=0.0, ge=0, le=1, description="sharpened, alpha 0.5 to 1")
    clahe: float = Field(
        default=0.0, ge=0, le=1, description="contrast-limited equalisation of the lightness"
    )
    equalize: float = Field(default=0.0, ge=0, le=1, description="histogram of the luma equalised")
    canny: float = Field(
        default=0.0, ge=0, le=1, description="Canny's edges blended in, a third of the image"
    )
    greyscale: float = Field(default=0.0, ge=0, le=1, description="colours removed")
    rand_augment: float = Field(
        default=0.0, ge=0, le=1, description="two random operations of RandAugment"
    )
    magnitude: int = Field(default=9, ge=1, le=30, description="strength of RandAugment")
    erasing: float = Field(default=0.0, ge=0, le=1, description="one rectangle erased")
    erasing_share: float = Field(
        default=0.1,
        gt=0,
        le=0.5,
        description="largest rectangle, share of the area; a fifth: least",
    )
    horizontal_cutmix: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="right half taken from another image of the class in the epoch",
    )
    cutmix: float = Field(
        default=0.0, ge=0, le=1, description="of a batch: rectangles exchanged, labels mixed"
    )
    mixup: float = Field(
        default=0.0, ge=0, le=1, description="of a batch: images and labels averaged in pairs"
    )
    mix_alpha: float = Field(
        default=1.0, gt=0, le=10, description="of the Beta distribution of cutmix and mixup"
    )

    @model_validator(mode="after")
    def _a_batch_is_mixed_once(self) -> Self:
        if self.cutmix + self.mixup > 1:
            raise ValueError(
                f"augment.cutmix={self.cutmix:g} and augment.mixup={self.mixup:g}: a batch takes "
                "one of the two, so together they stay within 1"
            )
        return self
