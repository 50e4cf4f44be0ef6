"""A search hands out what is best to do next, and goes on from its journal as it would have."""

import math
from collections import Counter
from dataclasses import dataclass

import pytest
from played import STEPS, Watched, own_score, play, sampled

from orchestrator.asked import Taken
from orchestrator.decisions import LOSSES_FORGIVEN, MOST_RELIEF, OUT_OF_TIME, TRIES, Search
from orchestrator.journal import Began, Broke, Ended, Opened, Proposed, Reported
from orchestrator.proposals import Listed
from orchestrator.rules import Fifo, Halving
from orchestrator.states import Ask

LEVELS = (1, 3)


def stopping():
    return Halving(LEVELS, 3, promote=False)


def promoting():
    return Halving(LEVELS, 3, promote=True)


RULES = {"fifo": Fifo, "stopping": stopping, "promoting": promoting}
BY_RULE = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


def standing(search):
    return {trial: (state.step, state.score) for trial, state in search.trials.items()}


@dataclass
class Until:
    """There is time until a second; every step takes one."""

    end: float
    now: float = 0.0
    is_limited = True

    def may_start(self, values, steps):
        return self.now + steps <= self.end

    def may_go_on(self, values):
        return self.now + 1 <= self.end


@BY_RULE
def test_as_many_trials_are_proposed_as_were_asked_and_all_end(rule):
    search = play(rule(), trials=12, slots=3).search
    assert list(search.trials) == [f"trial-{number:03d}" for number in range(1, 13)]
    assert {state.status for state in search.trials.values()} == {"ended"}


@BY_RULE
def test_no_step_is_trained_twice_and_none_is_left_out(rule):
    trained = Counter(play(rule(), slots=4).trained)
    assert set(trained.values()) == {1}
    assert all(step == 1 or (trial, step - 1) in trained for trial, step in trained)


@BY_RULE
@pytest.mark.parametrize("slots", [1, 4])
def test_no_more_trials_run_at_once_than_there_are_slots(rule, slots):
    running, most = set(), 0
    for event in play(rule(), slots=slots).events:
        if isinstance(event, Began):
            running.add(event.trial)
        elif (isinstance(event, Reported) and event.verdict == "pause") or isinstance(event, Ended):
            running.discard(event.trial)
        most = max(most, len(running))
    assert most == slots


def test_fifo_completes_every_trial():
    trained = play(Fifo(), trials=5).trained
    assert len(trained) == 5 * STEPS


def test_in_ascending_order_stopping_stops_nobody_and_promoting_trains_a_third():
    def ascending(trial, step):
        return int(trial.rpartition("-")[2]) + 0.01 * step

    full = 27 * STEPS
    assert len(play(stopping(), score=ascending).trained) == full
    assert len(play(promoting(), score=ascending, slots=2).trained) <= 0.6 * full


def test_promotable_trial_goes_on_before_anything_new_starts():
    played = play(promoting(), trials=9, score=lambda trial, step: 10 - int(trial[-1]))
    order = [event.trial for event in played.events if isinstance(event, Began)]
    assert order[:4] == ["trial-001", "trial-002", "trial-003", "trial-001"]


def test_slot_without_a_new_trial_goes_on_with_the_best_paused_one_while_others_work():
    played = play(promoting(), trials=4, slots=2)
    filling = [
        event.trial for event in played.events if isinstance(event, Began) and event.is_filling
    ]
    assert filling
    alone = play(promoting(), trials=2, slots=1)
    assert not any(isinstance(event, Began) and event.is_filling for event in alone.events)


def test_search_writes_an_event_before_it_is_told():
    written, told = [], []

    class Watch(Watched):
        def began(self, trial, values):
            told.append(len(written))

    play_into(written, Watch())
    assert all(isinstance(written[place - 1], Began) for place in told)


def play_into(written, watch):
    search = Search(
        Ask(3, 1, lambda values: STEPS), sampled(), Fifo(), write=written.append, watch=watch
    )
    while (leg := search.next_leg()) is not None:
        for step in range(1, STEPS + 1):
            search.report(leg.trial, step, 0.5)


