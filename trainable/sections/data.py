"""Which images and persons does a trial see, and as which does it train them?"""

from typing import Literal, Self

from pydantic import Field, model_validator

from trainable.settings import Section

DEMO = "demo"
"""data.root of the embedded demo data."""
KNOWN_FIXES = "known"
"""data.label_fixes of the list that ships with the project."""
DETECTED = "mtcnn"
"""data.face_boxes of faces that a detector finds."""


class DataConfig(Section):
    """Which images, and what of them the network sees."""

    root: str = Field(
        default="demo", description="data folder in the competition's layout, or `demo`"
    )
    skip_unreadable: bool = Field(
        default=False, description="leave unreadable images out instead of stopping"
    )
    follow_links: bool = Field(
        default=False,
        description="take images, too, that links in the data folder fetch from outside it",
    )
    image_height: int = Field(
        default=96, ge=32, le=1024, description="height the network sees, pixels"
    )
    image_width: int = Field(
        default=72, ge=32, le=1024, description="width the network sees, pixels"
    )
    crop: Literal["none", "center", "lower_center"] = Field(
        default="none", description="part of every image that is kept, before resizing"
    )
    crop_height: float = Field(
        default=0.8, gt=0, le=1, description="height of the kept part, share of the image's"
    )
    crop_width: float = Field(
        default=0.8, gt=0, le=1, description="width of the kept part, share of the image's"
    )
    face_boxes: str = Field(
        default="",
        description="crop to the face: `mtcnn` finds it, or a CSV of image, left, top, right, "
        "bottom (pixels of the upright original); empty: the whole image",
    )
    face_margin: float = Field(
        default=0.2, ge=0, le=2, description="added on each side of a face, share of its size"
    )
    normalization: Literal["auto", "competition", "imagenet", "data", "none"] = Field(
        default="auto",
        description="auto: what pretrained weights expect, else the competition's baseline; data: "
        "computed from all training and eval images as they are cropped and resized",
    )
    label_fixes: str = Field(
        default="",
        description="CSV of id, field, value that corrects training labels, or `known`: the list "
        "of the competition's wrong labels",
    )

    @model_validator(mode="after")
    def _one_way_to_crop(self) -> Self:
        if self.face_boxes and self.crop != "none":
            raise ValueError(
                f"data.face_boxes={self.face_boxes} and data.crop={self.crop} both say which part "
                "of an image is kept: choose one of the two"
            )
        return self


class CvConfig(Section):
    """How persons are divided between training and validation."""

    folds: int = Field(
        default=1,
        ge=0,
        le=20,
        description="folds of persons; 1: one split; 0: train on all, validate on none",
    )
    fidelity: Literal["epochs", "folds"] = Field(
        default="epochs",
        description="what a trial that goes on gets more of. epochs: all folds advance together; "
        "folds: one after the other, further ones up to the epoch that was best in the first",
    )
    validation_share: float = Field(
        default=0.2, ge=0.05, le=0.5, description="share of persons held back when folds=1"
    )
    seed: int = Field(
        default=0, ge=0, description="seed of the split; trials compare only within one"
    )

    @model_validator(mode="after")
    def _folds_in_turn_are_several(self) -> Self:
        if self.fidelity == "folds" and self.folds < 2:
            raise ValueError(
                f"cv.fidelity=folds trains one fold after the other, and cv.folds={self.folds} "
                "makes no second one: use cv.folds=2 or more, or cv.fidelity=epochs"
            )
        return self


class TrainConfig(Section):
    """How long and on which training rows."""

    epochs: int = Field(
        default=8, ge=1, le=1000, description="epochs of a trial that is not stopped"
    )
    batch_size: int = Field(default=32, ge=2, le=4096, description="images of a batch")
    seed: int = Field(default=0, ge=0, description="seed of weights, order and augmentation")
    sampler: Literal["shuffle", "balanced", "one_per_person", "undersampled"] = Field(
        default="shuffle",
        description="training images of an epoch: each once; drawn so that classes come equally "
        "often; one of each person, at random; one worn mask of each person and all others",
    )
    old_copies: int = Field(
        default=0,
        ge=0,
        le=20,
        description="further copies, each changed anew, of every image of a person of 60 and over",
    )
    age_cutoff: int = Field(
        default=60, ge=50, le=60, description="persons from this age on are trained as old"
    )
    drop_below_30: int = Field(
        default=0, ge=0, le=10, description="years below 30 left out of training (3: ages 27-29)"
    )
    drop_below_60: int = Field(
        default=0, ge=0, le=10, description="years below 60 left out of training (3: ages 57-59)"
    )

    @model_validator(mode="after")
    def _cutoff_and_dropped_band_agree(self) -> Self:
        first_dropped = 60 - self.drop_below_60
        if self.drop_below_60 and self.age_cutoff < 60:
            raise ValueError(
                f"train.age_cutoff={self.age_cutoff} trains ages {self.age_cutoff}-59 as old, but "
                f"train.drop_below_60={self.drop_below_60} leaves out ages {first_dropped}-59: "
                "choose one of the two"
            )
        return self

    @model_validator(mode="after")
    def _copies_need_every_image(self) -> Self:
        if self.old_copies and self.sampler in ("one_per_person", "undersampled"):
            raise ValueError(
                f"train.old_copies={self.old_copies} adds images, and train.sampler={self.sampler} "
                "leaves images of the same persons out: choose one of the two"
            )
        return self
