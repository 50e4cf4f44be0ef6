"""Bars are as long as the accuracy that they name, and every chart is a picture."""

import io

import numpy as np
import pytest
from PIL import Image

from orchestrator.charts import (
    accuracy_bars,
    class_bars,
    class_confusion,
    task_bars,
    task_confusions,
)

LABELS = np.array([0, 0, 0, 0, 4, 4, 17, 17])
"""Worn, male, <30; worn, female, 30-59; not worn, female, >=60."""
FOUND = np.array([0, 0, 0, 1, 4, 1, 17, 5])


def lengths(bars):
    return {bar.name: bar.length for bar in bars if not np.isnan(bar.length)}


def test_bars_of_tasks_are_their_accuracies_and_those_of_their_classes():
    assert lengths(task_bars(LABELS, FOUND)) == {
        "mask": 7 / 8,
        **{"worn (6)": 1, "not worn (2)": 1 / 2},
        "gender": 7 / 8,
        **{"male (4)": 1, "female (4)": 3 / 4},
        "age": 7 / 8,
        **{"<30 (4)": 3 / 4, "30-59 (2)": 1, ">=60 (2)": 1},
    }
    assert [bar.name for bar in task_bars(LABELS, FOUND) if bar.is_total] == [
        "mask",
        "gender",
        "age",
    ]


def test_bars_of_classes_are_their_accuracies_and_a_class_without_images_has_none():
    assert lengths(class_bars(LABELS, FOUND)) == {
        "worn, male, <30 (4)": 3 / 4,
        "worn, female, 30-59 (2)": 1 / 2,
        "not worn, female, >=60 (2)": 1 / 2,
    }
    assert len(class_bars(LABELS, FOUND)) == 18


def test_only_the_tasks_of_a_trial_have_bars():
    assert [bar.name for bar in task_bars(LABELS, FOUND, ["gender"])] == [
        "gender",
        "male (4)",
        "female (4)",
    ]


@pytest.mark.parametrize(
    ("draw", "size"),
    [
        (lambda: accuracy_bars(LABELS, FOUND), (1120, 560)),
        (lambda: accuracy_bars(LABELS, FOUND, ["age"]), (560, 560)),
        (lambda: task_confusions(LABELS, FOUND), (1260, 420)),
        (lambda: task_confusions(LABELS, FOUND, ["mask"]), (420, 420)),
        (lambda: class_confusion(LABELS, FOUND), (1000, 960)),
    ],
)
def test_charts_are_pictures_with_something_on_them(draw, size):
    image = Image.open(io.BytesIO(draw())).convert("L")
    assert image.size == size
    assert image.getextrema() == (0, 255)
