"""What was written is read again, and a damaged line costs only what follows it."""

import pytest

from orchestrator.journal import Began, Broke, Ended, Journal, Opened, Proposed, Reported
from trainable.storage_errors import StorageError

EVENTS = [
    Opened(at="2026-01-01T00:00:00+00:00"),
    Proposed(
        trial="trial-001",
        values={"optim.lr": 0.1 + 0.2, "predict.flip": True, "a": 1, "b": None, "loss.name": "f1"},
        source="sampler",
    ),
    Began(trial="trial-001", step=0),
    Reported(trial="trial-001", step=1, score=1 / 3, verdict="pause"),
    Began(trial="trial-001", step=1, is_filling=True),
    Broke(trial="trial-001", reason='it "died"\n'),
    Ended(trial="trial-001", status="failed", reason="<b>", again=True),
]


@pytest.fixture
def journal(tmp_path):
    written = Journal(tmp_path / "search.jsonl")
    for event in EVENTS:
        written.append(event)
    return written


def test_events_come_back_as_they_were_written(journal):
    assert journal.take_up() == (EVENTS, "")


def test_journal_whose_drivers_did_not_write_what_they_had_read_counts_whole(journal):
    opened = b'{"event":"opened","at":"2026-01-01T00:00:00+00:00","by":"machine:1"}\n'
    journal.path.write_bytes(journal.path.read_bytes() + opened)
    assert journal.take_up()[0][:-1] == EVENTS


def test_every_event_is_one_line(journal):
    assert len(journal.path.read_text().splitlines()) == len(EVENTS)


def test_only_a_newline_ends_a_line(journal):
    """Python's own idea of a line ends at more characters, which JSON leaves as they are."""
    broke = Broke(trial="trial-001", reason="a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg\rh")
    journal.append(broke)
    journal.append(EVENTS[0])
    assert journal.take_up() == ([*EVENTS, broke, EVENTS[0]], "")


@pytest.mark.parametrize("written", [0, 1, 50])
def test_line_that_finds_no_room_leaves_nothing_of_itself(journal, written, disk_full_after):
    too_large = pytest.raises(StorageError, match=r"cannot store .*search\.jsonl: File too large")
    with disk_full_after(journal.path.stat().st_size + written), too_large:
        journal.append(EVENTS[1])
    journal.append(EVENTS[0])
    assert journal.take_up() == ([*EVENTS, EVENTS[0]], "")


@pytest.mark.parametrize("cut", [1, 10, 30])
def test_line_that_was_cut_off_is_left_out_and_told(journal, cut):
    journal.path.write_bytes(journal.path.read_bytes()[:-cut])
    events, told = journal.take_up()
    assert events == EVENTS[:-1]
    assert f"damaged from line {len(EVENTS)} on" in told


def test_search_can_write_on_after_a_damaged_line(journal):
    journal.path.write_bytes(journal.path.read_bytes()[:-5])
    journal.take_up()
    journal.append(EVENTS[0])
    *before, opened, last = journal.so_far()
    assert (before, opened.event, last) == (EVENTS[:-1], "opened", EVENTS[0])


@pytest.mark.parametrize("damage", ["\0\0\0\n", "{}\n", '{"event":"unknown"}\n', "\xff\n"])
def test_damage_in_the_middle_keeps_what_was_before_and_puts_the_rest_aside(journal, damage):
    lines = journal.path.read_text().splitlines(keepends=True)
    journal.path.write_text("".join([*lines[:3], damage, *lines[4:]]))
    events, told = journal.take_up()
    assert events == EVENTS[:3]
    assert "search.damaged" in told
    assert (journal.path.parent / "search.damaged").read_text().startswith(damage)


def test_every_byte_may_be_the_last(journal):
    whole = journal.path.read_bytes()
    for size in range(0, len(whole), 7):
        journal.path.write_bytes(whole[:size])
        events, _ = journal.take_up()
        assert events == EVENTS[: whole[:size].count(b"\n")]


def test_journal_that_cannot_be_written_says_where(tmp_path):
    with pytest.raises(StorageError, match=r"cannot store .*search\.jsonl: No such file"):
        Journal(tmp_path / "missing" / "search.jsonl").append(EVENTS[0])
