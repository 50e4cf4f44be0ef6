"""Which loss, which augmentation and how large a step go together?"""

from search_spaces.language import Space, choice, log_uniform, uniform, when

SPACE = Space(
    question="Which loss, with which augmentation and learning rate, gives the best macro-F1?",
    parameters={
        "loss.name": choice("cross_entropy", "focal", "f1"),
        "loss.gamma": when("loss.name", {"focal": uniform(0.5, 4.0)}),
        "loss.smoothing": uniform(0.0, 0.2),
        "loss.class_weights": choice("none", "inverse"),
        "augment.flip": uniform(0.0, 0.5),
        "augment.brightness_contrast": uniform(0.0, 0.8),
        "augment.erasing": uniform(0.0, 0.6),
        "augment.horizontal_cutmix": uniform(0.0, 0.5),
        "optim.lr": log_uniform(3e-4, 1e-2),
    },
)
