"""Records survive being written as JSON to the last digit, and refuse what is no number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from trainable.config import TrialConfig
from trainable.metric_names import METRICS, SCORE
from trainable.records import (
    EpochRecord,
    MachineRecord,
    Outcome,
    TrialRecord,
    TrialResults,
    compact,
    rank,
)

MACHINE = MachineRecord(
    host="here", process=1, device="cpu", precision="float32", threads=1, torch="2", processor="x"
)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


def epoch_of(number: int, score: float) -> EpochRecord:
    metrics = {**dict.fromkeys(METRICS, 0.5), SCORE: score}
    return EpochRecord(epoch=number, metrics=metrics, train_loss=1, lr=0.1, seconds={"step": 1})


def results_of(*scores: float) -> TrialResults:
    record = TrialRecord(
        trial="t",
        config=TrialConfig(),
        values={},
        machine=MACHINE,
        identity="same",
        setup_seconds=1,
        started="",
    )
    epochs = [epoch_of(number, score) for number, score in enumerate(scores, start=1)]
    return TrialResults(record=record, epochs=epochs, outcome=Outcome(status="completed"))


@given(NUMBERS, NUMBERS)
def test_epoch_comes_back_from_json_to_the_last_digit(score, loss):
    epoch = epoch_of(1, score).model_copy(update={"train_loss": loss})
    assert EpochRecord.model_validate_json(epoch.model_dump_json()) == epoch


def test_best_epoch_is_the_highest_and_the_first_of_equals():
    assert results_of(0.1, 0.7, 0.7, 0.3).best.epoch == 2


def test_score_over_more_folds_is_better_than_a_higher_one_over_fewer():
    results = results_of(0.1, 0.7, 0.3, 0.4, 0.4)
    folds = (1, 1, 2, 2, 2)
    epochs = [
        epoch.model_copy(update={"folds": count})
        for epoch, count in zip(results.epochs, folds, strict=True)
    ]
    assert results.model_copy(update={"epochs": epochs}).best.epoch == 4


def test_folds_are_compared_before_scores():
    low, high = epoch_of(1, 0.3), epoch_of(2, 0.7)
    assert rank(low) < rank(high) < rank(low.model_copy(update={"folds": 2})) == (2, 0.3)


def test_epoch_that_does_not_say_over_how_many_folds_is_of_one():
    old = epoch_of(1, 0.5).model_dump(exclude={"folds"})
    assert EpochRecord.model_validate(old).folds == 1


def test_trial_without_an_epoch_has_no_best():
    assert results_of().best is None


def test_epoch_whose_loss_is_no_number_is_no_record():
    with pytest.raises(ValidationError, match="finite number"):
        EpochRecord(epoch=1, metrics={}, train_loss=float("nan"), lr=0.1, seconds={})


def test_outcome_knows_four_ways_to_end():
    with pytest.raises(ValidationError, match="'running', 'stopped', 'completed' or 'failed'"):
        Outcome(status="finished")


def test_settings_are_shown_by_the_shortest_word_that_is_unique():
    values = {"optim.lr": 0.00123456, "loss.name": "focal", "predict.flip": True, "augment.flip": 0}
    assert compact(values) == "lr=0.00123 loss=focal predict.flip=true augment.flip=0"
