"""relabel_vote: gender and mask from one network, age from another; 10th."""

from trainable.recipes.recipe import Recipe

RECIPE = Recipe(
    source="retrospective of five members, from 47th to 16th, then 10th",
    foundation={
        # "K-fold ResNet18 soft vote"
        "model.backbone": "resnet18",
        "model.pretrained": True,
        "data.image_height": 256,
        "data.image_width": 192,
        "optim.lr": 5e-4,
        "train.epochs": 10,
        "cv.folds": 5,
    },
    techniques={
        # "58 and 59 trained as 60"
        "relabelled 58 and 59": {"train.age_cutoff": 58},
        # Labels on which most teams agree that they are wrong.
        "label fixes": {"data.label_fixes": "known"},
        # "Extra augmented copies of the 60+ persons"
        "copies of the old": {"train.old_copies": 2},
        "F1 loss": {"loss.name": "f1"},
        "gradient accumulation": {"optim.accumulate": 2},
    },
    # "The jump: gender and mask from one submission, age from another"
    members={"all": {"model.heads": "joint"}, "age": {"model.heads": "age"}},
    vote="task",
)