@BY_RULE
@pytest.mark.parametrize("sampler", ["kde", "random", "tpe"])
def test_search_that_is_killed_after_any_step_ends_as_if_it_had_not_been(rule, sampler):
    whole = play(rule(), proposals=sampled(sampler), trials=12)
    for until in range(1, len(whole.trained), 5):
        killed = play(rule(), proposals=sampled(sampler), trials=12, until=until)
        resumed = play(rule(), proposals=sampled(sampler), trials=12, earlier=killed.events)
        assert killed.trained + resumed.trained == whole.trained
        assert standing(resumed.search) == standing(whole.search)
        assert [t.values for t in resumed.search.trials.values()] == [
            t.values for t in whole.search.trials.values()
        ]


@BY_RULE
def test_search_that_is_killed_between_any_two_events_trains_nothing_twice(rule):
    whole = play(rule(), trials=9, slots=3)
    for size in range(len(whole.events)):
        before = whole.events[:size]
        resumed = play(rule(), trials=9, slots=3, earlier=before)
        reported = [(e.trial, e.step) for e in before if isinstance(e, Reported)]
        assert not set(reported) & set(resumed.trained)
        assert {state.status for state in resumed.search.trials.values()} == {"ended"}
        assert len(resumed.search.trials) == 9


def test_finished_search_is_extended():
    first = play(stopping(), trials=4)
    more = play(stopping(), trials=10, earlier=first.events)
    assert len(more.search.trials) == 10
    assert {trial for trial, _ in more.trained} == {f"trial-{n:03d}" for n in range(5, 11)}
    assert standing(more.search) == standing(play(stopping(), trials=10).search)


def test_step_that_is_reported_again_changes_nothing():
    search = play(stopping(), until=1).search
    (trial,) = search.trials
    before = search.trials[trial]
    assert search.report(trial, before.step, 0.0)
    assert search.trials[trial] == before


def test_trial_whose_process_dies_is_tried_again_and_then_given_up():
    watch = Watched()
    played = play(Fifo(), trials=1, until=2, watch=watch)
    search = played.search
    for attempt in range(3):
        search.broke("trial-001", f"killed {attempt}")
        leg = search.next_leg()
        assert (leg is None) == (attempt == 2)
        assert leg is None or leg.step == 2
    assert played.events[-1] == Ended(
        trial="trial-001", status="failed", reason="killed 2", again=True
    )
    assert watch.told[-1] == ("trial-001", "failed")


def test_resumed_search_tries_a_failed_trial_again_but_none_that_lost_its_loss():
    played = play(Fifo(), trials=2, slots=2, until=2)
    played.search.fail("trial-001", "the loss was no number")
    for _ in range(3):
        played.search.broke("trial-002", "killed")
        played.search.next_leg()
    resumed = play(Fifo(), trials=2, slots=2, earlier=played.events)
    assert {trial for trial, _ in resumed.trained} == {"trial-002"}


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
def test_score_that_is_no_number_fails_its_own_trial_alone(score):
    def one_lost(trial, step):
        return score if trial == "trial-002" else own_score(trial, step)

    search = play(stopping(), trials=4, score=one_lost).search
    ended = {
        event.trial: event
        for event in play(stopping(), trials=4, score=one_lost).events
        if isinstance(event, Ended)
    }
    assert ended["trial-002"].status == "failed"
    assert "its score after step 1 is no number" in ended["trial-002"].reason
    assert [trial for trial, event in ended.items() if event.status == "failed"] == ["trial-002"]
    assert len(search.trials) == 4


def test_nothing_starts_that_cannot_reach_its_first_rung_in_time():
    levels = (4, 8)
    played = play(Halving(levels, 3, promote=False), trials=50, time=Until(10.5))
    starts = {}
    for place, (trial, step) in enumerate(played.trained):
        if step == 1:
            starts[trial] = place
    assert all(start + levels[0] <= 10.5 for start in starts.values())


