"""Races on a made-up task: who runs, until when, with whose history, and how it is shown."""

import json

import pytest
from typer.testing import CliRunner

from benchmarks.schedulers import contenders
from benchmarks.schedulers.__main__ import app
from benchmarks.schedulers.contenders import Contender, random_search
from benchmarks.schedulers.figures import BUDGETS, make_rows
from benchmarks.schedulers.history import earlier_experiment
from benchmarks.schedulers.picture import draw_picture
from benchmarks.schedulers.report import show_comparison, write_json
from benchmarks.schedulers.runs import Conditions, runs_on, seed_of
from benchmarks.schedulers.synthetic import RisingTask

CONDITIONS = Conditions(("random", "stopping", "ray"), seeds=2)
TASKS = (RisingTask("first"), RisingTask("second"))


@pytest.fixture(scope="module")
def runs():
    return [run for task in TASKS for run in runs_on(task, {}, CONDITIONS)]


def test_every_contender_runs_on_every_task_with_every_seed(runs):
    found = [(run.task, run.contender, run.seed) for run in runs]
    assert found == [
        (task.name, name, seed)
        for task in TASKS
        for name in CONDITIONS.contenders
        for seed in range(2)
    ]


def test_search_ends_after_twenty_full_trainings(runs):
    for run in runs:
        assert 0 < run.found.times[0] < run.found.times[-1] <= 20
    # A training takes 52 s and a tenth of an epoch, so 19 of them and 50 epochs fit into 20 * 52 s.
    for run in runs:
        if run.contender == "random":
            assert run.epochs == pytest.approx(4 * (19 * 52 + 50), abs=4)


def test_no_two_searches_draw_the_same_configurations(runs):
    drawn = {run.found.regrets for run in runs if run.contender == "random"}
    assert len(drawn) == 4
    assert seed_of("scale", TASKS[0]) != seed_of("search", TASKS[0])


def test_noise_hides_what_is_best(runs):
    (noisy,) = runs_on(TASKS[0], {}, Conditions(("random",), seeds=1, noise=10.0))
    assert noisy.found.regret_at(20.0) > runs[0].found.regret_at(20.0)


def test_history_is_given_to_those_who_use_it_and_is_of_other_tasks(monkeypatch):
    known = {}

    def learn(name):
        def make(assignment):
            known[name] = [past.name for past in assignment.history]
            return random_search(assignment)

        return make

    listed = {
        "learns": Contender("", learn("learns"), uses_history=True),
        "ignores": Contender("", learn("ignores")),
    }
    monkeypatch.setattr(contenders, "CONTENDERS", listed)
    pasts = [earlier_experiment(task, seed=0, count=2) for task in TASKS]
    runs_on(TASKS[0], {0: pasts}, Conditions(("learns", "ignores"), seeds=1))
    assert known == {"learns": ["second"], "ignores": []}


def test_rows_compare_with_random_search_and_with_rays_way(runs):
    random, stopping, ray = make_rows(runs)
    assert [row.contender for row in (random, stopping, ray)] == ["random", "stopping", "ray"]
    assert random.speed is not None
    assert random.speed.sooner == 1.0
    assert (set(stopping.against or ()), ray.against) == (set(BUDGETS), None)
    assert stopping.regrets[20.0].mean < random.regrets[2.0].mean


def test_comparison_is_shown_drawn_and_written(runs, tmp_path, capsys):
    conditions, groups = CONDITIONS, {"all tasks": make_rows(runs)}
    show_comparison(groups)
    assert "Ray's way: stopping ASHA, TPE" in capsys.readouterr().out
    draw_picture(tmp_path / "regret.png", {"all tasks": runs})
    assert (tmp_path / "regret.png").read_bytes().startswith(b"\x89PNG")
    write_json(tmp_path / "found.json", conditions, groups, runs)
    content = json.loads((tmp_path / "found.json").read_text())
    assert [len(content["figures"]["all tasks"]), len(content["runs"])] == [3, len(runs)]


def test_command_prints_what_the_worst_order_costs():
    words = ["--order", "worst", "--contender", "stopping", "--contender", "promoting"]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0
    assert [line.split()[-1] for line in result.stdout.splitlines() if "%" in line] == [
        "100%",
        "16%",
    ]
