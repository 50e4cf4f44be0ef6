"""An ablation trains its lines on the cluster and writes what the intervals say."""

import io
from contextlib import redirect_stdout
from dataclasses import dataclass

import pandas as pd
import pytest

from orchestrator import ablate, search
from orchestrator.ablation_plan import make_ablation
from orchestrator.ablation_table import ablation_lines
from trainable.comparison import paired_difference
from trainable.metrics import scores
from trainable.settings import UserError
from trainable.store import ExperimentFolder, open_experiment

LINES = ["whole recipe", "without focal loss", "without cut-off 58"]


@dataclass(frozen=True)
class Ablated:
    """An ablation that is over: where it is stored, its table, and what it printed."""

    folder: ExperimentFolder
    table: pd.DataFrame
    printed: str


@pytest.fixture(scope="session")
def ablated(cluster_words, tmp_path_factory) -> Ablated:
    runs = tmp_path_factory.mktemp("runs-of-ablation")
    words = [
        *(*cluster_words, "recipe=focal_multihead", "scale=small", "cv.folds=1", "seeds=2"),
        *("techniques=[focal loss,cut-off 58]", f"search.runs={runs}", "search.name=ablated"),
    ]
    printed = io.StringIO()
    with redirect_stdout(printed):
        assert ablate.main(words) == 0
    folder = open_experiment(runs, "ablated")
    table = pd.read_csv(folder.path / "ablation.csv").set_index("line")
    return Ablated(folder, table, printed.getvalue())


def answers(ablated: Ablated, line: int) -> list[pd.Series]:
    """Return the predicted classes by image of both trainings of a line."""
    names = [f"trial-{number:03d}" for number in (2 * line + 1, 2 * line + 2)]
    found = [ablated.folder.trial(name).read_validation() for name in names]
    return [pd.Series(one.values.argmax(1), index=one.rows).sort_index() for one in found]


def test_every_line_is_trained_once_for_each_seed(ablated):
    assert list(ablated.table.index) == LINES
    assert list(ablated.table["trials"]) == [2, 2, 2]
    assert len(ablated.folder.trials()) == 6


def test_metrics_are_means_over_the_seeds(ablated):
    labels = ablated.folder.read_images()["label"]
    for number, line in enumerate(LINES):
        found = [scores(labels[own.index], own.to_numpy()) for own in answers(ablated, number)]
        for name in ("macro_f1", "accuracy", "mask_f1", "gender_f1", "age_f1"):
            mean = sum(one[name] for one in found) / 2
            assert ablated.table.loc[line, name] == pytest.approx(mean, abs=1e-9)


def test_difference_is_paired_on_the_same_persons(ablated):
    images = ablated.folder.read_images()
    whole, without = answers(ablated, 0), answers(ablated, 1)
    rows = whole[0].index
    expected = paired_difference(
        images.loc[rows, "label"].to_numpy(),
        images.loc[rows, "person"].to_numpy(),
        [one.to_numpy() for one in without],
        [one.to_numpy() for one in whole],
    )
    line = ablated.table.loc["without focal loss"]
    assert (line["difference"], line["low"], line["high"]) == pytest.approx(
        (expected.value, expected.low, expected.high)
    )
    assert line["verdict"] == expected.verdict
    assert line["compared with"] == "whole recipe"


def test_table_is_printed_line_by_line(ablated):
    assert "Which techniques of focal_multihead help" in ablated.printed
    for line in LINES:
        assert line.split()[0] in ablated.printed
    assert "cannot tell" in ablated.printed or "helps" in ablated.printed


def test_lines_that_were_not_trained_are_left_out(ablated, tmp_path):
    plan = make_ablation([*ablated.folder.read_record().words, "train.seed=7"])
    lines, missing = ablation_lines(plan, ablated.folder)
    assert lines == []
    assert missing == dict.fromkeys(LINES, "not started")


def test_ablation_that_is_over_can_be_resumed_and_trains_nothing_again(ablated, capsys):
    before = {trial.name: trial.read_epochs() for trial in ablated.folder.trials()}
    assert ablate.main(["resume=ablated", f"search.runs={ablated.folder.path.parent}"]) == 0
    assert {trial.name: trial.read_epochs() for trial in ablated.folder.trials()} == before
    assert "Which techniques of focal_multihead help" in capsys.readouterr().out


def test_ablation_goes_on_by_its_own_command(ablated):
    runs = f"search.runs={ablated.folder.path.parent}"
    with pytest.raises(UserError, match=r"goes on with: python -m orchestrator\.ablate resume=abl"):
        search.main(["resume=ablated", runs])