def test_trials_end_with_the_time_and_a_resumed_search_goes_on_with_them():
    played = play(Fifo(), trials=5, slots=2, time=Until(6.5))
    assert played.seconds == 6
    cut = [event for event in played.events if isinstance(event, Ended)]
    assert {(event.status, event.reason, event.again) for event in cut} == {
        ("stopped", OUT_OF_TIME, True)
    }
    resumed = play(Fifo(), trials=5, slots=2, earlier=played.events)
    assert Counter(played.trained + resumed.trained) == Counter(play(Fifo(), trials=5).trained)


def test_time_that_a_new_trial_could_not_use_is_used_by_a_trial_that_would_be_stopped():
    halving = Halving((4,), 3, promote=False)
    played = play(halving, trials=9, slots=2, time=Until(6.5), score=falling)
    assert played.seconds == 6
    assert ("trial-002", 6) in played.trained


def test_trial_is_stopped_though_there_is_time_where_no_other_waits_for_its_slot():
    halving = Halving((4,), 3, promote=False)
    played = play(halving, trials=2, slots=2, time=Until(100), score=falling)
    assert ("trial-002", 5) not in played.trained


def falling(trial, step):
    return 1 - int(trial[-1]) / 10


def test_all_paused_trials_go_on_while_there_is_time():
    played = play(promoting(), trials=3, time=Until(1000))
    assert len(played.trained) == 3 * STEPS


def test_listed_trials_are_taken_in_their_order():
    points = [{"optim.lr": lr} for lr in (0.3, 0.1, 0.2)]
    search = play(Fifo(), proposals=Listed(points), trials=9).search
    assert [state.values for state in search.trials.values()] == points


def test_earlier_result_is_taken_over_and_counts_at_every_rung():
    def earlier(trial, values):
        scores = [(step, 1.0) for step in range(1, STEPS + 1)]
        return Taken(scores, "old/trial-009") if trial == "trial-002" else None

    taken = play_with(earlier)
    assert not [trial for trial, _ in taken.trained if trial == "trial-002"]
    assert taken.search.trials["trial-002"].score == 1.0
    again = play_with(earlier, events=taken.events)
    assert again.trained == []


def play_with(earlier, events=()):
    return play(stopping(), trials=6, score=own_score, earlier=events, taken=earlier)


def test_journal_of_an_opened_search_may_hold_nothing_else():
    events = [Opened(), Opened()]
    assert len(play(Fifo(), trials=2, earlier=events).trained) == 2 * STEPS


def test_verdict_that_was_written_and_not_carried_out_is_carried_out():
    events = [
        Proposed(trial="trial-001", values={"loss.name": "f1", "optim.lr": 0.01}, source="sampler"),
        Began(trial="trial-001", step=0),
        Reported(trial="trial-001", step=1, score=0.5, verdict="stop"),
    ]
    resumed = play(stopping(), trials=1, earlier=events)
    assert resumed.trained == []
    assert resumed.events[-1] == Ended(trial="trial-001", status="stopped")


def test_failure_that_was_written_is_counted_after_a_restart():
    events = [
        Proposed(trial="trial-001", values={"loss.name": "f1", "optim.lr": 0.01}, source="sampler"),
        Began(trial="trial-001", step=0),
        Broke(trial="trial-001", reason="killed"),
    ]
    assert len(play(Fifo(), trials=1, earlier=events).trained) == STEPS


def test_trial_that_could_not_reach_its_first_rung_is_not_started_when_asked_again():
    time = Until(3.5)
    search = Search(
        Ask(50, 2, lambda values: STEPS),
        sampled(),
        Halving((4,), 3, promote=False),
        write=[].append,
        time=time,
    )
    assert [search.next_leg() for _ in range(20)] == [None] * 20
    assert len(search.trials) <= TRIES


def test_trial_that_was_cut_off_ends_again_when_there_is_still_no_time():
    cut = play(Fifo(), trials=2, slots=2, time=Until(3.5))
    resumed = play(Fifo(), trials=2, slots=2, time=Until(0.5), earlier=cut.events)
    assert resumed.trained == []
    states = resumed.search.trials.values()
    assert {(state.status, state.ended.again) for state in states} == {("ended", True)}


