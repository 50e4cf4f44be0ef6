"""Which metrics are there, and which of them ranks trials?"""

from collections.abc import Mapping
from statistics import fmean

from trainable.labels import TASKS

SCORE = "macro_f1"
"""The metric that trials are searched and ranked by; higher is better."""

METRICS = (
    SCORE,
    "accuracy",
    *(f"{task}_f1" for task in TASKS),
    *(f"{task}_accuracy" for task in TASKS),
)


METRIC_HEADINGS = {
    SCORE: "macro\nF1",
    "accuracy": "accu-\nracy",
    "mask_f1": "mask\nF1",
    "gender_f1": "gender\nF1",
    "age_f1": "age\nF1",
}
"""The metrics that tables show, and their headings in two lines."""


def main_score(metrics: Mapping[str, float]) -> float:
    """Return the macro-F1, or the mean F1 of the tasks that a model answers, if not all."""
    if SCORE in metrics:
        return metrics[SCORE]
    return fmean(metrics[f"{task}_f1"] for task in TASKS if f"{task}_f1" in metrics)


def score_name(metrics: Mapping[str, float]) -> str:
    """Return what ``main_score`` is of these metrics, as people are told."""
    if SCORE in metrics:
        return "macro-F1"
    return f"F1 of {' and '.join(task for task in TASKS if f'{task}_f1' in metrics)}"
