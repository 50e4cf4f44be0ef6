"""What a search costs its driver is told from a search whose trials do nothing."""

import pytest

from benchmarks.processes import Command, run
from benchmarks.scale.meter import KIB, Mark, costs_of
from orchestrator.journal import Began, Ended, Proposed, Reported


def proposed(trial):
    return Proposed(trial=trial, values={}, source="a list")


def reported(trial, step, verdict="continue"):
    return Reported(trial=trial, step=step, score=0.5, verdict=verdict)


def test_time_between_two_results_is_a_results_and_all_other_time_the_starts():
    events = [
        (proposed("a"), 0.0, 100 * KIB),
        (Began(trial="a", step=0), 0.0, None),
        (reported("a", 1), 10.0, None),  # here the only slot is busy
        (reported("a", 2), 10.004, None),
        (reported("a", 3, "stop"), 10.008, None),
        (Ended(trial="a", status="completed"), 10.009, None),
        (proposed("b"), 10.100, 130 * KIB),
        (Began(trial="b", step=0), 10.101, None),
        (reported("b", 1), 10.2, None),
        (proposed("c"), 10.3, 170 * KIB),
    ]
    marks = [Mark(event, wall, wall / 2, memory) for event, wall, memory in events]
    costs = costs_of(marks, slots=1)
    assert (costs.results, costs.starts) == (4, 2)
    assert costs.wall_per_result == pytest.approx(4.0)
    assert costs.cpu_per_result == pytest.approx(2.0)
    assert costs.wall_per_start == pytest.approx((300 - 4 * 4) / 2)
    assert costs.kib_per_trial == pytest.approx(40)


def test_search_that_never_filled_its_slots_has_no_costs():
    marks = [Mark(proposed("a"), 0.0, 0.0, 1), Mark(reported("a", 1), 1.0, 1.0)]
    with pytest.raises(ValueError, match="2 slots"):
        costs_of(marks, slots=2)


@pytest.mark.parametrize("part", ["bare", "whole"])
def test_trials_that_do_nothing_run_on_ray_by_the_drivers_own_code(tmp_path, part):
    words = ["--part", part, "--trials", "8", "--slots", "2", "--results", "3"]
    run(Command("benchmarks.scale", words), tmp_path / "log")
    printed = (tmp_path / "log").read_text()
    assert f"{part}: " in printed
    assert all(word in printed for word in ("a result: ", "a start: ", "KiB a trial"))
