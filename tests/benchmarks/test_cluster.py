"""The event clock: what happens when, in which order Ray's interfaces hear of it, what it costs."""

import math

import pytest
from ray.tune.schedulers import TrialScheduler
from scripted import NAME, Script, StopAfter, ThreeCurves

from benchmarks.schedulers.cluster import Cluster, Simulation
from trainable.leg_keys import TRIAL


def test_results_arrive_in_the_order_of_their_time(search):
    seen = search("quick", "slow").scheduler.seen
    assert seen == [
        ("quick", 2.0, 1),
        ("slow", 3.0, 1),
        ("quick", 4.0, 2),
        # At six seconds both report; slow was under way first.
        ("slow", 6.0, 2),
        ("quick", 6.0, 3),
        ("slow", 9.0, 3),
    ]


def test_start_costs_its_share_of_a_mean_epoch(search):
    seen = search("uneven", start_epochs=0.5).scheduler.seen
    assert [time for _, time, _ in seen] == [1.5 + 1.0, 1.5 + 4.0, 1.5 + 9.0]


def test_free_worker_starts_the_next_trial_at_once(search):
    seen = search("quick", "quick", "slow").scheduler.seen
    assert [time for name, time, _ in seen if name == "slow"] == [9.0, 12.0, 15.0]


def test_free_worker_asks_again_at_the_next_result_of_another(search):
    seen = search("slow", None, "quick").scheduler.seen
    assert [time for name, time, _ in seen if name == "quick"] == [5.0, 7.0, 9.0]


def test_leg_that_resumes_goes_on_with_its_curve_and_pays_again(search):
    first, second = ({NAME: "uneven", TRIAL: "one"} for _ in range(2))
    searched = search(first, second, stop=StopAfter(2), workers=1, start_epochs=1.0)
    assert searched.scheduler.seen == [
        ("uneven", 3.0 + 1.0, 1),
        ("uneven", 3.0 + 4.0, 2),
        ("uneven", 7.0 + 3.0 + 5.0, 3),
    ]
    log = searched.simulation.log
    assert (log.trainings, log.legs, log.epochs) == (1, 2, 3)


def test_trial_cannot_run_twice_at_once(search):
    leg = {NAME: "slow", TRIAL: "one"}
    with pytest.raises(AssertionError, match="already runs"):
        search(leg, dict(leg))


def test_searcher_hears_of_a_stopped_trials_last_result_as_its_end(search):
    told = search("slow", "quick", stop=StopAfter(2)).searcher.told
    assert told == {
        "00000": [("result", 1), ("complete", 2)],
        "00001": [("result", 1), ("complete", 2)],
    }


def test_scheduler_is_asked_about_the_last_epoch_too(search):
    searched = search("slow")
    assert [step for _, _, step in searched.scheduler.seen] == [1, 2, 3]
    assert searched.searcher.told == {"00000": [("result", 1), ("result", 2), ("complete", 3)]}


def test_results_tell_the_best_score_so_far_over_all_legs(search):
    first, second = ({NAME: "quick", TRIAL: "one"} for _ in range(2))
    searched = search(first, second, stop=StopAfter(2), workers=1)
    assert searched.scheduler.best == [0.1, 0.3, 0.3]


def test_found_are_the_epochs_that_were_better_than_all_before(search):
    found = search("quick", "slow", "uneven").simulation.log.found
    assert found == [
        (2.0, 0.1),
        (3.0, 0.2),
        (4.0, 0.3),
        (6.0, 0.4),
        (7.0, 0.5),
        (9.0, 0.6),
        (15.0, 0.9),
    ]


def test_noise_changes_what_is_seen_but_not_what_it_is_worth(search):
    noisy = search("uneven", "slow", "quick", noise=5.0, seed=1).simulation.log.found
    assert {score for _, score in noisy} <= {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.9}
    assert noisy != search("uneven", "slow", "quick").simulation.log.found


def test_search_ends_when_its_time_is_over():
    scheduler = StopAfter()
    scheduler.simulation = Simulation(
        ThreeCurves(), Script({NAME: "slow"}), scheduler, Cluster(1, start_epochs=0.0)
    )
    log = scheduler.simulation.run(until=6.0)
    assert (log.epochs, log.end) == (2, 6.0)


def test_searcher_that_waits_while_nothing_runs_is_an_error(search):
    with pytest.raises(RuntimeError, match="nothing runs"):
        search(None)


def test_rays_pause_is_refused(search):
    with pytest.raises(NotImplementedError, match="a leg that stops"):
        search("slow", stop=StopAfter(1, TrialScheduler.PAUSE))


def test_nothing_is_found_where_nothing_is_suggested(search):
    log = search().simulation.log
    assert (log.found, log.epochs, math.isclose(log.end, 0.0)) == ([], 0, True)
