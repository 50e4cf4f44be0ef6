"""recsys04, 4th place: F1 0.7765 public without, 0.7718 private with face crop."""

from trainable.recipes.recipe import Recipe

RECIPE = Recipe(
    source="recsys04, Wrap up Report: accuracy 81.83 %, F1 0.7765 public",
    foundation={
        # "EfficientNet b0..b4, best b4", whose input size is 380.
        "model.backbone": "tf_efficientnet_b4",
        "model.pretrained": True,
        "data.image_height": 380,
        "data.image_width": 380,
        # "Adam or AdamW, lr 1e-4, StepLR or cosine, batch 32, 5-10 epochs"
        "optim.name": "adam",
        "optim.lr": 1e-4,
        "optim.weight_decay": 0.0,
        "train.epochs": 10,
        # "Stratified, person-grouped 5-fold, OOF"
        "cv.folds": 5,
    },
    # In the order of the team's table, then what its text adds.
    techniques={
        "border elimination": {"train.drop_below_30": 3, "train.drop_below_60": 3},
        # "Random erasing (5 % x 5 %)"
        "random erasing": {"augment.erasing": 0.5, "augment.erasing_share": 0.0025},
        # "Horizontal CutMix and in-batch CutMix"
        "CutMix": {"augment.horizontal_cutmix": 0.5, "augment.cutmix": 0.5},
        "HF60": {"augment.flip_old": 0.5},
        # "k-fold + TTA"
        "test-time views": {"predict.flip": True},
        # "Balanced sampler over labels"
        "balanced sampler": {"train.sampler": "balanced"},
        # "Normalisation recomputed from train and eval images"
        "own normalisation": {"data.normalization": "data"},
    },
    tried={
        "label smoothing": {"loss.smoothing": 0.1},
        "multi-head": {"model.heads": "multi"},
        # "Face crop by a detector (MTCNN) with enlarged margin, so that forehead and chin stay in"
        "face crop": {"data.face_boxes": "mtcnn"},
        "centre crop": {"data.crop": "center"},
        "Canny edges": {"augment.canny": 0.5},
        "colour jitter": {"augment.colour_jitter": 0.5},
        "Gaussian blur": {"augment.blur": 0.5},
        # "RGB to HLS manipulation"
        "HLS shift": {"augment.hls": 0.5},
    },
)
