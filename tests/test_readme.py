"""The README's commands are true: those of its first screen are run as they stand."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from orchestrator.ablation_plan import make_ablation
from orchestrator.confirm_words import SCHEMA as CONFIRM
from orchestrator.confirm_words import without_options
from orchestrator.plan import make_plan
from trainable.command_line import read_words
from trainable.config import TrialConfig
from trainable.fit import SCHEMA as FIT
from trainable.recipes.catalogue import RECIPES
from trainable.settings import setting_paths

PROJECT = Path(__file__).parent.parent
README = (PROJECT / "README.md").read_text()
BLOCKS = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
COMMANDS = [shlex.split(line, comments=True) for block in BLOCKS for line in block.splitlines()]
TARGETS = sorted(set(re.findall(r"(?:^|`)make (\w+)", README, re.MULTILINE)))
TINY = [
    *("data.image_height=32", "data.image_width=32", "cv.validation_share=0.25"),
    *("train.epochs=1", "train.batch_size=16", "search.trials=4", "scheduler=fifo"),
]


def commands_of(module: str) -> list[list[str]]:
    found = [words[3:] for words in COMMANDS if words[:3] == ["python", "-m", module]]
    assert found, f"the README shows no command of {module}"
    return found


def run(module: str, words: list[str], folder: Path) -> str:
    command = [sys.executable, "-m", module, *words]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=200)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def searched(faces_root, tmp_path_factory):
    """A folder in which the README's first search ran, with little to train."""
    folder = tmp_path_factory.mktemp("newcomer")
    first = [
        word.replace("<folder>", str(faces_root)) for word in commands_of("orchestrator.search")[0]
    ]
    (folder / "faces").symlink_to(faces_root)
    run("orchestrator.search", [*first, *TINY], folder)
    return folder


@pytest.mark.parametrize("words", commands_of("orchestrator.search"), ids=" ".join)
def test_every_search_of_the_readme_is_accepted(words):
    assert make_plan(words).space.parameters


@pytest.mark.parametrize("words", commands_of("trainable.fit"), ids=" ".join)
def test_every_fit_of_the_readme_is_accepted(words):
    assert not read_words(FIT, words).swept


@pytest.mark.parametrize("target", TARGETS)
def test_every_make_target_of_the_readme_exists(target):
    subprocess.run(["make", "--dry-run", target], cwd=PROJECT, check=True, capture_output=True)


def test_ensemble_of_the_first_screen_writes_a_row_for_each_eval_image(searched, faces_root):
    run("analysis.ensemble", commands_of("analysis.ensemble")[0], searched)
    submission = pd.read_csv(searched / "runs" / "latest" / "submission.csv")
    asked = pd.read_csv(faces_root / "eval" / "info.csv")
    assert submission["ImageID"].tolist() == asked["ImageID"].tolist()
    assert submission["ans"].between(0, 17).all()


def test_other_analysis_commands_of_the_readme_run(searched):
    for words in commands_of("analysis.leaderboard"):
        assert "trial-001" in run("analysis.leaderboard", words, searched)
    assert (searched / "runs" / "latest" / "tensorboard" / "trial-001").is_dir()


def test_every_file_has_a_phrase_that_says_what_it_is_for():
    tree = (PROJECT / "docs" / "files.md").read_text()
    named = set(re.findall(r"(\w+\.py) +\w", tree))
    packages = ("search_spaces", "trainable", "orchestrator", "analysis")
    files = {file.name for package in packages for file in (PROJECT / package).glob("*.py")}
    assert named == files - {"__init__.py"}


def test_data_page_of_the_readme_is_written(searched):
    for words in commands_of("analysis.data"):
        run("analysis.data", words, searched)
    assert (searched / "data.html").read_text().startswith("<!doctype html>")


def test_report_of_the_readme_is_written(searched):
    for words in commands_of("analysis.report"):
        run("analysis.report", words, searched)
    page = (searched / "runs" / "latest" / "report.html").read_text()
    assert "Which configuration is best?" in page


def test_labels_that_look_wrong_are_listed_as_the_readme_says(searched):
    for words in commands_of("analysis.labels"):
        run("analysis.labels", words, searched)
    assert (
        (searched / "runs" / "latest" / "label_fixes.csv").read_text().startswith("id,field,value")
    )


@pytest.mark.parametrize("words", commands_of("orchestrator.ablate"), ids=" ".join)
def test_every_ablation_of_the_readme_is_accepted(words):
    assert make_ablation(words).rows


@pytest.mark.parametrize("words", commands_of("orchestrator.confirm"), ids=" ".join)
def test_every_confirmation_of_the_readme_is_accepted(words):
    assert read_words(CONFIRM, without_options(words)).pinned == {"top", "folds", "seeds"}


def test_vocabulary_of_the_readme_holds_every_setting_of_a_trial_once():
    table = README.split("## Vocabulary")[1].split("\n\n")[2]
    words = re.findall(
        r"`(\w+(?:\.\w+)+)`", "\n".join(row.split("|")[1] for row in table.splitlines())
    )
    assert sorted(words) == sorted(setting_paths(TrialConfig))


def test_every_recipe_has_a_row_in_the_readme():
    for name in RECIPES:
        assert f"| `{name}` |" in README


def test_final_training_of_the_readme_is_submitted(searched):
    for words in commands_of("trainable.final"):
        run("trainable.final", words, searched)
    (final,) = (words for words in commands_of("analysis.ensemble") if "--final" in words)
    assert "ensemble" in run("analysis.ensemble", final, searched)
