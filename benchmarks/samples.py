"""What is measured? The names of the samples that steps give and figures are made of."""

from dataclasses import dataclass

LIMIT_USUAL, LIMIT_FAST = "limit, usual loop", "limit, channels-last and fused"
SEARCH, GUIDE, LARGE = "search", "guide", "search, large sources"
CACHE_BUILD, AUGMENTATION = "cache build", "augmentation"
FURTHER_START, MEMORY, GUIDE_MEMORY = "further start", "memory", "memory, guide"
LARGE_MEMORY = "memory, large sources"
BEFORE_TRIALS, AFTER_TRIALS = "before the first trial", "after the last trial"
SECONDS_OF_A_TRIAL = ("setup", "data", "step", "validation", "store", "waiting")

COMPUTE_PLAIN = "compute share, no augmentation"
ONE_FOLD, FOLD_OF_FIVE = "one fold", "a fold of five"

LIMITS = (LIMIT_USUAL, LIMIT_FAST)


@dataclass(frozen=True)
class Sample:
    """One measured number; samples are kept in the order in which they were measured."""

    name: str
    value: float


def seconds_of(kind: str) -> str:
    """Return the name of the samples of one kind of a trial's seconds."""
    return f"a trial's {kind}"


def compute_share_of(recipe: str) -> str:
    """Return the name of the samples of a recipe's compute share."""
    return f"compute share, {recipe}"
