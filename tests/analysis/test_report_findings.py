"""What the report says is true: of made-up trials whose truth is known."""

import numpy as np
import pandas as pd
import pytest

from analysis.ledger import Estimate, Making, PublicScore, enter_score, record
from analysis.report.ages import by_year, near_and_far
from analysis.report.confusions import worst_classes
from analysis.report.evidence import Judged, read_evidence
from analysis.report.faces import surely_wrong
from analysis.report.handed_in import submissions_section
from analysis.report.importance import rank_settings
from analysis.report.levels import Level, common_level, rungs
from analysis.report.section import Table
from analysis.report.varied import distributions, varied_settings
from benchmarks.stored_search import Large, write_search


@pytest.fixture(scope="module")
def evidence(faces_root, tmp_path_factory):
    """A made-up search of 40 trials in which the learning rate decides, and little else."""
    folder = write_search(tmp_path_factory.mktemp("runs"), faces_root, Large(40, 24))
    return read_evidence(folder.path.parent, folder.name)


def judged(evidence, classes, share=0.9):
    """Return the best trial as if it had answered these classes, so surely."""
    trial = evidence.best
    values = np.full((len(classes), 18), (1 - share) / 17)
    values[np.arange(len(classes)), classes] = share
    return Judged(trial, evidence.images.iloc[: len(classes)], values)


def test_trials_are_compared_where_half_of_them_came(evidence):
    level = common_level(evidence.scored)
    assert level.epoch == 2
    assert len(level.scores) == 40
    assert level.others == 0
    longer = [trial for trial in evidence.scored if len(trial.results.epochs) > 2]
    level = common_level(longer)
    assert level.epoch == 6
    for trial in longer:
        first = [epoch.score for epoch in trial.results.epochs[:6]]
        assert level.scores[trial.name] == max(first)


def test_rungs_are_where_trials_were_held_back(evidence):
    assert rungs(evidence) == [2, 6]


def test_a_setting_that_decides_is_told(evidence):
    rates = {
        trial.name: float(trial.results.record.values["optim.lr"]) for trial in evidence.scored
    }
    scores = {name: -abs(np.log10(rate) + 2.5) for name, rate in rates.items()}
    ranking = rank_settings(evidence, Level(2, scores, 0))
    assert ranking.settings[0].path == "optim.lr"
    assert [one.path for one in ranking.telling] == ["optim.lr"]
    assert sum(one.share for one in ranking.settings) == pytest.approx(1)


def test_it_counts_what_the_best_have_in_common_and_not_the_worst(evidence):
    random = np.random.default_rng(1)
    smooth = sorted(
        evidence.scored, key=lambda trial: trial.results.record.values["loss.smoothing"]
    )
    scores = {trial.name: float(random.random()) for trial in smooth}
    scores |= {trial.name: 2.0 for trial in smooth[-5:]}
    assert rank_settings(evidence, Level(2, scores, 0)).settings[0].path == "loss.smoothing"
    worst = {name: -score for name, score in scores.items()}
    assert rank_settings(evidence, Level(2, worst, 0)).settings[0].path != "loss.smoothing"


def test_where_nothing_decides_nothing_is_told(evidence):
    random = np.random.default_rng(3)
    scores = {trial.name: float(random.random()) for trial in evidence.scored}
    ranking = rank_settings(evidence, Level(2, scores, 0))
    assert ranking.telling == []
    assert all(one.low <= one.high for one in ranking.settings)


def test_few_trials_tell_nothing(evidence):
    scores = {trial.name: 0.5 for trial in evidence.scored[:9]}
    assert rank_settings(evidence, Level(2, scores, 0)) is None


def test_a_setting_that_exists_with_others_has_no_value_elsewhere(evidence):
    (gamma,) = (one for one in varied_settings(evidence) if one.path == "loss.gamma")
    focal = {
        trial.name
        for trial in evidence.scored
        if trial.results.record.values["loss.name"] == "focal"
    }
    assert set(gamma.values) == focal
    for trial in evidence.scored:
        assert ("loss.gamma" in distributions(evidence, trial)) == (trial.name in focal)
        assert (gamma.text(trial.name) == "-") == (trial.name not in focal)


def test_the_best_may_be_best_and_leads_most(evidence):
    best = evidence.standings[evidence.best.name]
    assert best.may_be_best
    assert best.behind.value == 0
    assert best.leads == max(one.leads for one in evidence.standings.values())
    assert sum(one.leads for one in evidence.standings.values()) == pytest.approx(1)
    for trial in evidence.scored[:20]:
        standing = evidence.standings[trial.name]
        assert standing.low < trial.best.score < standing.high


def test_accuracy_by_year_counts_images_and_persons(evidence):
    images = evidence.images
    right = by_year(judged(evidence, images["label"].to_numpy()))
    assert (right["right"] == 1).all()
    assert right["images"].sum() == len(images)
    assert (right["persons"] * 7 == right["images"]).all()
    assert right.loc[60, ["<30", "30-59", ">=60"]].tolist() == [0, 0, 1]


def test_ages_near_a_cutoff_are_told_from_others(evidence):
    labels = evidence.images["label"].to_numpy()
    ages = evidence.images["age"].to_numpy()
    near = ((ages >= 27) & (ages < 33)) | ((ages >= 57) & (ages < 63))
    others = labels - labels % 3 + (labels % 3 + 1) % 3
    words = near_and_far(judged(evidence, np.where(near, others, labels)))
    assert "right about the age bracket of 0% of the images, elsewhere of 100%" in words


def test_the_worst_class_is_the_one_that_is_always_wrong(evidence):
    labels = evidence.images["label"].to_numpy()
    words = worst_classes(judged(evidence, np.where(labels == 7, 8, labels)))
    assert words[0].startswith("“incorrect, male, 30-59” (F1 0.00, ")


def test_wrong_faces_are_one_of_a_person_the_surest_first(evidence):
    labels = evidence.images["label"].to_numpy()
    found = judged(evidence, np.where(np.arange(len(labels)) < 14, (labels + 6) % 18, labels))
    found.probabilities[8] = np.where(found.probabilities[8] > 0.5, 0.99, 0.01 / 17)
    wrong = surely_wrong("mask", found)
    assert wrong["person"].tolist() == evidence.images["person"].iloc[[8, 0]].tolist()
    assert wrong["image"].iloc[0] == evidence.images["image"].iloc[8]
    assert surely_wrong("gender", found).empty


def test_submissions_are_listed_and_public_scores_drawn(tmp_path):
    answers = pd.Series([1, 2], index=["a.jpg", "b.jpg"])
    made = Making(
        experiment="faces",
        method="soft",
        members=["trial-001"],
        out_of_fold=Estimate(value=0.5, low=0.4, high=0.6),
    )
    record(tmp_path, answers, made)
    before = submissions_section(tmp_path)
    enter_score(tmp_path, "1", PublicScore(macro_f1=0.45))
    after = submissions_section(tmp_path)
    assert "Public scores are drawn against ours when one is entered" in before.blocks[0].words
    (table,) = (block for block in after.blocks if isinstance(block, Table))
    assert table.rows[0][-2:] == ["0.500 (0.400 to 0.600)", "0.4500"]
    assert any(block.kind == "drawing" for block in after.blocks)
