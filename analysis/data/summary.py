"""What do the counts mean, in words?"""

import numpy as np

from analysis.data.counts import Counts, Group
from trainable.config import TrialConfig
from trainable.labels import MIDDLE_AGE, OLD_AGE
from trainable.sections.data import CvConfig, TrainConfig


def summary(counts: Counts, config: TrialConfig) -> list[str]:
    """Return the sentences at the top of the page; ``config`` says who is trained and predicted."""
    return [
        _amounts(counts),
        _shares(counts),
        _ages(counts),
        *_cutoff(counts, config.train),
        *_dropped(counts, config.train),
        _rarest(counts, config.cv),
    ]


def _amounts(counts: Counts) -> str:
    total = counts.total
    sentence = (
        f"{total.persons:,} persons with {total.images:,} training images "
        f"({total.images / total.persons:.3g} each), and {counts.eval_images:,} eval images to "
        "predict."
    )
    if counts.unreadable:
        sentence += f" {len(counts.unreadable):,} more cannot be read and are not counted here."
    return sentence


def _shares(counts: Counts) -> str:
    shares = [f"{task}: {_task_shares(groups)}" for task, groups in counts.tasks.items()]
    return f"Of the training images, by {'; by '.join(shares)}."


def _task_shares(groups: list[Group]) -> str:
    total = sum(group.images for group in groups)
    return ", ".join(f"{group.images / total:.0%} {group.name}" for group in groups)


def _ages(counts: Counts) -> str:
    persons = counts.years.sum(axis=1)
    years = np.repeat(persons.index.to_numpy(), persons.to_numpy())
    return (
        f"Ages run from {years.min()} to {years.max()} years, the median is {np.median(years):g}."
    )


def _cutoff(counts: Counts, train: TrainConfig) -> list[str]:
    if train.age_cutoff == OLD_AGE:
        return []
    moved = _persons(counts, train.age_cutoff, OLD_AGE - 1)
    return [f"train.age_cutoff={train.age_cutoff} trains {moved:,} persons below 60 as old."]


def _dropped(counts: Counts, train: TrainConfig) -> list[str]:
    bands = {
        "train.drop_below_30": (MIDDLE_AGE, train.drop_below_30),
        "train.drop_below_60": (OLD_AGE, train.drop_below_60),
    }
    return [
        f"{path}={years} leaves {_persons(counts, end - years, end - 1):,} persons of "
        f"{end - years} to {end - 1} years out of training."
        for path, (end, years) in bands.items()
        if years
    ]


def _persons(counts: Counts, first: int, last: int) -> int:
    return int(counts.years.loc[first:last].to_numpy().sum())


def _rarest(counts: Counts, config: CvConfig) -> str:
    missing = [group.name for group in counts.classes if not group.images]
    if missing:
        return f"No image is of the class {'; '.join(missing)}: no trial can learn it."
    rarest = min(counts.classes, key=lambda group: group.images)
    return (
        f"The smallest class is “{rarest.name}” with {rarest.images:,} images of "
        f"{rarest.persons:,} persons ({rarest.images / counts.total.images:.1%} of all)."
        f"{_weight(rarest.images, config)}"
    )


def _weight(images: int, config: CvConfig) -> str:
    """Say how much one of a class's images weighs in the score, which pools all folds."""
    if config.folds == 0:
        return ""
    if config.folds == 1:
        scored = max(1, round(images * config.validation_share))
        split = f"cv.validation_share={config.validation_share:g} about {scored} are predicted"
    else:
        scored, in_fold = images, images / config.folds
        split = f"cv.folds={config.folds} each is predicted once, about {in_fold:.0f} a fold"
    moved = f"one more or less right moves the recall of this class by {1 / scored:.2f}"
    return f" With {split}: {moved}."
