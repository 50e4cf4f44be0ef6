"""What do all sides of the benchmark train?"""

from dataclasses import dataclass
from pathlib import Path

from trainable.config import TrialConfig
from trainable.recipes.catalogue import SCALES

SCALE, SPACE = "small", "loss_aug"
"""Words of the search: a small network on small images, and the space that is searched."""
BACKBONE = "mobilenetv3_small_050"
IMAGE_HEIGHT, IMAGE_WIDTH = 96, 72


@dataclass(frozen=True)
class Task:
    """The data folder and how much of it is trained.

    ``limit_epochs`` are those that each bare process trains in each variant and measurement.
    """

    root: Path
    trials: int = 12
    epochs: int = 6
    limit_epochs: int = 2

    def trial(self) -> TrialConfig:
        """Return the settings from which the trials of the search start."""
        config = TrialConfig().with_values({**SCALES[SCALE], "data.root": str(self.root)})
        assert config.model.backbone == BACKBONE
        assert (config.data.image_height, config.data.image_width) == (IMAGE_HEIGHT, IMAGE_WIDTH)
        return config