def test_paused_trials_that_only_the_time_kept_waiting_go_on_when_there_is_more():
    cut = play(promoting(), trials=9, slots=3, time=Until(5.5))
    paused = {event.trial for event in cut.events if isinstance(event, Ended) and event.again}
    resumed = play(promoting(), trials=9, slots=3, earlier=cut.events)
    assert paused & {trial for trial, _ in resumed.trained}
    assert not set(cut.trained) & set(resumed.trained)


def test_take_over_that_was_broken_off_is_taken_up():
    def taken(trial, values):
        scores = [(step, 1.0) for step in range(1, STEPS + 1)]
        return Taken(scores, "old/trial-009") if trial == "trial-002" else None

    whole = play_with(taken)
    for size in range(len(whole.events)):
        resumed = play_with(taken, events=whole.events[:size])
        assert "trial-002" not in {trial for trial, _ in resumed.trained}
        assert resumed.search.trials["trial-002"].ended.reason == "taken from old/trial-009"


def test_trials_that_were_taken_over_take_nobodys_place_on_a_rung():
    def taken(trial, values):
        is_bad = trial in ("trial-001", "trial-002", "trial-003")
        return Taken([(1, 0.0), (3, 0.0), (STEPS, 0.0)], "old/t") if is_bad else None

    played = play(promoting(), trials=12, taken=taken)
    gone_on = {trial for trial, step in played.trained if step == 2}
    assert len(gone_on) == 12 // 3


def test_every_trial_that_ended_is_told_after_a_restart():
    whole = play(stopping(), trials=6)
    watch = Watched()
    play(stopping(), trials=6, earlier=whole.events, watch=watch)
    ended = {event.trial: event.status for event in whole.events if isinstance(event, Ended)}
    assert sorted(watch.told) == sorted((name, f"had {status}") for name, status in ended.items())


def test_as_many_trials_as_are_wanted_whole_are_trained_to_their_end():
    for slots in (1, 2):
        played = play(promoting(), trials=6, slots=slots, whole=3)
        complete = [t for t in played.search.trials.values() if t.step == STEPS]
        assert len(complete) == 3
        assert min(t.score for t in complete) >= max(
            t.score for t in played.search.trials.values() if t.step < 3
        )


def test_lost_machines_are_no_failures_of_a_trial():
    search, trial = started()
    for _ in range(LOSSES_FORGIVEN):
        search.broke(trial, "its machine was lost", "machine")
        assert search.next_leg().trial == trial
    search.broke(trial, "its machine was lost", "machine")
    assert search.trials[trial].ended.status == "failed"


def test_trial_that_runs_out_of_memory_is_given_more_relief_each_time():
    search, trial = started()
    relief = []
    for _ in range(MOST_RELIEF):
        search.broke(trial, "CUDA out of memory", "memory")
        relief.append(search.next_leg().relief)
    search.broke(trial, "CUDA out of memory", "memory")
    assert relief == [1, 2]
    assert search.trials[trial].ended.reason == "CUDA out of memory"


def test_relief_is_known_after_a_restart():
    search, trial = started(events := [])
    search.broke(trial, "CUDA out of memory", "memory")
    resumed = new_search([])
    resumed.replay(events)
    resumed.settle()
    assert resumed.next_leg().relief == 1


def test_more_trials_run_when_machines_join_and_fewer_when_they_leave():
    search = new_search([], slots=1)
    search.next_leg()
    assert search.next_leg() is None
    search.slots = 2
    assert search.next_leg().trial == "trial-002"
    search.slots = 1
    search.broke("trial-001", "its machine was lost", "machine")
    assert search.next_leg() is None


def new_search(events, slots=1):
    return Search(Ask(9, slots, lambda values: STEPS), sampled(), Fifo(), write=events.append)


def started(events=None):
    """A search whose first trial runs."""
    search = new_search([] if events is None else events)
    return search, search.next_leg().trial
