"""v2l_per_task: three networks, F1 0.7488 public, 0.7229 private."""

from trainable.recipes.recipe import Recipe

RECIPE = Recipe(
    source="7th week's retrospective: three separate models, combined at inference",
    foundation={
        # "EfficientNetV2-L", on crops of 384; "8:2"
        "model.backbone": "tf_efficientnetv2_l",
        "model.pretrained": True,
        "model.heads": "multi",
        "data.image_height": 384,
        "data.image_width": 384,
        "data.normalization": "imagenet",
        "cv.validation_share": 0.2,
        # "SAM optimizer, lr 0.01"
        "optim.name": "sgd",
        "optim.lr": 0.01,
        "train.epochs": 10,
    },
    techniques={
        # "Focal loss with label smoothing"
        "focal loss": {"loss.name": "focal"},
        "label smoothing": {"loss.smoothing": 0.1},
        "SAM": {"optim.sam_rho": 0.05},
        # "Age and gender models see one image in seven per person, drawn at random each epoch"
        "one image per person": {"train.sampler": "one_per_person"},
        # "crop to 384 (centre for age, lower centre for gender ...)": of 384 x 512 pixels
        "crop": {"data.crop": "center", "data.crop_height": 0.75, "data.crop_width": 1.0},
        "greyscale": {"augment.greyscale": 1.0},
        # "sharpen alpha 0.5-1"
        "sharpen": {"augment.sharpen": 0.5},
        "horizontal flip": {"augment.flip": 0.3},
    },
    tried={
        # "EMA of weights and freezing the backbone first: wanted"
        "averaged weights": {"optim.ema_decay": 0.99},
        "backbone frozen first": {"optim.freeze_epochs": 1},
    },
    members={
        # "the mask model sees all seven"; "random resized 0.8-1.0 for mask"
        "mask": {
            "model.heads": "mask",
            "train.sampler": "shuffle",
            "data.crop": "none",
            "augment.random_crop": 1.0,
        },
        "gender": {"model.heads": "gender", "data.crop": "lower_center"},
        "age": {"model.heads": "age"},
    },
    vote="task",
)
