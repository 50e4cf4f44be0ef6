"""f1_mix: networks that see the whole image and its centre, 13th."""

from trainable.recipes.recipe import Recipe

RECIPE = Recipe(
    source="P1 Stage, 13th",
    foundation={
        # "EfficientNet b0..b7"
        "model.backbone": "tf_efficientnet_b4",
        "model.pretrained": True,
        "data.image_height": 380,
        "data.image_width": 380,
        # "no normalisation"
        "data.normalization": "none",
        # "Profile split 0.15-0.25"
        "cv.validation_share": 0.2,
        # "MADGRAD, StepLR gamma 0.5"
        "optim.name": "madgrad",
        "optim.lr": 1e-4,
        "optim.schedule": "step",
        "optim.step_factor": 0.5,
        "train.epochs": 10,
    },
    techniques={
        "dropout": {"model.dropout": 0.3},
        # "CE weighted by class counts + F1 loss in a weighted sum"
        "class weights": {"loss.class_weights": "inverse"},
        "F1 loss": {"loss.mix.f1": 0.4},
        "colour jitter": {"augment.colour_jitter": 0.5},
        # "histogram equalisation of luma"
        "luma equalisation": {"augment.equalize": 1.0},
        "vertical flip": {"augment.vertical_flip": 0.5},
        "cut-off 57": {"train.age_cutoff": 57},
    },
    tried={"focal loss": {"loss.name": "focal"}},
    # "what helped most was mixing models with and without CenterCrop"; "Hard vote of six models":
    # --method hard --top 3 is near it, three trials of two networks; each settles its own ties.
    members={"whole": {"data.crop": "none"}, "centre": {"data.crop": "center"}},
    vote="hard",
)
