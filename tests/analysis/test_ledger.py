"""What is handed in is kept once, found again, and survives damage and company."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from pydantic import ValidationError

from analysis.ledger import (
    Estimate,
    Making,
    PublicScore,
    enter_score,
    find,
    read_ledger,
    record,
    stored_answers,
)
from trainable.settings import UserError
from trainable.storage_errors import StorageError
from trainable.store import create_experiment

SCORE = Estimate(value=0.4, low=0.35, high=0.45)
MADE = Making(experiment="faces", method="soft", members=["a", "b"], out_of_fold=SCORE)


def answers(*classes: int) -> "pd.Series[int]":
    return pd.Series(classes, index=[f"{i}.jpg" for i in range(len(classes))])


def ledger_file(runs: Path) -> Path:
    return runs / "submissions" / "ledger.jsonl"


def test_submission_is_read_back_as_it_was_recorded(tmp_path):
    given = record(tmp_path, answers(3, 1, 17), MADE)
    assert given.is_new
    (found,) = read_ledger(tmp_path).submissions
    assert found == given.submission
    assert Making(**{name: getattr(found.entry, name) for name in Making.model_fields}) == MADE
    assert (found.number, found.entry.images, found.entry.public) == (1, 3, None)
    assert stored_answers(tmp_path, found).to_dict() == {"0.jpg": 3, "1.jpg": 1, "2.jpg": 17}


def test_same_answers_in_another_order_are_one_submission_and_this_is_said(tmp_path):
    first = record(tmp_path, answers(3, 1), MADE)
    again = record(tmp_path, answers(3, 1)[::-1], MADE.model_copy(update={"method": "hard"}))
    assert not again.is_new
    assert again.submission == first.submission
    assert again.sentence.startswith(f"the same answers are submission {first.submission.label}")
    assert "soft" in again.sentence
    assert len(read_ledger(tmp_path).submissions) == 1


def test_out_of_fold_score_is_added_to_a_submission_that_had_none(tmp_path):
    record(tmp_path, answers(3), MADE.model_copy(update={"out_of_fold": None, "method": "added"}))
    enter_score(tmp_path, "1", PublicScore(macro_f1=0.5))
    record(tmp_path, answers(3), MADE)
    (found,) = read_ledger(tmp_path).submissions
    assert (found.entry.method, found.entry.out_of_fold) == ("soft", SCORE)
    assert found.entry.public == PublicScore(macro_f1=0.5)


def test_other_answers_or_other_images_are_another_submission(tmp_path):
    one = record(tmp_path, answers(3, 1), MADE).submission
    two = record(tmp_path, answers(3, 2), MADE).submission
    three = record(tmp_path, answers(3, 1).rename({"0.jpg": "x.jpg"}), MADE).submission
    assert len({one.entry.hash, two.entry.hash, three.entry.hash}) == 3
    assert one.entry.eval_set == two.entry.eval_set != three.entry.eval_set


def test_public_score_is_kept_and_may_be_corrected(tmp_path):
    for klass in (1, 2):
        record(tmp_path, answers(klass), MADE)
    enter_score(tmp_path, "2", PublicScore(macro_f1=0.77))
    changed = enter_score(tmp_path, "2", PublicScore(macro_f1=0.7, accuracy=0.8))
    first, second = read_ledger(tmp_path).submissions
    assert first.entry.public is None
    assert second == changed
    assert second.entry.public == PublicScore(macro_f1=0.7, accuracy=0.8)


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_score_outside_0_to_1_is_no_score(value):
    with pytest.raises(ValidationError):
        PublicScore(macro_f1=value)


def test_submission_is_found_by_number_hash_or_as_the_latest(tmp_path):
    made = [record(tmp_path, answers(klass), MADE).submission for klass in range(3)]
    ledger = read_ledger(tmp_path)
    assert find(ledger, "2") == made[1]
    assert find(ledger, made[0].entry.hash[:6].upper()) == made[0]
    assert find(ledger, "latest") == made[2]


def test_unknown_submission_is_told_which_there_are(tmp_path):
    with pytest.raises(UserError, match=r"no submission is recorded yet: python -m analysis"):
        find(read_ledger(tmp_path), "latest")
    label = record(tmp_path, answers(1), MADE).submission.label
    for name in ("2", "zz", ""):
        with pytest.raises(UserError) as error:
            find(read_ledger(tmp_path), name)
        assert str(error.value).endswith(f"{name!r}; there are: {label}")


def test_ambiguous_hash_is_told_whom_it_may_mean(tmp_path):
    made = [record(tmp_path, answers(klass, 5), MADE).submission for klass in range(18)]
    letters = [one.entry.hash[0] for one in made]
    letter = next(one for one in letters if letters.count(one) > 1 and one.isalpha())
    with pytest.raises(UserError, match=f"several submissions begin with '{letter}'") as error:
        find(read_ledger(tmp_path), letter)
    assert all(one.label in str(error.value) for one in made if one.entry.hash[0] == letter)


@pytest.mark.parametrize("damage", [b"{", b"", b"\xff\xfe", b'{"hash": "a"}', b"[1]"])
def test_damaged_line_is_named_and_kept_and_the_others_are_used(tmp_path, damage):
    for klass in range(3):
        record(tmp_path, answers(klass), MADE)
    lines = ledger_file(tmp_path).read_bytes().splitlines()
    lines[1] = damage
    ledger_file(tmp_path).write_bytes(b"\n".join(lines))
    ledger = read_ledger(tmp_path)
    assert [one.number for one in ledger.submissions] == [1, 3]
    assert list(ledger.damaged) == [2]
    assert record(tmp_path, answers(9), MADE).submission.number == 4
    enter_score(tmp_path, "3", PublicScore(macro_f1=0.5))
    assert ledger_file(tmp_path).read_bytes().splitlines()[1] == damage


def test_second_line_of_the_same_answers_is_damaged(tmp_path):
    record(tmp_path, answers(1), MADE)
    ledger_file(tmp_path).write_bytes(ledger_file(tmp_path).read_bytes() * 2)
    assert read_ledger(tmp_path).damaged == {2: "the same answers as line 1"}


def test_changed_or_missing_answers_are_named(tmp_path):
    made = record(tmp_path, answers(1, 2), MADE).submission
    (file,) = (tmp_path / "submissions").glob("*.csv")
    file.write_text(file.read_text().replace(",2", ",3"))
    with pytest.raises(UserError, match=f"{file.name} was changed: it is not what submission 1"):
        stored_answers(tmp_path, made)
    file.unlink()
    with pytest.raises(UserError, match=f"cannot read .*{file.name}"):
        stored_answers(tmp_path, made)


def test_processes_that_record_at_once_lose_nothing(tmp_path):
    script = (
        "import sys; from pathlib import Path; import pandas as pd\n"
        "from analysis.ledger import Making, record\n"
        "made = Making(experiment='e', method='soft', members=[])\n"
        "for n in range(9):\n"
        "    one = pd.Series([n, int(sys.argv[2])], index=['a', 'b'])\n"
        "    record(Path(sys.argv[1]), one, made)\n"
    )
    words = [sys.executable, "-c", script, str(tmp_path)]
    processes = [subprocess.Popen([*words, str(one)]) for one in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    ledger = read_ledger(tmp_path)
    assert len(ledger.submissions) == 18
    assert not ledger.damaged


def test_full_disk_leaves_the_ledger_as_it_was(tmp_path, disk_full_after):
    record(tmp_path, answers(1), MADE)
    before = ledger_file(tmp_path).read_bytes()
    with disk_full_after(len(before) + 10), pytest.raises(StorageError, match=r"ledger\.jsonl"):
        record(tmp_path, answers(2), MADE)
    assert ledger_file(tmp_path).read_bytes() == before


def test_ledger_is_lines_of_json_that_a_person_can_read(tmp_path):
    record(tmp_path, answers(1), MADE)
    line = json.loads(ledger_file(tmp_path).read_text())
    assert (line["method"], line["out_of_fold"]["value"]) == ("soft", 0.4)


def test_no_experiment_takes_the_name_of_the_folder(tmp_path):
    with pytest.raises(UserError, match="other than latest and submissions"):
        create_experiment(tmp_path, "submissions")
