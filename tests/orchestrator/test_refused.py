"""What cannot work is refused before Ray starts, and leaves nothing behind."""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import ray

from benchmarks.machines import free_port
from orchestrator import search
from orchestrator.launch import experiment_name
from orchestrator.plan import make_plan
from trainable.patience import PATIENCE_VARIABLE
from trainable.settings import UserError
from trainable.store import create_experiment

NOBODY = 65534


@pytest.fixture
def no_ray(monkeypatch):
    def started(**settings):
        pytest.fail("Ray was started")

    monkeypatch.setattr(ray, "init", started)


@pytest.fixture
def read_only(tmp_path) -> Iterator[Path]:
    """A folder that may not be written to, not even by root, who lends its rights to nobody."""
    user = os.geteuid()
    tmp_path.chmod(0o555)
    if user == 0:
        os.seteuid(NOBODY)
    yield tmp_path
    os.seteuid(user)
    tmp_path.chmod(0o755)


def refusal(words, runs, since=None):
    with pytest.raises(UserError) as error:
        search.main([*words, f"search.runs={runs}"], since)
    return str(error.value)


@pytest.mark.usefixtures("no_ray")
@pytest.mark.parametrize(
    ("word", "named"),
    [
        ("loss.nmae=focal", "did you mean loss.name"),
        ("space=loss_agu", "did you mean loss_aug"),
        ("optim.lr=0.1,-1", "optim.lr=-1"),
        ("augment.flip=interval(0.5,1.5)", "augment.flip=1.5"),
        ("model.backbone=mobilenetv3_smal_050", "mobilenetv3_small_050"),
        ("model.backbone=mobilenetv3_small_050,lcnet_05", "lcnet_050"),
        ("data.root=nowhere", "nowhere"),
        ("search.budget=soon", "90m"),
    ],
)
def test_mistake_is_named_and_leaves_no_experiment(tiny_words, tmp_path, word, named):
    assert named in refusal([*tiny_words, word], tmp_path / "runs")
    assert not list((tmp_path / "runs").glob("*"))


@pytest.mark.usefixtures("no_ray")
def test_patience_that_is_no_number_is_named_and_leaves_no_experiment(
    tiny_words, tmp_path, monkeypatch
):
    monkeypatch.setenv(PATIENCE_VARIABLE, "2m")
    assert f"{PATIENCE_VARIABLE}=2m" in refusal(tiny_words, tmp_path / "runs")
    assert not list((tmp_path / "runs").glob("*"))


@pytest.mark.usefixtures("no_ray")
def test_budget_too_short_for_a_trial_says_how_long_one_takes(tiny_words, tmp_path):
    told = refusal([*tiny_words, "search.budget=5s"], tmp_path / "runs")
    assert "one trial takes about" in told
    assert not list((tmp_path / "runs").glob("*"))


@pytest.mark.usefixtures("no_ray")
def test_budget_counts_from_when_the_command_began(tiny_words, tmp_path):
    an_hour_ago = datetime.now() - timedelta(hours=1)
    told = refusal([*tiny_words, "search.budget=1h"], tmp_path / "runs", an_hour_ago)
    assert "search.budget=1h leaves 0s" in told


@pytest.mark.usefixtures("no_ray")
def test_missing_image_is_named_and_leaves_no_experiment(tiny_words, own_faces, tmp_path):
    image = next((own_faces / "train" / "images").glob("*/normal.*"))
    image.unlink()
    told = refusal([*tiny_words, f"data.root={own_faces}"], tmp_path / "runs")
    assert image.parent.name in told
    assert not list((tmp_path / "runs").glob("*"))


@pytest.mark.usefixtures("no_ray")
def test_runs_folder_that_cannot_be_made_is_named(tiny_words, tmp_path):
    (tmp_path / "file").touch()
    runs = tmp_path / "file" / "runs"
    assert f"cannot write to search.runs={runs}" in refusal(tiny_words, runs)


def test_runs_folder_without_write_permission_is_named(read_only):
    with pytest.raises(UserError, match="name a folder you may write to with"):
        create_experiment(read_only / "runs", "any")


def test_searches_started_in_the_same_second_have_a_folder_each(tmp_path):
    name = experiment_name(make_plan(["space=loss_aug"]))
    together = threading.Barrier(8)

    def start(_: int) -> Path:
        together.wait()
        return create_experiment(tmp_path, name).path

    with ThreadPoolExecutor(8) as pool:
        folders = set(pool.map(start, range(8)))
    assert len(folders) == 8
    assert folders == set(tmp_path.iterdir())


def test_name_of_a_search_counts_as_given():
    assert experiment_name(make_plan(["search.name=first-try"])) == "first-try"


@pytest.mark.usefixtures("no_ray")
@pytest.mark.parametrize("name", ["latest", "a/b"])
def test_name_that_cannot_be_a_folder_of_the_runs_is_refused(tiny_words, tmp_path, name):
    assert f"search.name={name}" in refusal([*tiny_words, f"search.name={name}"], tmp_path / "runs")
    assert not list((tmp_path / "runs").glob("*"))


@pytest.mark.timeout(60)
def test_cluster_that_is_not_there_is_named_and_leaves_no_experiment(tiny_words, tmp_path):
    address = f"127.0.0.1:{free_port()}"
    told = refusal([*tiny_words, f"cluster.address={address}"], tmp_path / "runs")
    assert address in told
    assert not list((tmp_path / "runs").glob("*"))
