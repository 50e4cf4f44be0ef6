"""The table fits its terminal, and without a terminal there are lines without control codes."""

import io
import time

import pytest
from rich.console import Console

from orchestrator.live import LiveTable
from orchestrator.progress import SearchGoal, SearchProgress
from orchestrator.search_table import SearchTable, compact
from trainable.records import EpochRecord

GOAL = SearchGoal("loss_aug", trials=40, epochs=8, started=0.0, deadline=3600.0)


def epoch(number, score):
    return EpochRecord(
        epoch=number, metrics={"macro_f1": score}, train_loss=1.0, lr=0.001, seconds={"step": 2.0}
    )


def search(running, ended=0):
    progress = SearchProgress(GOAL)
    for i in range(running + ended):
        progress = progress.trial_started(f"trial_{i:02}", {"loss.name": "focal", "optim.lr": 0.01})
        progress = progress.epoch_finished(f"trial_{i:02}", epoch(1, 0.5 + i / 100))
        if i >= running:
            progress = progress.trial_ended(f"trial_{i:02}", "completed")
    return progress


def printed(progress, height=20, now=60.0):
    console = Console(file=io.StringIO(), width=100, height=height)
    console.print(SearchTable(progress, now))
    return console.file.getvalue()


class Clock:
    """A clock that is set by hand."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def lines():
    return Console(file=io.StringIO(), force_terminal=False, width=60)


def test_the_header_tells_time_counts_and_the_best_settings():
    text = printed(search(running=2, ended=3))
    assert "0:01:00 elapsed" in text
    assert "deadline in 0:59:00" in text
    assert "5.0 epochs/min" in text
    assert "2 running, 3 completed, 35 waiting of 40 trials" in text
    assert "macro-F1 0.5400 by trial_04 in epoch 1, loss=focal lr=0.01" in text


def test_a_row_tells_status_epochs_scores_and_settings():
    progress = search(running=1).epoch_finished("trial_00", epoch(2, 0.25))
    row = next(line for line in printed(progress).splitlines() if line.startswith("trial_00"))
    assert row.split() == [
        *("trial_00", "running", "2/8", "0.2500", "0.5000"),
        *("loss=focal", "lr=0.01"),
    ]


@pytest.mark.parametrize("height", [8, 12, 24])
def test_the_table_is_lower_than_its_terminal(height):
    assert len(printed(search(running=30, ended=10), height).splitlines()) == height - 1


def test_running_trials_come_first_and_leave_a_third_of_the_rows_to_the_best():
    text = printed(search(running=30, ended=10), height=14).splitlines()
    names = [line.split()[0] for line in text if line.startswith("trial_")]
    assert names == [
        *("trial_00", "trial_01", "trial_02", "trial_03", "trial_04", "trial_05"),
        *("trial_39", "trial_38", "trial_37"),
    ]


def test_the_first_line_of_a_failure_is_shown():
    progress = search(running=1).trial_ended("trial_00", "failed", "out of memory\nTraceback")
    text = printed(progress)
    assert "trial_00 failed, 1/8 epochs, best 0.5000: out of memory" in text
    assert "Traceback" not in text


def test_settings_are_named_by_their_last_word_unless_two_share_it():
    values = {"augment.flip": 0.123456, "predict.flip": True, "loss.name": "f1", "data.root": None}
    assert compact(values) == "augment.flip=0.123 predict.flip=true loss=f1 root=none"


def test_a_terminal_shows_the_last_state_and_lines_above_it():
    terminal = Console(file=io.StringIO(), force_terminal=True, force_interactive=True, width=100)
    with LiveTable(terminal, lambda: 60.0) as live:
        live.update(search(running=1))
        live.say("warning: no [b]GPU")
        live.update(search(running=2))
    text = terminal.file.getvalue()
    assert text.index("warning: no [b]GPU") < text.rindex("trial_01")


def test_a_terminal_s_clock_moves_without_an_event():
    terminal = Console(file=io.StringIO(), force_terminal=True, force_interactive=True, width=100)
    clock = Clock()
    with LiveTable(terminal, clock) as live:
        live.update(search(running=1))
        clock.now = 77.0
        deadline = time.monotonic() + 5
        while "0:01:17 elapsed" not in terminal.file.getvalue():
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_without_a_terminal_each_ended_trial_is_one_line_said_once(lines):
    with LiveTable(lines, Clock()) as live:
        live.update(search(running=3))
        live.update(search(running=3).trial_ended("trial_01", "stopped"))
        live.update(search(running=3).trial_ended("trial_01", "stopped"))
        text = lines.file.getvalue()
    assert text == "trial_01 stopped, 1/8 epochs, best 0.5100: loss=focal lr=0.01\n"


def test_trials_that_ended_before_a_resume_are_not_said_again(lines):
    with LiveTable(lines, Clock()) as live:
        live.update(search(running=0, ended=3))
        assert lines.file.getvalue() == ""


def test_without_a_terminal_progress_is_said_every_30_seconds_and_at_the_end(lines):
    clock = Clock()
    with LiveTable(lines, clock) as live:
        for clock.now in range(0, 70, 5):
            live.update(search(running=1))
    said = lines.file.getvalue().splitlines()
    assert [line.split(" elapsed")[0] for line in said] == ["0:00:30", "0:01:00", "0:01:05"]
    assert "1 running" in said[-1]
    assert "best 0.5000 by trial_00" in said[-1]


def test_without_a_terminal_there_are_no_control_codes(lines):
    with LiveTable(lines, Clock()) as live:
        live.update(search(running=2))
        live.update(search(running=1, ended=1))
        live.say("warning")
    assert "\x1b" not in lines.file.getvalue()
