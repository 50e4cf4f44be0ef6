"""Which augmentations help, and how often should each be drawn?"""

from search_spaces.language import Space, uniform

SPACE = Space(
    question="Which augmentations help, and with which probability?",
    parameters={
        "augment.flip": uniform(0.0, 0.5),
        "augment.flip_old": uniform(0.0, 0.5),
        "augment.brightness_contrast": uniform(0.0, 0.8),
        "augment.blur": uniform(0.0, 0.5),
        "augment.erasing": uniform(0.0, 0.6),
        "augment.horizontal_cutmix": uniform(0.0, 0.6),
        "augment.greyscale": uniform(0.0, 0.5),
    },
)
