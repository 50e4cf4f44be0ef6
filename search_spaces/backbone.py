"""Which backbone, at the input size it was made for, is best on a GPU?"""

from search_spaces.language import Space, choice, log_uniform, when

INPUT_SIZES = {
    "efficientnet_b0": 224,
    "efficientnet_b1": 240,
    "efficientnet_b2": 260,
    "tf_efficientnet_b3": 300,
    "tf_efficientnet_b4": 380,
    "tf_efficientnetv2_s": 384,
    "convnext_tiny": 224,
    "swin_tiny_patch4_window7_224": 224,
    "vit_small_patch16_224": 224,
    "resnet50": 224,
    "mobilenetv3_large_100": 224,
}
"""timm's name -> side of the square image, pixels (Tan & Le 2019 for EfficientNet)."""

_size = {backbone: choice(side) for backbone, side in INPUT_SIZES.items()}

SPACE = Space(
    question="Which backbone, at its own input size, gives the best macro-F1 on a GPU?",
    parameters={
        "model.backbone": choice(*INPUT_SIZES),
        "data.image_height": when("model.backbone", _size),
        "data.image_width": when("model.backbone", _size),
        "model.heads": choice("joint", "multi"),
        "optim.lr": log_uniform(5e-5, 2e-3),
    },
)
