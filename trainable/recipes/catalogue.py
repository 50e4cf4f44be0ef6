"""Which recipes and scales are there, by one word each, `recipe=` and `scale=`?"""

from collections.abc import Mapping

from trainable.recipes import f1_mix, focal_multihead, recsys04, relabel_vote, v2l_per_task
from trainable.recipes.recipe import Recipe, Settings

RECIPES: Mapping[str, Recipe] = {
    # Cross-entropy with nothing added: the reference of every question.
    "plain": Recipe(source="the reference"),
    "recsys04": recsys04.RECIPE,
    "v2l_per_task": v2l_per_task.RECIPE,
    "focal_multihead": focal_multihead.RECIPE,
    "f1_mix": f1_mix.RECIPE,
    "relabel_vote": relabel_vote.RECIPE,
}

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
