"""focal_multihead: one backbone, three heads, 11th of 38."""

from trainable.recipes.recipe import Recipe

RECIPE = Recipe(
    source="slides of team 23, 11th of 38",
    foundation={
        "model.backbone": "tf_efficientnet_b4",
        "model.pretrained": True,
        # "three heads, sum of three focal losses"
        "model.heads": "multi",
        # What "CenterCrop(400 high, 200 wide)" leaves of 512 x 384 pixels.
        "data.image_height": 400,
        "data.image_width": 200,
        # "baseline normalisation"
        "data.normalization": "competition",
        "optim.lr": 5e-4,
        "train.epochs": 10,
        # "Stratified (by age class) 5-fold"
        "cv.folds": 5,
    },
    techniques={
        "focal loss": {"loss.name": "focal", "loss.gamma": 2.0},
        # "Cut-off 58 (F1 +0.05)"
        "cut-off 58": {"train.age_cutoff": 58},
        # "a 1,024-wide layer"
        "hidden layer": {"model.hidden": 1024},
        "AdamP": {"optim.name": "adamp"},
        "centre crop": {
            "data.crop": "center",
            "data.crop_height": 400 / 512,
            "data.crop_width": 200 / 384,
        },
        # "RandomBrightnessContrast(0.1, 0.1, p 0.5)"
        "brightness and contrast": {"augment.brightness_contrast": 0.5, "augment.shift": 0.1},
    },
    tried={
        # "mixup alpha 1.0 over the three labels"
        "mixup": {"augment.mixup": 1.0, "augment.mix_alpha": 1.0},
        # "undersampling of worn masks (hurt)"
        "undersampling": {"train.sampler": "undersampled"},
    },
)
