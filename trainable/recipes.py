"""Which settings go by one word, `recipe=` or `scale=`?"""

from collections.abc import Mapping

from trainable.config import Value

Settings = Mapping[str, Value]
"""Dotted path -> value; what is not named keeps its default."""

RECIPES: Mapping[str, Settings] = {
    "plain": {},
}
"""What to train; `plain` is cross-entropy with nothing added, the reference of every question."""

SCALES: Mapping[str, Settings] = {
    "full": {},
    "small": {
        "model.backbone": "mobilenetv3_small_050",
        "model.pretrained": False,
        "data.image_height": 96,
        "data.image_width": 72,
    },
}
"""How large: `full` as the recipe says, `small` for two cores."""
