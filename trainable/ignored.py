"""Which of the settings that somebody typed have no effect beside the others?"""

from collections.abc import Collection, Mapping

from trainable.config import TrialConfig, Value

CONDITIONS: Mapping[str, tuple[str, tuple[Value, ...]]] = {
    "optim.step_epochs": ("optim.schedule", ("step",)),
    "optim.step_factor": ("optim.schedule", ("step",)),
    "cv.validation_share": ("cv.folds", (1,)),
}
"""Path -> another path and the values of it with which the first has an effect."""


def ignored_settings(
    config: TrialConfig, typed: Collection[str], searched: Collection[str] = ()
) -> list[str]:
    """Return a sentence for each typed path that changes nothing, whatever is searched."""
    notes = [
        f"{path} has no effect with {other}={config.value(other)}"
        for path, (other, values) in CONDITIONS.items()
        if path in typed and other not in searched and config.value(other) not in values
    ]
    focal_paths = {"loss.name", "loss.mix.focal"}
    is_focal = config.loss.name == "focal" or config.loss.mix.focal > 0
    if "loss.gamma" in typed and not is_focal and not focal_paths & set(searched):
        notes.append(f"loss.gamma has no effect with loss.name={config.loss.name}")
    return notes
