"""Changed answers are counted by task; the majority of the best is what most of them say."""

import numpy as np
import pandas as pd
import pytest

from analysis.changes import WHOLE, Move, best_submissions, changes, majority
from analysis.ledger import Estimate, Making, PublicScore, enter_score, read_ledger, record
from trainable.labels import CLASS_NAMES, encode
from trainable.settings import UserError

IMAGES = [f"{i}.jpg" for i in range(4)]
WORN_MALE_YOUNG, WORN_FEMALE_YOUNG, WORN_MALE_OLD = encode([0, 0, 0], [0, 1, 0], [0, 0, 2])
BARE_FEMALE_MIDDLE = int(encode(2, 1, 1))


def answers(*classes: int) -> "pd.Series[int]":
    return pd.Series(classes, index=IMAGES[: len(classes)])


def test_changes_are_counted_by_task_and_by_whole_class():
    first = answers(WORN_MALE_YOUNG, WORN_MALE_YOUNG, WORN_MALE_YOUNG, WORN_MALE_YOUNG)
    second = answers(WORN_MALE_YOUNG, WORN_FEMALE_YOUNG, WORN_MALE_OLD, BARE_FEMALE_MIDDLE)
    found = changes(first, second)
    counts = {task: found.count(task) for task in ("mask", "gender", "age", WHOLE)}
    assert counts == {"mask": 1, "gender": 2, "age": 2, WHOLE: 3}
    assert found.moves("gender") == [Move("gender", "male", "female", 2)]
    assert found.moves("age") == [Move("age", "<30", ">=60", 1), Move("age", "<30", "30-59", 1)]
    assert found.moves(WHOLE)[0].first == CLASS_NAMES[WORN_MALE_YOUNG]
    assert found.rows["ImageID"].tolist() == IMAGES[1:]
    assert found.images == 4


def test_order_of_the_rows_does_not_matter_but_the_direction_does():
    first, second = answers(0, 1, 2), answers(0, 5, 2)
    there, back = changes(first[::-1], second), changes(second, first)
    assert there.moves(WHOLE) == [Move(WHOLE, CLASS_NAMES[1], CLASS_NAMES[5], 1)]
    assert back.moves(WHOLE) == [Move(WHOLE, CLASS_NAMES[5], CLASS_NAMES[1], 1)]


def test_submissions_for_other_images_do_not_compare():
    with pytest.raises(UserError, match="different eval images, 3 and 2 with 2 in common"):
        changes(answers(0, 1, 2), answers(0, 1))


def test_majority_is_the_most_frequent_class_and_ties_go_to_the_best():
    best_first = [
        answers(3, 1, 9, 1),
        answers(4, 2, 9, 2),
        answers(4, 2, 7, 3),
        answers(5, 1, 7, 4),
    ]
    agreed, tied = majority(best_first)
    assert agreed.tolist() == [4, 1, 9, 1]
    assert agreed.index.tolist() == IMAGES
    assert tied == 3


def test_two_of_the_worst_outvote_the_best():
    agreed, tied = majority([answers(1), answers(2), answers(3), answers(17), answers(17)])
    assert (agreed.tolist(), tied) == ([17], 0)


def test_majority_aligns_rows_by_image():
    agreed, _ = majority([answers(1, 2, 3), answers(1, 2, 3)[::-1], answers(1, 2, 3)])
    assert agreed[IMAGES[:3]].tolist() == [1, 2, 3]


@pytest.fixture
def ledger(tmp_path):
    """Eight submissions for two images, the sixth for others; out-of-fold scores rise."""
    for number in range(1, 9):
        value = number / 10
        made = Making(
            experiment="faces",
            method="soft",
            members=[],
            out_of_fold=Estimate(value=value, low=value, high=value) if number != 7 else None,
        )
        one = answers(number, 0)
        record(tmp_path, one.rename({"0.jpg": "x.jpg"}) if number == 6 else one, made)
    for name, score in (("1", 0.02), ("2", 0.01)):
        enter_score(tmp_path, name, PublicScore(macro_f1=score))
    return read_ledger(tmp_path)


def test_best_are_those_with_public_scores_and_then_by_out_of_fold(ledger):
    latest = ledger.submissions[-1]
    best = best_submissions(ledger, latest.entry.eval_set, without=latest)
    assert [one.number for one in best] == [1, 2, 5, 4, 3]


def test_best_are_other_submissions_for_the_same_images(ledger):
    fifth, sixth = ledger.submissions[4:6]
    best = best_submissions(ledger, fifth.entry.eval_set, without=fifth)
    assert [one.number for one in best] == [1, 2, 8, 4, 3]
    assert best_submissions(ledger, sixth.entry.eval_set, without=sixth) == []


def test_no_changes_have_no_moves():
    found = changes(answers(1, 2), answers(1, 2))
    assert (found.count(WHOLE), found.moves("age"), len(found.rows)) == (0, [], 0)
    assert np.array_equal(found.rows.columns, ["ImageID", "from", "to"])
