"""What cannot be made one ensemble is refused in a sentence, and nothing is written."""

import io
import shutil

import numpy as np
import pandas as pd
import pytest

from trainable.arrays import Probabilities
from trainable.store import ExperimentFolder
from trainable.submissions import SubmissionsFolder


@pytest.fixture
def refused(run_ensemble, experiment):
    """Return what is said on stderr, after a look that nothing was written."""

    def run(*words: str) -> str:
        before = sorted(experiment.path.parent.rglob("*"))
        result = run_ensemble(*words)
        assert result.exit_code == 2
        assert result.stdout == ""
        assert "Traceback" not in result.stderr
        assert result.stderr.splitlines()[-1].startswith("error: ")
        assert sorted(experiment.path.parent.rglob("*")) == before
        assert not SubmissionsFolder(experiment.path.parent).path.exists()
        return result.stderr

    return run


@pytest.fixture
def add_copy(experiment: ExperimentFolder):
    def add(name: str, fingerprint: str) -> ExperimentFolder:
        copied = ExperimentFolder(experiment.path.with_name(name))
        shutil.copytree(experiment.path, copied.path)
        record = copied.read_record().model_copy(update={"data_fingerprint": fingerprint})
        copied.write_record(record)
        return copied

    return add


def keep(folder, rows: range) -> None:
    stored = folder.read_validation()
    kept = np.isin(stored.rows, rows)
    folder.write_validation(Probabilities(stored.rows[kept], stored.values[kept]))


def rows_of(result) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(result.stdout)).set_index("member")


def test_trial_of_another_experiment_votes_too(run_ensemble, add_copy):
    add_copy("other", "f")
    plain = ("--method", "soft", "--prior-shift", "off", "--format", "csv")
    both = rows_of(run_ensemble("--trials", "peaked,other/early", *plain))
    assert list(both.index) == ["peaked", "other/early", "soft", "soft + rule", "ensemble"]
    alone = rows_of(run_ensemble("--trials", "early", *plain))
    assert both.loc["other/early", "macro_f1"] == alone.loc["early", "macro_f1"]


def test_trial_of_other_data_does_not_vote(refused, add_copy):
    add_copy("other", "another fingerprint")
    said = refused("--trials", "peaked,other/early")
    assert "other/early was trained on other data than faces" in said


def test_trials_that_scored_other_persons_do_not_vote_together(refused, experiment):
    keep(experiment.trial("peaked"), range(42))
    keep(experiment.trial("early"), range(28, 84))
    said = refused("--trials", "peaked,early")
    assert "peaked scored 42 images of 6 persons, early scored 56 images of 8 persons" in said
    assert "2 persons in common" in said
    assert "cv.seed, cv.folds and cv.validation_share" in said


def test_trial_of_the_other_half_of_a_split_does_not_vote(refused, experiment):
    keep(experiment.trial("peaked"), range(42))
    keep(experiment.trial("early"), range(42, 84))
    assert "0 persons in common" in refused("--trials", "peaked,early")


def test_trials_of_other_classes_do_not_vote(refused, experiment):
    found = experiment.trial("early").read_validation()
    experiment.trial("early").write_validation(Probabilities(found.rows, found.values[:, :8]))
    said = refused("--trials", "peaked,early")
    assert "do not fit the 84 images of the experiment" in said
    assert "values (84, 8)" in said


def test_persons_fewer_than_parts_say_what_to_do(refused, experiment):
    for name in ("peaked", "steady", "early"):
        keep(experiment.trial(name), range(28))
    said = refused()
    assert "4 persons were predicted out-of-fold" in said
    assert "more folds (cv.folds=5)" in said


def test_one_of_the_best_without_eval_probabilities_names_the_command(refused, experiment):
    (experiment.trial("steady").path / "eval.npz").unlink()
    said = refused()
    assert f"python -m trainable.predict trial={experiment.trial('steady').path}" in said


def test_final_submission_without_a_final_training_names_the_command(refused):
    assert "python -m trainable.final trial=" in refused("--final")


def test_answers_that_leave_an_image_out_are_found_before_anything_is_written(
    refused, answers_file
):
    answers_file.write_text("\n".join(answers_file.read_text().splitlines()[:-1]) + "\n")
    assert "no answer for 1 of the 10 eval images" in refused("--method", "soft")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--top", "0"), "--top 0: faces has 3 finished trials; choose 1 to 3"),
        (("--top", "4"), "--top 4: faces has 3 finished trials; choose 1 to 3"),
        (("--top", "2", "--trials", "early"), "choose --top or --trials, not both"),
        (("--trials", "erly"), "early"),
        (("--trials", "broken"), "broken cannot vote: it failed"),
        (("--trials", "early,early"), "name each trial once"),
    ],
)
def test_members_that_are_not_there_are_named(refused, words, said):
    assert said in refused(*words)


def test_unknown_method_names_the_known_ones(run_ensemble, experiment):
    result = run_ensemble("--method", "stak")
    assert result.exit_code == 2
    assert "stack" in result.stderr
    assert not (experiment.path / "submission.csv").exists()
