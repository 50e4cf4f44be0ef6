"""A search knows its own pace: it learns from every epoch, and keeps time free for what follows."""

import pytest
from played import own_score, sampled

from orchestrator.decisions import Search
from orchestrator.pace import Pace
from orchestrator.rules import Halving
from orchestrator.states import Ask
from orchestrator.timekeeper import Timekeeper, Work
from orchestrator.timetable import EvalWork
from trainable.config import TrialConfig
from trainable.records import EpochRecord

END, IMAGES, CLOSING, EPOCHS = 1000.0, 100, 4.0, 9
STEP, VALIDATION, VALIDATED = 10.0, 1.0, 50
PER_IMAGE = VALIDATION / VALIDATED
BASE = TrialConfig().with_values({"train.epochs": EPOCHS})
LARGE = {"data.image_height": 2 * BASE.data.image_height}


class Clock:
    """Stands still until it is set."""

    now = 0.0

    def __call__(self):
        return self.now


def keeper(end=END, final=None, slots=1, *, predicts_there=False):
    clock = Clock()
    after = EvalWork(IMAGES, 1, trials=5, side_by_side=slots)
    work = Work(VALIDATED, after, CLOSING, final, predicts_there)
    return Timekeeper(BASE, work, end, Pace(), clock), clock


def epoch(number=1, seconds=STEP):
    spent = {"step": seconds - VALIDATION, "validation": VALIDATION}
    return EpochRecord(epoch=number, metrics={}, train_loss=1.0, lr=0.001, seconds=spent)


def trained(timekeeper, clock, trial="trial-001", start=2.0, epochs=1, values=None):
    """Let a trial start and train."""
    timekeeper.began(trial)
    clock.now += start
    for number in range(1, epochs + 1):
        clock.now += STEP
        timekeeper.epoch_finished(trial, values or {}, epoch(number))


def reserved_for(trials, setup=2.0):
    return CLOSING + trials * (setup + IMAGES * PER_IMAGE)


def test_anything_may_start_while_nothing_is_known():
    timekeeper, _ = keeper()
    assert timekeeper.may_start({}, 1_000_000)


def test_what_does_not_fit_any_more_may_not_start_once_a_step_was_trained():
    timekeeper, clock = keeper()
    trained(timekeeper, clock, epochs=9)
    assert timekeeper.may_start({}, 50)
    assert not timekeeper.may_start({}, 200)


def test_a_larger_kind_is_asked_for_more_time():
    timekeeper, clock = keeper()
    trained(timekeeper, clock)
    clock.now = END - timekeeper.timetable.reserved - 1.7 * STEP
    assert timekeeper.may_go_on({})
    assert not timekeeper.may_go_on(LARGE)


def test_a_running_trial_needs_no_start():
    timekeeper, clock = keeper()
    trained(timekeeper, clock, start=100.0)
    clock.now = END - timekeeper.timetable.reserved - 5 * STEP
    assert timekeeper.may_go_on({})
    assert not timekeeper.may_start({}, 1)


def test_an_epoch_that_was_stored_before_says_nothing_of_the_start():
    timekeeper, clock = keeper()
    timekeeper.began("trial-001")
    clock.now += 0.1
    timekeeper.epoch_finished("trial-001", {}, epoch())
    assert timekeeper.timetable.reserved == pytest.approx(reserved_for(1, setup=0.0))


def test_only_the_first_epoch_of_a_leg_tells_of_its_start():
    timekeeper, clock = keeper()
    trained(timekeeper, clock, start=3.0)
    clock.now += 50 * STEP
    timekeeper.epoch_finished("trial-001", {}, epoch(2))
    assert timekeeper.timetable.reserved == pytest.approx(reserved_for(1, setup=3.0))


def test_time_for_eval_predictions_grows_with_the_trials_up_to_five():
    timekeeper, clock = keeper()
    reserved = []
    for number in range(1, 8):
        trained(timekeeper, clock, f"trial-{number:03d}")
        reserved.append(timekeeper.timetable.reserved)
    assert reserved == pytest.approx([reserved_for(min(n, 5)) for n in range(1, 8)])


def test_two_slots_predict_two_trials_at_once():
    timekeeper, clock = keeper(slots=2)
    for number in range(1, 6):
        trained(timekeeper, clock, f"trial-{number:03d}")
    assert timekeeper.timetable.reserved == pytest.approx(reserved_for(3))


@pytest.mark.parametrize(("predicts_there", "process"), [(False, 0.0), (True, 19.5)])
def test_predicting_starts_one_process_where_others_than_the_driver_predict(
    predicts_there, process
):
    timekeeper, clock = keeper(predicts_there=predicts_there)
    trained(timekeeper, clock, "trial-001", start=20.0)
    trained(timekeeper, clock, "trial-002", start=0.5)
    assert timekeeper.timetable.reserved == pytest.approx(reserved_for(2, setup=0.5) + process)


def test_the_last_training_starts_a_process_however_many_starts_were_quick():
    one_fold = BASE.with_values({"cv.folds": 1})
    timekeeper, clock = keeper(final=one_fold)
    without, other_clock = keeper()
    for number, start in enumerate([15.0, *[0.5] * 12], start=1):
        trained(timekeeper, clock, f"trial-{number:03d}", start)
        trained(without, other_clock, f"trial-{number:03d}", start)
    final = timekeeper.timetable.reserved - without.timetable.reserved
    assert final == pytest.approx(15.0 + EPOCHS * STEP + 0.5 + IMAGES * PER_IMAGE)


def test_equal_values_are_of_one_kind_which_is_worked_out_once():
    timekeeper, _ = keeper()
    first = timekeeper.kind({**LARGE, "optim.lr": 0.001})
    assert timekeeper.kind({"optim.lr": 0.001, **LARGE}) is first
    assert timekeeper.kind({}) != first


def test_trials_are_over_when_the_time_that_is_kept_free_begins():
    timekeeper, clock = keeper()
    trained(timekeeper, clock)
    clock.now = END - reserved_for(1) - 0.1
    assert not timekeeper.is_over()
    clock.now = END - reserved_for(1)
    assert timekeeper.is_over()


def test_a_search_without_a_deadline_is_never_over():
    timekeeper, clock = keeper(end=None)
    clock.now = 1e9
    assert not timekeeper.is_limited
    assert not timekeeper.is_over()
    assert timekeeper.may_start({}, 1_000_000)


def searching(timekeeper):
    return Search(
        Ask(9, 1, lambda values: EPOCHS),
        sampled(),
        Halving((1, 3), 3, promote=False),
        write=lambda event: None,
        time=timekeeper,
    )


def test_there_is_no_forecast_before_the_first_score():
    timekeeper, clock = keeper()
    search = searching(timekeeper)
    assert timekeeper.seconds_left(search, 1) is None
    leg = search.next_leg()
    trained(timekeeper, clock, leg.trial, values=leg.values)
    assert timekeeper.seconds_left(search, 1) is None
    search.report(leg.trial, 1, own_score(leg.trial, 1))
    assert 0 < timekeeper.seconds_left(search, 1) <= END - clock.now


def test_forecast_ends_at_the_deadline_where_more_is_left_than_fits():
    timekeeper, clock = keeper(end=100.0)
    search = searching(timekeeper)
    leg = search.next_leg()
    trained(timekeeper, clock, leg.trial, values=leg.values)
    search.report(leg.trial, 1, own_score(leg.trial, 1))
    assert timekeeper.seconds_left(search, 1) == pytest.approx(100.0 - clock.now)
