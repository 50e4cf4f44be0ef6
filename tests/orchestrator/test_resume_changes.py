"""A search goes on only as what it was, or with what its user accepted; the record says so."""

import shutil
from pathlib import Path

import pytest
from searches import Searched, run_search

from orchestrator import search
from orchestrator.config import SCHEMA, SearchConfig
from orchestrator.journal import Journal, Reported
from orchestrator.plan import make_plan
from orchestrator.resume import resumed
from trainable.dataset import load_data
from trainable.experiment import add_start
from trainable.settings import UserError
from trainable.store import ExperimentFolder, open_experiment


@pytest.fixture
def stored(searched, tmp_path) -> ExperimentFolder:
    """A copy of a finished search that a test may change."""
    folder = tmp_path / "runs" / "stored"
    shutil.copytree(searched.folder.path, folder)
    record = searched.folder.read_record().model_copy(update={"experiment": "stored"})
    found = ExperimentFolder(folder)
    found.write_record(record)
    return found


def change(folder, **changes):
    folder.write_record(folder.read_record().model_copy(update=changes))


def go_on(folder, *more):
    words = ["resume=stored", f"search.runs={folder.path.parent}", *more]
    found = resumed(SearchConfig(resume="stored", search=section(folder, more)), words, SCHEMA)
    plan = make_plan(found.words)
    again = found.accept(plan, load_data(plan.base.data))
    add_start(folder, again)
    return again.changes


def section(folder, more):
    return {"runs": str(folder.path.parent), "anyway": "search.anyway=true" in more}


CHANGES = {
    "code": ({"versions": {"code": "0123456789ab"}}, "the code of trainable: was 0123456789ab"),
    "data": ({"data_fingerprint": "0123456789abcdef"}, "the data in "),
    "space": ({"space": {"optim.lr": "otherwise"}}, "the space: optim.lr was otherwise, and is "),
}
BY_CHANGE = pytest.mark.parametrize(("changes", "told"), CHANGES.values(), ids=CHANGES)


@BY_CHANGE
def test_what_has_changed_is_told_and_the_search_does_not_go_on(stored, changes, told):
    change(stored, **changes)
    with pytest.raises(UserError, match=r"search\.anyway=true") as error:
        go_on(stored)
    assert told in str(error.value)
    assert stored.read_record().resumed == []


@BY_CHANGE
def test_accepted_change_is_written_down(stored, changes, told):
    change(stored, **changes)
    assert any(told in change for change in go_on(stored, "search.anyway=true"))
    (again,) = stored.read_record().resumed
    assert any(told in one for one in again.changes)
    assert "search.anyway=true" not in again.words


def test_unchanged_search_goes_on_without_a_word_and_its_record_says_when(stored):
    assert go_on(stored) == []
    record = stored.read_record()
    assert record.started[-1] == record.resumed[-1].at
    assert record.resumed[-1].changes == []


def test_other_images_are_refused_whatever_is_typed(stored):
    images = stored.read_images()
    images.loc[0, "label"] = 17
    stored.write_images(images, stored.read_eval_images())
    with pytest.raises(UserError, match="holds other images, persons or labels"):
        go_on(stored, "search.anyway=true")


def test_words_that_may_change_replace_the_stored_ones(stored):
    go_on(stored, "search.trials=9", "search.keep=1")
    words = stored.read_record().words
    assert {"search.trials=9", "search.keep=1"} <= set(words)
    assert "search.trials=5" not in words


def test_search_that_has_lost_its_journal_cannot_go_on(stored):
    stored.journal.unlink()
    with pytest.raises(UserError, match=r"stored cannot go on: .*search\.jsonl is missing"):
        go_on(stored)


def test_search_that_was_killed_before_its_first_trial_goes_on(stored):
    stored.journal.unlink()
    for trial in stored.trials():
        shutil.rmtree(trial.path)
    go_on(stored)


def test_second_driver_is_kept_away(stored):
    with stored.searched(), pytest.raises(UserError, match="stored is being searched by another"):
        search.main(["resume=stored", f"search.runs={stored.path.parent}"])


@pytest.fixture(scope="session")
def extended(searched, tmp_path_factory) -> Searched:
    """A copy of the finished search of five, whose journal lost half a line, asked for seven."""
    runs = tmp_path_factory.mktemp("runs-of-extended")
    folder = Path(shutil.copytree(searched.folder.path, runs / searched.folder.name))
    with (folder / "search.jsonl").open("a") as journal:
        journal.write('{"event":"propo')
    return run_search([f"resume={folder.name}", f"search.runs={runs}", "search.trials=7"])


def test_finished_search_is_extended_to_as_many_trials_as_are_asked(extended, searched):
    assert extended.code == 0
    assert len(extended.trials) == 7
    for name, trial in searched.trials.items():
        assert extended.trials[name].epochs == trial.epochs
        assert extended.trials[name].outcome == trial.outcome


def test_rungs_of_before_count_in_an_extended_search(extended, searched):
    old, _ = Journal(searched.folder.journal).take_up()
    events, _ = Journal(open_experiment(extended.folder.path.parent).journal).take_up()
    assert events[: len(old)] == old
    new = [event for event in events[len(old) :] if isinstance(event, Reported)]
    rung = [event.score for event in old if isinstance(event, Reported) and event.step == 3]
    for event in new:
        if event.step == 3:
            rung.append(event.score)
            good = sorted(rung, reverse=True)[: -(-len(rung) // 3)]
            assert (event.verdict == "continue") == (event.score >= good[-1])


def test_damaged_end_of_the_journal_is_put_aside(extended):
    assert (extended.folder.path / "search.damaged").read_text() == '{"event":"propo'
