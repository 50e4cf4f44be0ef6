"""What is known of a search follows from the events it was told of, worked out by hand."""

from dataclasses import replace

from orchestrator.progress import SearchGoal, SearchProgress
from trainable.records import EpochRecord

GOAL = SearchGoal("loss_aug", trials=6, epochs=8, started=100.0)


def epoch(number, score=0.5, folds=1):
    return EpochRecord(
        epoch=number,
        folds=folds,
        metrics={"macro_f1": score},
        train_loss=1.0,
        lr=0.001,
        seconds={"step": 2.0},
    )


def trained(progress, trial, scores):
    progress = progress.trial_started(trial, {"optim.lr": 0.01})
    for number, score in enumerate(scores, start=1):
        progress = progress.epoch_finished(trial, epoch(number, score))
    return progress


def test_best_is_the_highest_epoch_of_any_trial_and_the_first_of_equals():
    progress = trained(SearchProgress(GOAL), "a", [0.2, 0.7, 0.7, 0.4])
    progress = trained(progress, "b", [0.7, 0.1])
    assert progress.best.trial == "a"
    assert progress.best.best.epoch == 2
    assert progress.best.last.score == 0.4


def test_a_trial_s_best_epoch_is_one_over_the_most_folds():
    progress = trained(SearchProgress(GOAL), "a", [0.6, 0.5])
    progress = progress.epoch_finished("a", epoch(3, 0.55, folds=2))
    assert progress.trials["a"].best.epoch == 3
    progress = progress.epoch_finished("a", epoch(4, 0.58, folds=1))
    assert progress.trials["a"].best.epoch == 3


def test_a_score_of_one_fold_is_no_match_for_one_of_all_folds():
    progress = trained(SearchProgress(GOAL), "one fold", [0.6]).trial_ended("one fold", "stopped")
    progress = progress.trial_started("all", {}, [epoch(1, 0.5), epoch(2, 0.55, folds=3)])
    progress = progress.trial_ended("all", "completed")
    assert progress.best.trial == "all"
    assert [trial.trial for trial in progress.ended_well] == ["all", "one fold"]


def test_a_search_without_an_epoch_has_no_best_and_no_end():
    progress = SearchProgress(GOAL).trial_started("a", {})
    assert progress.best is None
    assert progress.seconds_left(now=160.0) is None
    assert progress.epochs_per_minute(now=100.0) == 0


def test_every_asked_trial_is_counted_in_exactly_one_state():
    progress = SearchProgress(GOAL)
    for trial in "abcde":
        progress = progress.trial_started(trial, {})
    progress = progress.trial_paused("b").trial_ended("c", "stopped")
    progress = progress.trial_ended("d", "completed").trial_ended("e", "failed", "no memory")
    assert progress.counts == dict.fromkeys(progress.counts, 1)
    assert sum(progress.counts.values()) == 6


def test_a_paused_trial_that_starts_again_keeps_its_epochs():
    progress = trained(SearchProgress(GOAL), "a", [0.2, 0.7]).trial_paused("a")
    progress = progress.trial_started("a", {})
    assert progress.trials["a"].status == "running"
    assert progress.trials["a"].epoch == 2


def test_an_event_leaves_the_state_before_it_as_it_was():
    before = trained(SearchProgress(GOAL), "a", [0.2])
    before.epoch_finished("a", epoch(2))
    assert before.trials["a"].epoch == 1


def test_the_rate_counts_the_epochs_of_all_trials_since_the_start():
    progress = trained(trained(SearchProgress(GOAL), "a", [0.1] * 3), "b", [0.1] * 2)
    assert progress.epochs_per_minute(now=130.0) == 10


def test_epochs_of_an_earlier_driver_count_for_the_best_but_not_for_the_rate():
    progress = SearchProgress(GOAL).trial_started("a", {}, [epoch(1, 0.9), epoch(2, 0.3)])
    assert progress.best.best.epoch == 1
    assert progress.trials["a"].epoch == 2
    assert progress.epochs_per_minute(now=160.0) == 0


def test_time_left_is_what_was_forecast_less_what_has_passed():
    progress = replace(SearchProgress(GOAL), ready_at=200.0)
    assert progress.seconds_left(now=140.0) == 60
    assert progress.seconds_left(now=300.0) == 0


def test_a_search_of_as_many_trials_as_fit_has_none_waiting():
    goal = SearchGoal("loss_aug", trials=None, epochs=8, started=100.0, deadline=200.0)
    progress = trained(SearchProgress(goal), "a", [0.1] * 4).trial_ended("a", "completed")
    assert progress.counts["waiting"] == 0
